"""The batches that images are stored in on their way to a model: one of a patient and a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.journal import Idempotency
from imgcore.db.tables import Batch, Image
from imgcore.domain.access import Action, Actor
from imgcore.services import sight
from imgcore.services.batches import day_name
from imgcore.services.work import Ledger, Work
from imgcore.texts import _


def batch_of_day(
    ledger: Ledger,
    actor: Actor,
    patient_ref: UUID | str,
    day: date | None = None,
    key: str | None = None,
    check: Callable[[], None] | None = None,
) -> UUID:
    """Return the patient's batch "Analyses <day>", made when it is needed first; today's without a day.

    What was stored under an ``Idempotency-Key`` before leads to its batch, also on the day after. What
    ``check`` raises keeps a new batch from being made.
    """
    with ledger.read(actor) as work:
        patient = sight.patient(work, patient_ref, Action.BATCH_CREATE)
        known = _by_key(work, patient.id, key) or _there(work, patient.id, day)
    if known is not None:
        return known
    if check is not None:
        check()
    with ledger.write(actor) as work:
        # The lock on the patient makes whoever comes at the same time wait, and find the batch.
        patient = sight.patient(work, patient_ref, Action.BATCH_CREATE)
        batch_id = _there(work, patient.id, day) or _new(work, patient.id, day)
        named = {"patient_id": patient.id, "entity": "batch", "entity_ids": [batch_id]}
        work.record(Action.BATCH_CREATE, **named)
        return batch_id


def _name(work: Work, day: date | None) -> tuple[str, date]:
    day = day or work.at.astimezone().date()
    return _("Analyses {day}").format(day=day_name(day)), day


def _there(work: Work, patient_id: UUID, day: date | None) -> UUID | None:
    name, day = _name(work, day)
    wanted = select(Batch.id).where(Batch.patient_id == patient_id, col(Batch.trashed_at).is_(None))
    wanted = wanted.where(Batch.taken_on == day, Batch.name == name)
    return work.session.exec(wanted.order_by(col(Batch.created_at), col(Batch.id)).limit(1)).first()


def _new(work: Work, patient_id: UUID, day: date | None) -> UUID:
    name, day = _name(work, day)
    row = Batch(patient_id=patient_id, name=name, taken_on=day, created_at=work.at, updated_at=work.at)
    work.session.add(row)
    work.session.flush()
    return row.id


def _by_key(work: Work, patient_id: UUID, key: str | None) -> UUID | None:
    if key is None or work.actor.user_id is None:
        return None
    known = work.session.get(Idempotency, (work.actor.user_id, key, 0))
    image = work.session.get(Image, known.entity_id) if known is not None else None
    batch = work.session.get(Batch, image.batch_id) if image is not None else None
    return batch.id if batch is not None and batch.patient_id == patient_id and not batch.trashed_at else None
