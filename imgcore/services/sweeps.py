"""Sweeps: what was left half done is finished or undone, and what has had its time goes for good."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Change, Idempotency, ImageSetItem
from imgcore.db.tables import (
    Analysis,
    Batch,
    CareTeam,
    Image,
    OneTimeLink,
    Patient,
    Rendition,
    SignInTry,
    User,
    UserSession,
    Visit,
)
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.failpoints import FailPoint
from imgcore.services.images import record_for_each
from imgcore.services.repeats import KEPT_HOURS
from imgcore.services.sign_in import end_sessions
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.storage import ObjectStore, rendition_key

UNFINISHED_MINUTES = 15
TEMPORARY_SECONDS = 3600
ENDED_DAYS = 30
_AT_ONCE = 200
_KINDS = ("thumbnail", "display", "compressed", "analysis")


@dataclass(frozen=True)
class Swept:
    """How much one sweep did."""

    taken_back: int = 0
    removed: int = 0
    purged: int = 0


class Sweeps(Service):
    """Cleans up after interrupted work and after the trash window."""

    def __init__(self, ledger: Ledger, store: ObjectStore) -> None:
        super().__init__(ledger)
        self._store = store

    @performs(Action.TRASH_PURGE)
    def run(self, actor: Actor, *, started_at: datetime | None = None) -> Swept:
        """Do one whole sweep; whoever works alone gives the start of the process as ``started_at``.

        What is unfinished from before that moment can only be left from a process that died.
        What needs the store comes last, so that the rest is done while the store is away.
        """
        now = self._ledger.clock()
        over = now - timedelta(days=self._settings.trash_days)
        late = now - timedelta(minutes=UNFINISHED_MINUTES)
        taken_back = self._take_back(actor, max(late, started_at) if started_at else late)
        purged = self._let_go(actor, over)
        self._forget(actor, now)
        self._clear_temporary(started_at)
        removed = self._remove(actor)
        self._empty_batches(actor, over)
        self._erase_patients(actor, over)
        self._store.sweep_temporary(TEMPORARY_SECONDS)
        return Swept(taken_back, removed, purged)

    def _take_back(self, actor: Actor, before: datetime) -> int:
        """Mark uploads that never finished; their bytes are removed next."""
        with self._ledger.draft(actor) as work:
            unfinished = sa.and_(col(Image.state) == "pending", col(Image.uploaded_at) <= before)
            done = work.session.execute(sa.update(Image).where(unfinished).values(state="deleting"))
            return int(getattr(done, "rowcount", 0))

    def _let_go(self, actor: Actor, before: datetime) -> int:
        """Mark images whose time in the trash is over; the audit lines stay for ever."""
        total = 0
        over = select(Image).where(col(Image.state) == "ready", col(Image.trashed_at) <= before)
        while True:
            with self._ledger.draft(actor) as work:
                # Whoever restores one just now keeps it: a row that is held is left to the next sweep.
                rows = work.session.exec(over.limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
                for row in rows:
                    row.state = "deleting"
                record_for_each(work, Action.TRASH_PURGE, {row.id: row.batch_id for row in rows})
            failpoints.reach(FailPoint.PURGE_MARKED)
            total += len(rows)
            if len(rows) < _AT_ONCE:
                return total

    def _remove(self, actor: Actor) -> int:
        """Remove the objects of marked images, then their rows; interrupted, the next sweep goes on."""
        total = 0
        while True:
            with self._ledger.read(actor) as work:
                marked = select(Image.id, Image.key, Image.edit_revision).where(Image.state == "deleting")
                found = list(work.session.exec(marked.limit(_AT_ONCE)))
            if not found:
                return total
            self._store.delete([name for _id, key, last in found for name in _objects(key, last)])
            failpoints.reach(FailPoint.PURGE_OBJECTS_GONE)
            self._drop(actor, [image_id for image_id, _key, _last in found])
            total += len(found)

    def _drop(self, actor: Actor, ids: Sequence[UUID]) -> None:
        with self._ledger.draft(actor) as work:
            for table in (Rendition, Analysis, ImageSetItem):
                work.session.execute(sa.delete(table).where(col(table.image_id).in_(ids)))
            work.session.execute(sa.delete(Idempotency).where(col(Idempotency.entity_id).in_(ids)))
            gone = sa.and_(col(Image.id).in_(ids), col(Image.state) == "deleting")
            work.session.execute(sa.delete(Image).where(gone))

    def _empty_batches(self, actor: Actor, before: datetime) -> None:
        """Remove batches whose time in the trash is over and that hold nothing any more."""
        images = sa.exists().where(col(Image.batch_id) == col(Batch.id))
        over = select(Batch).where(col(Batch.trashed_at) <= before, ~images)
        with self._ledger.draft(actor) as work:
            for row in work.session.exec(over.limit(_AT_ONCE).with_for_update(skip_locked=True)):
                named = {"patient_id": row.patient_id, "entity": "batch", "entity_ids": [row.id]}
                work.record(Action.TRASH_PURGE, **named)
                work.session.delete(row)

    def _erase_patients(self, actor: Actor, before: datetime) -> None:
        """Remove patients whose time in the trash is over, with all that is known of them."""
        batches = sa.exists().where(col(Batch.patient_id) == col(Patient.id))
        over = select(Patient.id).where(col(Patient.trashed_at) <= before, ~batches)
        with self._ledger.draft(actor) as work:
            ids = work.session.exec(over.limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
            for patient_id in ids:
                named = {"patient_id": patient_id, "entity": "patient", "entity_ids": [patient_id]}
                work.record(Action.TRASH_PURGE, **named)
            _close_accounts(work, ids)
            for table in (CareTeam, Change, Analysis, Visit):
                work.session.execute(sa.delete(table).where(col(table.patient_id).in_(ids)))
            work.session.execute(sa.delete(Patient).where(col(Patient.id).in_(ids)))

    def _forget(self, actor: Actor, now: datetime) -> None:
        """Remove keys, tries, links, sessions and undo entries that have had their time."""
        over: list[tuple[Any, Any]] = [
            (Idempotency, col(Idempotency.created_at) < now - timedelta(hours=KEPT_HOURS)),
            (SignInTry, col(SignInTry.at) < now - timedelta(days=1)),
            (OneTimeLink, col(OneTimeLink.expires_at) < now),
            (UserSession, col(UserSession.expires_at) < now - timedelta(days=ENDED_DAYS)),
            (Change, col(Change.expires_at) < now),
        ]
        with self._ledger.draft(actor) as work:
            for table, condition in over:
                work.session.execute(sa.delete(table).where(condition))

    def _clear_temporary(self, started_at: datetime | None) -> None:
        """Remove files of uploads that were cut off; those under way are younger."""
        oldest = time.time() - TEMPORARY_SECONDS
        if started_at is not None:
            oldest = max(oldest, started_at.timestamp())
        for path in self._settings.temporary_dir.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _close_accounts(work: Work, patient_ids: Sequence[UUID]) -> None:
    """Close the accounts of erased patients and take the name off them; the audit knows their ids."""
    wanted = select(User).where(col(User.patient_id).in_(patient_ids)).with_for_update()
    for user in work.session.exec(wanted):
        user.email, user.name, user.password_hash = f"erased-{user.id}", "", None
        user.is_active, user.patient_id = False, None
        user.token_version += 1
        user.updated_at = work.at
        end_sessions(work, user.id)
    work.session.flush()


def _objects(key: str, last_revision: int) -> list[str]:
    """Return every object that an image can have: the original, and each rendition of each revision."""
    revisions = range(last_revision + 1)
    return [key, *(rendition_key(key, kind, each) for kind in _KINDS for each in revisions)]
