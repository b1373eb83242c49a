"""Erasure: a patient goes for good and at once, and neither bytes nor name are left."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Idempotency
from imgcore.db.tables import Analysis, Batch, CareTeam, Image, Impression, Patient, Visit
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.retention import Erased, NewErasure, confirms
from imgcore.errors import ImgcoreError, Invalid, NotFound
from imgcore.services import holds, sight, traces
from imgcore.services.removals import Removals
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

_CONSENTS = tuple(
    f"consent_{purpose}_{day}_on"
    for purpose in ("record", "teaching", "publication")
    for day in ("given", "withdrawn")
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


class Erasure(Service):
    """Erases patients; the audit lines stay, which hold ids only."""

    def __init__(self, ledger: Ledger, removals: Removals) -> None:
        super().__init__(ledger)
        self._removals = removals

    @performs(Action.PATIENT_ERASE)
    def patient(self, actor: Actor, ref: UUID | str, new: NewErasure) -> Erased:
        """Erase a patient, in the trash or not, with all that is known of them.

        ``Invalid`` unless the name or the MRN was typed once more, ``Conflict`` under a legal hold. Every
        name is gone with the first commit, whatever happens then; what is broken off after it, the
        sweeps finish.
        """
        with self._ledger.write(actor) as work:
            row = sight.patient_in_any_state(work, ref, Action.PATIENT_ERASE)
            if not row.name:
                raise NotFound(_("This patient is being erased."))
            if not confirms(new.confirmation, (row.name, row.mrn)):
                raise Invalid(_("What was typed is neither the name nor the MRN of this patient."))
            holds.require_free(work, [row.id])
            traces.erase(work, traces.subject(work, row))
            images = _blank(work, row)
            named = {"entity": "patient", "entity_ids": [row.id], "field_names": ["reason", new.reason]}
            work.record(Action.PATIENT_ERASE, patient_id=row.id, count=images, **named)
            patient_id = row.id
        failpoints.reach(FailPoint.ERASURE_BEGUN)
        return Erased(patient_id, images, self._finish(actor, patient_id))

    def _finish(self, actor: Actor, patient_id: UUID) -> bool:
        """Remove bytes and rows now; False when something is away or in use, and a sweep has to."""
        try:
            self._removals.remove(actor)
            self._removals.empty(actor, self._ledger.clock(), patient_id)
            is_rewritten = self._removals.rewrite(actor)
        except ImgcoreError as error:
            _log.warning("an erasure was broken off, and is finished by a sweep: %s", error)
            return False
        with self._ledger.read(actor) as work:
            is_gone = work.session.get(Patient, patient_id) is None
        return is_rewritten and is_gone


def _blank(work: Work, row: Patient) -> int:
    """Empty the patient's rows, and mark all images; return how many.

    What is left looks as if its time in the trash were over, so that every sweep takes it. Uploads that
    are under way find their batch gone, and are taken back when they are late.
    """
    stamp = {"trashed_at": _LONG_AGO, "trashed_by": None, "change_id": None}
    theirs = select(Batch.id).where(Batch.patient_id == row.id)
    for batch_id in sorted(work.session.exec(theirs)):
        work.session.exec(select(Batch.id).where(Batch.id == batch_id).with_for_update()).one()
    images = col(Image.batch_id).in_(theirs)
    pending = sa.and_(images, col(Image.state) == "pending")
    kept = sa.and_(images, col(Image.state) != "pending")
    count = work.session.exec(select(sa.func.count()).select_from(Image).where(kept)).one()
    texts = dict.fromkeys(("original_name", "caption", "image_type", "body_location", "description"), "")
    facts = dict.fromkeys(
        ("captured_at", "captured_offset", "date_taken", "camera_make", "camera_model", "laterality")
    )
    _update(work, Image, pending, {**texts, **facts, **stamp})
    _update(work, Image, kept, {**texts, **facts, **stamp, "trashed_at": None, "state": "deleting"})
    known = sa.delete(Idempotency).where(col(Idempotency.entity_id).in_(select(Image.id).where(images)))
    work.session.execute(known, execution_options={"synchronize_session": False})
    traces.pass_on(work, [row.id])
    for table in (Analysis, Impression, CareTeam):
        work.session.execute(sa.delete(table).where(col(table.patient_id) == row.id))
    for table in (Analysis, Impression):
        gone = sa.delete(table).where(col(table.image_id).in_(select(Image.id).where(images)))
        work.session.execute(gone, execution_options={"synchronize_session": False})
    _update(work, Visit, col(Visit.patient_id) == row.id, {"note": ""})
    _update(work, Batch, col(Batch.patient_id) == row.id, {"name": "", **stamp})
    nothing = {**dict.fromkeys(("mrn", "external_id", "birth_on", *_CONSENTS)), "sex": "unknown"}
    nothing |= dict.fromkeys(("name", "notes", "search_text"), "")
    for name, value in {**nothing, **stamp}.items():
        setattr(row, name, value)
    row.version += 1
    work.session.flush()
    return count


def _update(
    work: Work,
    table: type[Image | Visit | Batch],
    condition: sa.ColumnElement[bool],
    values: dict[str, object],
) -> None:
    work.session.execute(
        sa.update(table).where(condition).values(values), execution_options={"synchronize_session": False}
    )
