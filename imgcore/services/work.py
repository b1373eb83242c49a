"""Units of work: one transaction that checks permission and leaves its audit line and undo entry."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

from sqlmodel import Session

from imgcore.config import Settings
from imgcore.db.engine import Database
from imgcore.db.journal import Change, Event
from imgcore.domain.access import Action, Actor, Reach, Role, reach
from imgcore.errors import Forbidden, ImgcoreError, Unauthenticated
from imgcore.services.notes import Notes
from imgcore.texts import _

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Service")


def utc_now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Line:
    """An audit line to be; ``entity_ids`` name rows of the table ``entity``.

    A line that is wanted ``once`` is left out when the same person did the same with the same rows
    less than ten minutes ago: screens read again and again what they show.
    """

    action: Action
    outcome: str = "done"
    patient_id: UUID | None = None
    entity: str = ""
    entity_ids: Sequence[UUID | str] = ()
    field_names: Sequence[str] = ()
    count: int = 0
    actor_id: UUID | None = None
    once: bool = False


@dataclass
class Work:
    """One transaction on behalf of ``actor``; ``at`` is the moment that all its rows carry."""

    session: Session
    actor: Actor
    at: datetime
    settings: Settings
    writes: bool = False
    lines: list[Line] = field(default_factory=list)
    refusals: list[Line] = field(default_factory=list)

    def record(self, action: Action, **details: Any) -> None:
        """Write one audit line with this transaction, or after one that only reads; see ``Line``."""
        line = Line(action, **details)
        self.lines.append(line)
        if self.writes:
            self.session.add(event_of(line, self.actor, self.at))

    def remember(
        self,
        action: Action,
        rows: Sequence[dict[str, Any]],
        patient_id: UUID | None,
        change_id: UUID | None = None,
        reason: str = "",
    ) -> UUID:
        """Keep what stood there before, until the trash window ends; return the id to undo it by."""
        change = Change(
            id=change_id or uuid4(),
            at=self.at,
            actor_id=self.actor.user_id,
            action=action,
            patient_id=patient_id,
            rows=list(rows),
            reason=reason,
            expires_at=self.at + timedelta(days=self.settings.trash_days),
        )
        self.session.add(change)
        return change.id


def event_of(line: Line, actor: Actor, at: datetime) -> Event:
    """Return the audit row of a line."""
    return Event(
        at=at,
        actor_id=line.actor_id or actor.user_id,
        action=line.action,
        outcome=line.outcome,
        patient_id=line.patient_id,
        entity=line.entity,
        entity_ids=[str(each) for each in line.entity_ids],
        field_names=list(line.field_names),
        count=line.count or len(line.entity_ids),
        address=actor.address[:64],
        request_id=actor.request_id[:36],
    )


def _looked(line: Line, actor: Actor) -> tuple[Hashable, Hashable]:
    """Return who looked in which way, and at what.

    Of patients the last one counts: whoever comes back to a patient from another has opened them anew.
    """
    who, rows = (actor.user_id, line.action, line.outcome), (line.entity, *line.entity_ids)
    return (who, rows) if line.action is Action.PATIENT_SEE else ((who, rows), rows)


class Ledger:
    """Opens units of work, and keeps the audit line of whatever was refused in them."""

    def __init__(
        self, database: Database, settings: Settings, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.settings = settings
        self.clock = clock
        self._notes = Notes()

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Work]:
        """Open a unit that changes nothing; audit lines recorded in it are written after it."""
        with self._refusals(actor) as refused:
            with self.database.read() as session:
                work = Work(session, actor, self.clock(), self.settings, refusals=refused)
                yield work
            if work.lines:
                self.note(actor, *work.lines)

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Work]:
        """Open a unit that changes something; it must record an audit line before it commits."""
        with self._refusals(actor) as refused, self.database.write() as session:
            work = Work(session, actor, self.clock(), self.settings, writes=True, refusals=refused)
            yield work
            if not work.lines:
                raise RuntimeError("a change was about to be committed without an audit line")

    @contextmanager
    def draft(self, actor: Actor) -> Iterator[Work]:
        """Open a unit for rows that nobody can see yet, or that are gone already: no audit line."""
        with self._refusals(actor) as refused, self.database.write() as session:
            yield Work(session, actor, self.clock(), self.settings, writes=True, refusals=refused)

    def note(self, actor: Actor, *lines: Line) -> None:
        """Write audit lines in a transaction of their own."""
        at = self.clock()
        due = [line for line in lines if not line.once or self._notes.is_due(*_looked(line, actor), at)]
        if not due:
            return
        try:
            with self.database.write() as session:
                session.add_all([event_of(line, actor, at) for line in due])
        except ImgcoreError:
            for line in due:
                self._notes.drop(_looked(line, actor)[0])
            raise

    def require(self, actor: Actor, action: Action) -> None:
        """Raise unless the actor's role may do this at all; the refusal is noted."""
        if reach(actor, action) is not Reach.NONE:
            return
        if actor.role is Role.VISITOR:
            raise Unauthenticated(_("Please sign in."))
        self.note(actor, Line(action, outcome="refused"))
        raise Forbidden(_("Your role does not allow this."), hint=_("Ask an administrator of your clinic."))

    @contextmanager
    def _refusals(self, actor: Actor) -> Iterator[list[Line]]:
        refused: list[Line] = []
        try:
            yield refused
        except ImgcoreError:
            if refused:
                self.note(actor, *refused)
            raise


class Service:
    """What all services share: the ledger that their units of work come from."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settings = ledger.settings


def performs(
    action: Action,
) -> Callable[[Callable[Concatenate[S, Actor, P], R]], Callable[Concatenate[S, Actor, P], R]]:
    """Mark a service method with the action it performs, and check the actor's role first."""

    def mark(method: Callable[Concatenate[S, Actor, P], R]) -> Callable[Concatenate[S, Actor, P], R]:
        @functools.wraps(method)
        def checked(self: S, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
            self._ledger.require(actor, action)
            return method(self, actor, *args, **kwargs)

        checked.action = action  # type: ignore[attr-defined]
        return cast("Callable[Concatenate[S, Actor, P], R]", checked)

    return mark
