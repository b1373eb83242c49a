"""Jobs: started, listed, cancelled and tried again by people; ``job_runs`` does them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select, true

from imgcore.db.journal import Job
from imgcore.db.tables import User
from imgcore.domain import jobs as records
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.jobs import CAN_RETRY, JobState
from imgcore.domain.records import Page
from imgcore.domain.values import parse
from imgcore.errors import Conflict, Invalid, NotFound, Unavailable
from imgcore.queue import Queue
from imgcore.services.kinds import Kind
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

_log = logging.getLogger(__name__)


class Jobs(Service):
    """Keeps the jobs; their rows are the truth, and the queue holds no more than ids."""

    def __init__(self, ledger: Ledger, queue: Queue, kinds: Mapping[str, Kind]) -> None:
        super().__init__(ledger)
        self._queue = queue
        self._kinds = kinds

    @performs(Action.JOB_MANAGE)
    def start(self, actor: Actor, kind: str, options: Mapping[str, Any]) -> records.Job:
        """Start a job of this kind; ``Invalid`` says what is wrong with the options."""
        known = self._kinds.get(kind)
        if known is None:
            names = ", ".join(self._kinds)
            raise Invalid(_("There is no such kind of job. The kinds are: {names}.").format(names=names))
        self._ledger.require(actor, known.action)
        ids = known.prepare(actor, parse(known.options, **options))
        with self._ledger.write(actor) as work:
            row = Job(kind=kind, ids=ids, created_by=actor.user_id, created_at=work.at, updated_at=work.at)
            work.session.add(row)
            work.session.flush()
            tell(work, row, "started")
            job = self._records(work, [row])[0]
        self._put(job.id)
        return job

    @performs(Action.JOB_SEE)
    def list(self, actor: Actor, turn: Turn | None = None) -> Page[records.Job]:
        """Return the jobs that the person may see, the newest first."""
        with self._ledger.read(actor) as work:
            wanted = select(Job).where(_seen(actor, Action.JOB_SEE))
            order = Order((col(Job.created_at), col(Job.id)), newest_first=True)
            return page_of(work, wanted, order, turn or Turn(), lambda rows: self._records(work, rows))

    @performs(Action.JOB_SEE)
    def get(self, actor: Actor, job_id: UUID) -> records.Job:
        """Return one job."""
        with self._ledger.read(actor) as work:
            return self._records(work, [_row(work, job_id, Action.JOB_SEE)])[0]

    @performs(Action.JOB_MANAGE)
    def cancel(self, actor: Actor, job_id: UUID) -> records.Job:
        """End a job: at once while nobody works on it, else within two seconds of its next step.

        ``Conflict`` when it has ended. What it has done by then stays done.
        """
        with self._ledger.write(actor) as work:
            row = _row(work, job_id, Action.JOB_MANAGE)
            if row.state not in records.GOING_ON:
                raise Conflict(_("This job has already ended."))
            row.cancel_asked_at = row.cancel_asked_at or work.at
            row.updated_at = work.at
            if row.state == JobState.WAITING or is_over(row.leased_until, work.at):
                row.state, row.ended_at, row.leased_until = JobState.CANCELLED, work.at, None
            tell(work, row, "cancelled")
            return self._records(work, [row])[0]

    @performs(Action.JOB_MANAGE)
    def retry(self, actor: Actor, job_id: UUID) -> records.Job:
        """Let a job that failed or was cancelled run again; ``Conflict`` for any other."""
        with self._ledger.write(actor) as work:
            row = _row(work, job_id, Action.JOB_MANAGE)
            if row.state not in CAN_RETRY:
                raise Conflict(_("Only a job that failed or was cancelled can be tried again."))
            row.state, row.attempts, row.progress, row.total = JobState.WAITING, 0, 0, 0
            row.error = row.result = row.ended_at = row.cancel_asked_at = row.leased_until = None
            row.updated_at = work.at
            tell(work, row, "retried")
            job = self._records(work, [row])[0]
        self._put(job.id)
        return job

    def _put(self, job_id: UUID) -> None:
        try:
            self._queue.put(job_id)
        except Unavailable as error:  # its row waits; whoever works looks for such rows every few seconds
            _log.warning("a job waits that the queue did not take: %s", error)

    def _records(self, work: Work, rows: Sequence[Job]) -> Sequence[records.Job]:
        people = sa.select(col(User.id), col(User.name))
        people = people.where(col(User.id).in_({row.created_by for row in rows}))
        names = dict(work.session.execute(people).all())
        return [_record(work, row, self._kinds.get(row.kind), names) for row in rows]


def is_over(leased_until: datetime | None, now: datetime) -> bool:
    """Tell whether nobody holds a job that was leased until then."""
    return leased_until is None or leased_until <= now


def tell(work: Work, row: Job, what: str, outcome: str = "done") -> None:
    """Write the audit line of what became of a job."""
    named = {"entity": "job", "entity_ids": [row.id], "field_names": [row.kind, what]}
    work.record(Action.JOB_MANAGE, outcome=outcome, **named)


def _seen(actor: Actor, action: Action) -> sa.ColumnElement[bool]:
    """Return the condition on ``Job`` for those that are the actor's to see: all, or their own."""
    if reach(actor, action) is Reach.CLINIC:
        return true()
    return col(Job.created_by) == actor.user_id


def _row(work: Work, job_id: UUID, action: Action) -> Job:
    wanted = select(Job).where(Job.id == job_id, _seen(work.actor, action))
    row = work.session.exec(wanted.with_for_update() if work.writes else wanted).first()
    if row is None:
        raise NotFound(_("This job does not exist."))
    return row


def _hides(work: Work, row: Job) -> bool:
    """Tell whether what a job is about is not shown: it may be patients of a team without the actor."""
    own = (None, work.actor.user_id)
    return work.settings.access == "care_team" and not work.actor.is_system and row.created_by not in own


def _record(work: Work, row: Job, kind: Kind | None, names: Mapping[UUID, str]) -> records.Job:
    by, hides = row.created_by, _hides(work, row)
    return records.Job(
        id=row.id,
        kind=row.kind,
        title=kind.title() if kind is not None else row.kind,
        ids={} if hides else row.ids,
        state=JobState(row.state),
        progress=row.progress,
        total=row.total,
        attempts=row.attempts,
        is_cancelling=row.state == JobState.RUNNING and row.cancel_asked_at is not None,
        result=None if hides else row.result,
        error=row.error,
        created_by=by,
        created_by_name=names.get(by, "") if by is not None else _("Imgcore itself"),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
