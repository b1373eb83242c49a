"""Sweeps: what was left half done is finished or undone, and what has had its time goes for good."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.journal import Change, Idempotency
from imgcore.db.tables import Image, OneTimeLink, Patient, SignInTry, UserSession
from imgcore.domain.access import Action, Actor
from imgcore.services import holds
from imgcore.services.removals import Removals
from imgcore.services.repeats import KEPT_HOURS
from imgcore.services.rows import unfinished
from imgcore.services.work import Ledger, Service, performs
from imgcore.storage import ObjectStore

UNFINISHED_MINUTES = 15
TEMPORARY_SECONDS = 3600
ENDED_DAYS = 30


@dataclass(frozen=True)
class Swept:
    """How much one sweep did."""

    taken_back: int = 0
    removed: int = 0
    purged: int = 0


class Sweeps(Service):
    """Cleans up after interrupted work and after the trash window."""

    def __init__(self, ledger: Ledger, store: ObjectStore, removals: Removals) -> None:
        super().__init__(ledger)
        self._store = store
        self._removals = removals

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
        purged = self._removals.mark(actor, over)
        self._forget(actor, now)
        self._clear_temporary(started_at)
        self._removals.rewrite(actor)
        removed = self._removals.remove(actor)
        self._removals.empty(actor, over, can_wait=True)
        self._store.sweep_temporary(TEMPORARY_SECONDS)
        self._removals.rewrite(actor)
        return Swept(taken_back, removed, purged)

    def _take_back(self, actor: Actor, before: datetime) -> int:
        """Mark uploads that never finished; their bytes are removed next."""
        with self._ledger.draft(actor) as work:
            over = sa.and_(unfinished("pending"), col(Image.uploaded_at) <= before)
            gone = {"state": "deleting", "trashed_at": None}  # no hold brings half an upload back
            done = work.session.execute(sa.update(Image).where(over).values(gone))
            return int(getattr(done, "rowcount", 0))

    def _forget(self, actor: Actor, now: datetime) -> None:
        """Remove keys, tries, links, sessions and undo entries that have had their time."""
        held = sa.exists().where(col(Patient.id) == col(Change.patient_id), ~holds.free())
        over: list[tuple[Any, Any]] = [
            (Idempotency, col(Idempotency.created_at) < now - timedelta(hours=KEPT_HOURS)),
            (SignInTry, col(SignInTry.at) < now - timedelta(days=1)),
            (OneTimeLink, col(OneTimeLink.expires_at) < now),
            (UserSession, col(UserSession.expires_at) < now - timedelta(days=ENDED_DAYS)),
            (Change, sa.and_(col(Change.expires_at) < now, ~held)),
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
