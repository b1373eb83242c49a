"""Batches: photographs of one patient that were taken together."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, or_, select

from imgcore.db.tables import Batch, Image
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Page
from imgcore.domain.values import BatchFields, NewBatch
from imgcore.errors import Invalid
from imgcore.services import holds, rows, sight
from imgcore.services.edits import apply, apply_all, check_version, snapshot
from imgcore.services.images import other_primaries
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Service, Work, performs
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
            seen = {"patient_id": patient.id, "entity_ids": [each.id for each in page.items]}
            work.record(Action.BATCH_SEE, once=True, entity="batch", **seen)
            return page

    @performs(Action.BATCH_SEE)
    def get(self, actor: Actor, batch_id: UUID) -> records.Batch:
        """Return one batch."""
        with self._ledger.read(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_SEE)
            seen = {"patient_id": row.patient_id, "entity": "batch", "entity_ids": [row.id]}
            work.record(Action.BATCH_SEE, once=True, **seen)
            return rows.batches(work, [row])[0]

    @performs(Action.BATCH_CREATE)
    def create(self, actor: Actor, patient_ref: UUID | str, new: NewBatch) -> records.Batch:
        """Add a batch to a patient; today, where the server stands, unless another day is named.

        ``Invalid`` when the visit that it shall belong to is another patient's.
        """
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
            if new.visit_id is not None:
                _join(work, row, new.visit_id, Action.BATCH_CREATE)
            work.session.add(row)
            work.session.flush()
            work.record(Action.BATCH_CREATE, patient_id=patient.id, entity="batch", entity_ids=[row.id])
            return rows.batches(work, [row])[0]

    @performs(Action.BATCH_EDIT)
    def edit(
        self, actor: Actor, batch_id: UUID, fields: BatchFields, version: int | None = None
    ) -> tuple[records.Batch, UUID | None]:
        """Change name, day or visit; return the batch and the change to undo it by.

        ``Stale`` when ``version`` is given and is not the stored one.
        """
        with self._ledger.write(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_EDIT)
            check_version(row, version)
            before = snapshot(row)
            for name in fields.model_fields_set - {"visit_id"}:
                value = getattr(fields, name)
                if value is None:
                    raise Invalid(_("A batch needs a name and a day."))
                setattr(row, name, value)
            if "visit_id" in fields.model_fields_set and fields.visit_id != row.visit_id:
                if fields.visit_id is not None:
                    _join(work, row, fields.visit_id, Action.BATCH_EDIT)
                row.visit_id = fields.visit_id
            change_id = apply(work, Action.BATCH_EDIT, row, before, patient_id=row.patient_id)
            return rows.batches(work, [row])[0], change_id

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
            holds.require_free(work, [left])
            row.patient_id, row.visit_id = target.id, None
            change_id = apply(work, Action.BATCH_MOVE, row, before, patient_id=left, reason=reason.strip())
            named = {"entity": "batch", "entity_ids": [row.id], "field_names": ["patient_id"]}
            work.record(Action.BATCH_MOVE, patient_id=target.id, **named)
            return rows.batches(work, [row])[0], change_id


def _join(work: Work, batch: Batch, visit_id: UUID, action: Action) -> None:
    """Put a batch into a visit of its patient; a primary image that the visit has stays the only one."""
    visit = sight.visit(work, visit_id, action)
    if visit.patient_id != batch.patient_id:
        raise Invalid(_("This visit belongs to another patient."))
    batch.visit_id = visit.id
    images = select(Image).where(rows.kept(batch_id=batch.id))
    if work.session.exec(images.limit(1)).first() is None:
        return
    visit.images_taken = True
    own = list(work.session.exec(images.where(col(Image.is_primary)).with_for_update()))
    if not any(other.batch_id != batch.id for each in own for other in other_primaries(work, batch, each)):
        return
    pairs = [(each, snapshot(each)) for each in own]
    for each in own:
        each.is_primary = False
    apply_all(work, Action.IMAGE_EDIT, pairs, patient_id=batch.patient_id)


def day_name(day: date) -> str:
    """Return how a batch of this day is called: "6 Nov 2025"."""
    return f"{day.day} {day:%b %Y}"
