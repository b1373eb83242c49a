"""What watches a running job: its lease is renewed, its progress written, and a wish to end it heard."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Job
from imgcore.domain.access import Actor
from imgcore.domain.jobs import JobState
from imgcore.domain.progress import Stopped
from imgcore.errors import ImgcoreError
from imgcore.services.work import Ledger

LEASE_SECONDS = 30
RENEW_SECONDS = 8
LOOK_SECONDS = 0.5
MARGIN_SECONDS = 5  # a worker that could not renew gives up so long before anybody else can take over


@dataclass(frozen=True)
class Hold:
    """A job that is held; ``attempts`` tells this hold from every other one of the same job."""

    job_id: UUID
    kind: str
    ids: dict[str, Any]
    created_by: UUID | None
    attempts: int


def is_mine(hold: Hold) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on ``Job`` under which it is still held by this hold."""
    state = col(Job.state) == JobState.RUNNING
    return col(Job.id) == hold.job_id, state, col(Job.attempts) == hold.attempts


class Watch:
    """A thread beside the work, so that neither lease nor cancel waits for a long step."""

    def __init__(self, ledger: Ledger, actor: Actor, hold: Hold, ending: threading.Event) -> None:
        self.reached = (0, 0)
        self.is_cancelled = False
        self._ledger = ledger
        self._actor = actor
        self._hold = hold
        self._ending = ending
        self._is_lost = False
        self._over = threading.Event()
        self._written = (0, 0)
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="imgcore-job-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, done: int, total: int) -> None:
        """Take the news; ``Stopped`` when the job was cancelled, lost, or is to be given back."""
        self.reached = (done, total)
        if self.is_cancelled or self._is_lost or self._ending.is_set():
            raise Stopped

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._look()
            except ImgcoreError:  # the database is away; the lease runs on for a while
                if time.monotonic() - self._renewed > LEASE_SECONDS - MARGIN_SECONDS:
                    self._is_lost = True

    def _look(self) -> None:
        with self._ledger.read(self._actor) as work:
            wanted = select(Job.cancel_asked_at).where(*is_mine(self._hold))
            found = work.session.exec(wanted).all()
        self._is_lost = self._is_lost or not found
        self.is_cancelled = bool(found) and found[0] is not None
        is_due = time.monotonic() - self._renewed > RENEW_SECONDS
        if not self._is_lost and (is_due or self.reached != self._written):
            self._renew()

    def _renew(self) -> None:
        began, reached = time.monotonic(), self.reached
        with self._ledger.draft(self._actor) as work:
            until = work.at + timedelta(seconds=LEASE_SECONDS)
            done, total = reached
            held = sa.update(Job).where(*is_mine(self._hold))
            renewed = held.values(leased_until=until, progress=done, total=total, updated_at=work.at)
            self._is_lost = getattr(work.session.execute(renewed), "rowcount", 0) != 1
        self._renewed, self._written = began, reached
