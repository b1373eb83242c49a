"""The running of jobs: one worker at a time holds a job, by a lease that it renews while it works."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, or_, select

from imgcore.db.journal import Job
from imgcore.db.tables import User
from imgcore.domain.access import Action, Actor, Role, system
from imgcore.domain.jobs import JobState
from imgcore.domain.progress import Stopped
from imgcore.errors import Forbidden, ImgcoreError, Unavailable
from imgcore.queue import Queue
from imgcore.services.job_watches import LEASE_SECONDS, Hold, Watch, is_mine
from imgcore.services.jobs import tell
from imgcore.services.kinds import Kind
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

MOST_TRIES = 3  # when store or database is away
MOST_RUNS = 20  # when whoever works on it dies each time
PAUSE_SECONDS = 15  # before the second try; twice that before the third
AT_ONCE = 1_000
_END_TRIES = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended; ``error`` is a sentence for people, ``pause`` the seconds until the next try."""

    state: JobState
    result: Mapping[str, Any] | None = None
    error: str | None = None
    pause: int | None = None
    counts: bool = True


class JobRuns(Service):
    """Does the jobs; called by the workers, and by nobody else."""

    def __init__(self, ledger: Ledger, queue: Queue, kinds: Mapping[str, Kind]) -> None:
        super().__init__(ledger)
        self._queue = queue
        self._kinds = kinds

    @performs(Action.JOB_MANAGE)
    def recover(self, actor: Actor, *, is_alone: bool = False) -> int:
        """Queue what waits, and what ran where its worker died; return how many jobs those are.

        Whoever starts as the only worker (``is_alone``) knows that whoever held a job is dead.
        """
        if is_alone:
            with self._ledger.draft(actor) as work:
                running = sa.update(Job).where(col(Job.state) == JobState.RUNNING)
                work.session.execute(running.values(leased_until=work.at))
        with self._ledger.read(actor) as work:
            due = select(Job.id).where(_free(work)).order_by(col(Job.created_at)).limit(AT_ONCE)
            ids = list(work.session.exec(due))
        if ids and self._queue.is_empty():  # else they may be in it still
            for job_id in ids:
                self._queue.put(job_id)
        return len(ids)

    @performs(Action.JOB_MANAGE)
    def run(self, actor: Actor, job_id: UUID, ending: threading.Event | None = None) -> JobState | None:
        """Do a job as the person who started it; return how it ended, or None when it was not to be had.

        Once ``ending`` is set, the job is given back at its next step, and runs again elsewhere or later.
        """
        hold = self._claim(actor, job_id)
        if hold is None:
            return None
        with Watch(self._ledger, actor, hold, ending or threading.Event()) as watch:
            outcome = self._outcome(actor, hold, watch)
            return self._finish(actor, hold, watch, outcome)

    def _claim(self, actor: Actor, job_id: UUID) -> Hold | None:
        """Take the job unless somebody else has it; two who try at once do not both get it."""
        with self._ledger.draft(actor) as work:
            taken = work.session.execute(
                sa.update(Job)
                .where(col(Job.id) == job_id, _free(work))
                .values(
                    state=JobState.RUNNING,
                    attempts=col(Job.attempts) + 1,
                    leased_until=work.at + timedelta(seconds=LEASE_SECONDS),
                    started_at=sa.func.coalesce(col(Job.started_at), work.at),
                    updated_at=work.at,
                )
            )
            if getattr(taken, "rowcount", 0) != 1:
                return None
            row = work.session.get_one(Job, job_id)
            return Hold(row.id, row.kind, row.ids, row.created_by, row.attempts)

    def _outcome(self, actor: Actor, hold: Hold, watch: Watch) -> Outcome:
        try:
            if hold.attempts > MOST_RUNS:
                return Outcome(JobState.FAILED, error=_("This job was broken off too often."))
            return Outcome(JobState.DONE, result=self._work(actor, hold, watch))
        except Stopped:
            if watch.is_cancelled:
                return Outcome(JobState.CANCELLED)
            return Outcome(JobState.WAITING, counts=False)
        except Unavailable as error:
            if hold.attempts >= MOST_TRIES:
                return _failed(error)
            return Outcome(JobState.WAITING, error=error.message, pause=PAUSE_SECONDS * hold.attempts)
        except ImgcoreError as error:
            return _failed(error)
        except Exception:
            _log.exception("the job %s (%s) failed", hold.job_id, hold.kind)
            return Outcome(JobState.FAILED, error=_("Something unexpected went wrong; see the server's log."))

    def _work(self, actor: Actor, hold: Hold, watch: Watch) -> dict[str, Any]:
        kind = self._kinds.get(hold.kind)
        if kind is None:
            raise Forbidden(_("This version of Imgcore does not know this kind of job."))
        person = self._person(actor, hold)
        self._ledger.require(person, Action.JOB_MANAGE)
        self._ledger.require(person, kind.action)
        watch.progress(0, 0)
        return kind.work(person, hold.ids, watch.progress)

    def _person(self, actor: Actor, hold: Hold) -> Actor:
        """Return who started the job, as they are now."""
        request_id = str(hold.job_id)
        if hold.created_by is None:
            return system(request_id)
        with self._ledger.read(actor) as work:
            user = work.session.get(User, hold.created_by)
            if user is None or not user.is_active:
                raise Forbidden(_("The account of the person who started this job is closed."))
            role, names = Role(user.role), (user.email, user.name)
            return Actor(user.id, role, *names, patient_id=user.patient_id, request_id=request_id)

    def _finish(self, actor: Actor, hold: Hold, watch: Watch, outcome: Outcome) -> JobState | None:
        """Write how it ended; while the database is away it is tried again, as long as the lease may hold."""
        for each in range(1, _END_TRIES + 1):
            try:
                return self._end(actor, hold, watch, outcome)
            except Unavailable:
                if each == _END_TRIES:
                    _log.warning("the end of the job %s could not be written; it runs again", hold.job_id)
                time.sleep(each if each < _END_TRIES else 0)
        return None

    def _end(self, actor: Actor, hold: Hold, watch: Watch, outcome: Outcome) -> JobState | None:
        with self._ledger.draft(actor) as work:
            row = work.session.exec(select(Job).where(*is_mine(hold)).with_for_update()).first()
            if row is None:  # the lease ended, and somebody else has the job
                return None
            is_cancelled = row.cancel_asked_at is not None and outcome.state is JobState.WAITING
            row.state = JobState.CANCELLED if is_cancelled else outcome.state
            row.error, row.updated_at, row.leased_until = outcome.error, work.at, None
            row.progress, row.total = watch.reached
            row.result = dict(outcome.result) if outcome.result is not None else None
            row.attempts -= not outcome.counts
            if outcome.pause is not None:
                row.leased_until = work.at + timedelta(seconds=outcome.pause)
            if row.state != JobState.WAITING:
                row.ended_at = work.at
                outcome_word = "failed" if row.state == JobState.FAILED else "done"
                tell(work, row, row.state, outcome_word)
            return JobState(row.state)


def _failed(error: ImgcoreError) -> Outcome:
    return Outcome(JobState.FAILED, error=f"{error.message} {error.hint}".strip())


def _free(work: Work) -> sa.ColumnElement[bool]:
    """Return the condition on ``Job`` for those to be had: waiting, or held by somebody who died."""
    open_states = col(Job.state).in_((JobState.WAITING, JobState.RUNNING))
    return sa.and_(open_states, or_(col(Job.leased_until).is_(None), col(Job.leased_until) <= work.at))
