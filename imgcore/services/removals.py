"""Removing for good, step by step, so that it can be broken off anywhere and gone on with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db import rewriting
from imgcore.db.journal import Idempotency, ImageSetItem
from imgcore.db.tables import Analysis, Batch, CareTeam, Image, Impression, Patient, Rendition, Visit
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.failpoints import FailPoint
from imgcore.services import holds, leases, traces
from imgcore.services.images import record_for_each
from imgcore.services.repairs import QUARANTINE
from imgcore.services.rows import READY, unfinished
from imgcore.services.work import Ledger, Work
from imgcore.storage import ObjectStore, rendition_key

AT_ONCE = 200
_KINDS = ("thumbnail", "display", "compressed", "analysis")
_Going = tuple[UUID, str, int]
_log = logging.getLogger(__name__)


class Removals:
    """Takes marked images, empty batches and empty patients away; who may ask for it was decided before."""

    def __init__(self, ledger: Ledger, store: ObjectStore) -> None:
        self._ledger = ledger
        self._store = store

    def mark(self, actor: Actor, before: datetime, patient_id: UUID | None = None) -> int:
        """Mark the images that were in the trash by a moment; the audit lines stay for ever."""
        total = 0
        while count := self._mark_some(actor, before, patient_id):
            total += count
        return total

    def _mark_some(self, actor: Actor, before: datetime, patient_id: UUID | None) -> int:
        over = sa.and_(col(Image.state) == READY, col(Image.trashed_at) <= before)
        with self._ledger.draft(actor) as work:
            rows = _free_images(work, over, patient_id)
            for row in rows:
                row.state = "deleting"
            record_for_each(work, Action.TRASH_PURGE, {row.id: row.batch_id for row in rows})
        failpoints.reach(FailPoint.PURGE_MARKED)
        return len(rows)

    def remove(self, actor: Actor) -> int:
        """Remove the objects of marked images, then their rows; interrupted, the next call goes on."""
        total = 0
        while True:
            found = self._claim(actor)
            if not found:
                return total
            self._store.delete([name for _id, key, last in found for name in _objects(key, last)])
            failpoints.reach(FailPoint.PURGE_OBJECTS_GONE)
            self._drop(actor, [image_id for image_id, _key, _last in found])
            total += len(found)

    def _claim(self, actor: Actor) -> Sequence[_Going]:
        """Return images whose bytes go now; no hold keeps them any more. Those begun before come first.

        A marked image has the moment of its trashing until here, so that a hold can bring it back; what
        has lost that moment may have lost bytes too. While the clinic is copied nothing goes.
        """
        marked = unfinished("deleting")
        begun = select(Image.id, Image.key, Image.edit_revision).where(
            marked, col(Image.trashed_at).is_(None)
        )
        with self._ledger.read(actor) as work:
            if leases.is_held(work):
                return []
            found = work.session.exec(begun.limit(AT_ONCE)).all()
        if found:
            return found
        with self._ledger.draft(actor) as work:
            rows = _free_images(work, sa.and_(marked, col(Image.trashed_at).is_not(None)))
            if leases.is_held(work):  # asked after: what is copied from now on names none of these
                return []
            for row in rows:
                row.trashed_at = None
            found = [(row.id, row.key, row.edit_revision) for row in rows]
        failpoints.reach(FailPoint.PURGE_CLAIMED)
        return found

    def _drop(self, actor: Actor, ids: Sequence[UUID]) -> None:
        with self._ledger.draft(actor) as work:
            for table in (Rendition, Analysis, Impression, ImageSetItem):
                work.session.execute(sa.delete(table).where(col(table.image_id).in_(ids)))
            work.session.execute(sa.delete(Idempotency).where(col(Idempotency.entity_id).in_(ids)))
            gone = sa.and_(col(Image.id).in_(ids), col(Image.state) == "deleting")
            work.session.execute(sa.delete(Image).where(gone))

    def empty(
        self, actor: Actor, before: datetime, patient_id: UUID | None = None, *, can_wait: bool = False
    ) -> tuple[int, int]:
        """Remove batches and patients in the trash by a moment that hold nothing any more; count both.

        When it ``can_wait``, the database is written anew in the next night only.
        """
        batches = patients = 0
        while count := self._empty_batches(actor, before, patient_id):
            batches += count
        while count := self._erase_patients(actor, before, patient_id, can_wait):
            patients += count
        return batches, patients

    def _empty_batches(self, actor: Actor, before: datetime, patient_id: UUID | None) -> int:
        images = sa.exists().where(col(Image.batch_id) == col(Batch.id))
        over = select(Batch).join(Patient).where(col(Batch.trashed_at) <= before, ~images, holds.free())
        if patient_id is not None:
            over = over.where(Batch.patient_id == patient_id)
        with self._ledger.draft(actor) as work:
            found = work.session.exec(over.limit(AT_ONCE).with_for_update(of=Batch, skip_locked=True)).all()
            free = holds.free_to_go(work, {row.patient_id for row in found})
            going = [row for row in found if row.patient_id in free]
            for row in going:
                named = {"patient_id": row.patient_id, "entity": "batch", "entity_ids": [row.id]}
                work.record(Action.TRASH_PURGE, **named)
                work.session.delete(row)
            return len(going)

    def _erase_patients(self, actor: Actor, before: datetime, patient_id: UUID | None, can_wait: bool) -> int:
        """Remove patients with all that is known of them."""
        batches = sa.exists().where(col(Batch.patient_id) == col(Patient.id))
        over = select(Patient.id).where(col(Patient.trashed_at) <= before, ~batches, holds.free())
        if patient_id is not None:
            over = over.where(Patient.id == patient_id)
        with self._ledger.read(actor) as work:
            going = work.session.exec(over.limit(AT_ONCE)).all()
        if not going:
            return 0
        self._clear_aside(going)
        wanted = over.where(col(Patient.id).in_(going)).with_for_update(skip_locked=True)
        with self._ledger.draft(actor) as work:
            ids = work.session.exec(wanted).all()
            for each in ids:
                named = {"patient_id": each, "entity": "patient", "entity_ids": [each]}
                work.record(Action.TRASH_PURGE, **named)
            if ids:
                nameless = select(Patient.id).where(col(Patient.id).in_(ids), Patient.name == "")
                is_erasure = work.session.exec(nameless).first() is not None
                traces.forget(work, ids)
                traces.ask_for_rewriting(work, can_wait=can_wait and not is_erasure)
            traces.pass_on(work, ids)
            for table in (CareTeam, Analysis, Impression, Visit):
                work.session.execute(sa.delete(table).where(col(table.patient_id).in_(ids)))
            work.session.execute(sa.delete(Patient).where(col(Patient.id).in_(ids)))
        if ids:
            failpoints.reach(FailPoint.ERASURE_ROWS_GONE)
        return len(ids)

    def _clear_aside(self, patient_ids: Sequence[UUID]) -> None:
        """Remove the files that a repair has set aside, and that were stored for one of these patients."""
        for each in patient_ids:
            aside = self._store.walk(f"{QUARANTINE}images/{each}/")
            self._store.delete([info.key for info in aside])

    def rewrite(self, actor: Actor) -> bool:
        """Write the database's files anew when a patient has gone for good; False when it must wait.

        What was deleted can stand in unused places of the files until then.
        """
        with self._ledger.read(actor) as work:
            asked_at = traces.rewriting_asked_at(work)
        if asked_at is None:
            return True
        if not rewriting.rewrite(self._ledger.database):
            _log.warning("the database is in use and could not be written anew; the next sweep tries again")
            return False
        failpoints.reach(FailPoint.ERASURE_REWRITTEN)
        with self._ledger.draft(actor) as work:
            traces.rewriting_is_done(work, asked_at)
        return True


def _free_images(
    work: Work, condition: sa.ColumnElement[bool], patient_id: UUID | None = None
) -> list[Image]:
    """Return some of these images, locked, without those of patients who are held.

    Whoever changes one just now, or its batch, keeps it: it is left to the next sweep.
    """
    wanted = select(Image).join(Batch).join(Patient).where(condition, holds.free())
    if patient_id is not None:
        wanted = wanted.where(Batch.patient_id == patient_id)
    rows = work.session.exec(wanted.limit(AT_ONCE).with_for_update(of=Image, skip_locked=True)).all()
    batch_ids = {row.batch_id for row in rows}
    theirs = select(Batch.id, Batch.patient_id).where(col(Batch.id).in_(batch_ids)).order_by(col(Batch.id))
    owners = dict(work.session.exec(theirs.with_for_update(read=True, skip_locked=True)).all())
    free = holds.free_to_go(work, set(owners.values()))
    return [row for row in rows if owners.get(row.batch_id) in free]


def _objects(key: str, last_revision: int) -> list[str]:
    """Return every object that an image can have: the original, and each rendition of each revision."""
    revisions = range(last_revision + 1)
    return [key, *(rendition_key(key, kind, each) for kind in _KINDS for each in revisions)]
