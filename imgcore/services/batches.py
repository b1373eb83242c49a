"""Batches: photographs of one patient that were taken together."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, or_, select

from imgcore.db.tables import Batch
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Page
from imgcore.domain.values import BatchFields, NewBatch
from imgcore.errors import Invalid
from imgcore.services import rows, sight
from imgcore.services.edits import apply, check_version, snapshot
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Service, performs
from imgcore.texts import _


class Batches(Service):
    """Keeps the batches of each patient."""

    @performs(Action.BATCH_SEE)
    def of_patient(
        self, actor: Actor, patient_ref: UUID | str, text: str = "", turn: Turn | None = None
    ) -> Page[records.Batch]:
        """Return a patient's batches, the newest day first; ``text`` is looked for in names and days."""
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, patient_ref, Action.BATCH_SEE)
            wanted = select(Batch).where(Batch.patient_id == patient.id, col(Batch.trashed_at).is_(None))
            for word in text.split():
                day = sa.cast(Batch.taken_on, sa.String).contains(word, autoescape=True)
                wanted = wanted.where(or_(col(Batch.name).icontains(word, autoescape=True), day))
            order = Order((col(Batch.taken_on), col(Batch.id)), newest_first=True)
            page = page_of(work, wanted, order, turn or Turn(), lambda found: rows.batches(work, found))
            seen = [each.id for each in page.items]
            work.record(Action.BATCH_SEE, patient_id=patient.id, entity="batch", entity_ids=seen)
            return page

    @performs(Action.BATCH_SEE)
    def get(self, actor: Actor, batch_id: UUID) -> records.Batch:
        """Return one batch."""
        with self._ledger.read(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_SEE)
            work.record(Action.BATCH_SEE, patient_id=row.patient_id, entity="batch", entity_ids=[row.id])
            return rows.batches(work, [row])[0]

    @performs(Action.BATCH_CREATE)
    def create(self, actor: Actor, patient_ref: UUID | str, new: NewBatch) -> records.Batch:
        """Add a batch to a patient; today, where the server stands, unless another day is named."""
        with self._ledger.write(actor) as work:
            patient = sight.patient(work, patient_ref, Action.BATCH_CREATE)
            day = new.taken_on or work.at.astimezone().date()
            row = Batch(
                patient_id=patient.id,
                name=new.name or day_name(day),
                taken_on=day,
                created_at=work.at,
                updated_at=work.at,
            )
            work.session.add(row)
            work.session.flush()
            work.record(Action.BATCH_CREATE, patient_id=patient.id, entity="batch", entity_ids=[row.id])
            return rows.batches(work, [row])[0]

    @performs(Action.BATCH_EDIT)
    def edit(
        self, actor: Actor, batch_id: UUID, fields: BatchFields, version: int | None = None
    ) -> records.Batch:
        """Change the name or the day; ``Stale`` when ``version`` is not the stored one."""
        with self._ledger.write(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_EDIT)
            check_version(row, version)
            before = snapshot(row)
            for name in fields.model_fields_set:
                value = getattr(fields, name)
                if value is None:
                    raise Invalid(_("A batch needs a name and a day."))
                setattr(row, name, value)
            apply(work, Action.BATCH_EDIT, row, before, patient_id=row.patient_id)
            return rows.batches(work, [row])[0]

    @performs(Action.BATCH_MOVE)
    def move(
        self, actor: Actor, batch_id: UUID, patient_ref: UUID | str, reason: str
    ) -> tuple[records.Batch, UUID | None]:
        """Move a batch with all its images to the right patient; return the change to undo it by."""
        if not reason.strip():
            raise Invalid(_("Please say why the photographs go to another patient."))
        with self._ledger.write(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_MOVE)
            target = sight.patient(work, patient_ref, Action.BATCH_MOVE)
            left = row.patient_id
            before = snapshot(row)
            if left == target.id:
                raise Invalid(_("The batch belongs to this patient already."))
            row.patient_id, row.visit_id = target.id, None
            change_id = apply(work, Action.BATCH_MOVE, row, before, patient_id=left, reason=reason.strip())
            named = {"entity": "batch", "entity_ids": [row.id], "field_names": ["patient_id"]}
            work.record(Action.BATCH_MOVE, patient_id=target.id, **named)
            return rows.batches(work, [row])[0], change_id


def day_name(day: date) -> str:
    """Return how a batch of this day is called: "6 Nov 2025"."""
    return f"{day.day} {day:%b %Y}"
