"""The audit: what happened in the clinic, for its administrators, and whether the record is whole."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.journal import Event
from imgcore.db.tables import Patient, User
from imgcore.documents import Cell, csv_stream
from imgcore.domain.access import Action, Actor
from imgcore.domain.chains import COLUMNS, Finding, Head, Verdict, Walk
from imgcore.domain.looks import NOT_SIGNED_IN, PERSON, THE_PROGRAM, AuditLine, Person, shown_patient
from imgcore.domain.records import Page
from imgcore.services import sight
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.seals import LINE, Heads, Seals
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

LONGEST_UNSEALED = timedelta(minutes=1)
LOT = 1_000
NEWEST_FIRST = Order((col(Event.at), col(Event.id)), newest_first=True)
Record = TypeVar("Record")
_Sealed = tuple[int, str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Asked:
    """Which audit lines are asked for; what is None does not matter.

    ``patient_ref`` is an id, also of a patient who was removed for good, or an external id.
    """

    person_id: UUID | None = None
    patient_ref: str | None = None
    action: str | None = None
    outcome: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None  # before this moment


@dataclass(frozen=True)
class Sheet:
    """A file that is made while it is read."""

    name: str
    mime_type: str
    chunks: Iterator[bytes]


class Audit(Service):
    """Shows the audit, and checks that no line of it was altered or removed."""

    def __init__(self, ledger: Ledger, seals: Seals) -> None:
        super().__init__(ledger)
        self._seals = seals

    @performs(Action.AUDIT_SEE)
    def list(self, actor: Actor, asked: Asked, turn: Turn | None = None) -> Page[AuditLine]:
        """Return the lines, newest first; looking is itself a line, one in ten minutes."""
        with self._ledger.read(actor) as work:
            patient_id, wanted = _wanted(work, asked)
            page = page_of(
                work, wanted, NEWEST_FIRST, turn or Turn(), lambda found: _lines(work, found), exact=False
            )
            work.record(Action.AUDIT_SEE, once=True, **_about(patient_id))
            return page

    @performs(Action.AUDIT_SEE)
    def people(self, actor: Actor) -> tuple[Person, ...]:
        """Return everybody who has, or had, an account, by name."""
        with self._ledger.read(actor) as work:
            wanted = sa.select(col(User.id), col(User.name), col(User.email))
            rows = work.session.execute(wanted.order_by(func.lower(User.name), col(User.id)))
            work.record(Action.AUDIT_SEE, once=True)
            return tuple(Person(PERSON, *row) for row in rows)

    @performs(Action.AUDIT_SEE)
    def table(self, actor: Actor, asked: Asked) -> Sheet:
        """Return the lines as a CSV file, newest first, made while it is read."""
        with self._ledger.read(actor) as work:
            patient_id, _query = _wanted(work, asked)
            work.record(Action.AUDIT_SEE, field_names=["csv"], **_about(patient_id))
            name = f"{_('audit')} {work.at:%Y-%m-%d}.csv"
        lines = in_lots(self._ledger, actor, lambda work: _wanted(work, asked)[1], _lines)
        return table_of(name, _header(), map(_cells, lines))

    @performs(Action.AUDIT_VERIFY)
    def verify(self, actor: Actor) -> Verdict:
        """Walk the whole chain, a thousand lines at a time, and say what is wrong with it."""
        kept, unreadable = _kept(self._seals.heads)
        walk = Walk(kept)
        for finding in unreadable:
            walk.report(finding)
        for seal, chain, line in self._sealed(actor):
            walk.step(seal, chain, line)
        with self._ledger.read(actor) as work:
            late = _late(work)
        if late is not None:
            walk.report(late)
        verdict = walk.end()
        outcome = "done" if verdict.holds else "failed"
        self._ledger.note(actor, Line(Action.AUDIT_VERIFY, outcome=outcome, count=verdict.lines))
        return verdict

    def _sealed(self, actor: Actor) -> Iterator[_Sealed]:
        last: tuple[int, int] | None = None
        while True:
            with self._ledger.read(actor) as work:
                lot, last = _sealed_after(work, last)
            if not lot:
                return
            yield from lot


def _kept(heads: Heads) -> tuple[list[Head], list[Finding]]:
    kept, unreadable = list[Head](), list[Finding]()
    for each in heads.read():
        if isinstance(each, Head):
            kept.append(each)
        else:
            unreadable.append(each)
    return kept, unreadable


def _about(patient_id: UUID | None) -> dict[str, Any]:
    """Return how a line says that only one patient's part of the audit was asked for."""
    if patient_id is None:
        return {}
    return {"patient_id": patient_id, "entity": "patient", "entity_ids": [patient_id]}


def _wanted(work: Work, asked: Asked) -> tuple[UUID | None, SelectOfScalar[Event]]:
    patient_id = None if asked.patient_ref is None else patient_of(work, asked.patient_ref)
    given = [
        (operator.eq, Event.actor_id, asked.person_id),
        (operator.eq, Event.patient_id, patient_id),
        (operator.eq, Event.action, asked.action),
        (operator.eq, Event.outcome, asked.outcome),
        (operator.ge, Event.at, asked.from_at),
        (operator.lt, Event.at, asked.to_at),
    ]
    conditions = [compare(col(field), value) for compare, field, value in given if value is not None]
    return patient_id, select(Event).where(*conditions)


def patient_of(work: Work, ref: str) -> UUID:
    """Return the id of a patient, who may be in the trash or removed for good."""
    try:
        return UUID(ref)
    except ValueError:
        return sight.patient_in_any_state(work, ref, Action.PATIENT_SEE).id


def table_of(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Sheet:
    """Return a table as a CSV file."""
    return Sheet(name, "text/csv; charset=utf-8", csv_stream(header, rows))


def in_lots(
    ledger: Ledger,
    actor: Actor,
    wanted: Callable[[Work], SelectOfScalar[Event]],
    records: Callable[[Work, Sequence[Event]], Sequence[Record]],
) -> Iterator[Record]:
    """Yield the records of all lines, newest first; no transaction stays open between two lots."""
    last: Event | None = None
    while True:
        with ledger.read(actor) as work:
            query = wanted(work).order_by(col(Event.at).desc(), col(Event.id).desc()).limit(LOT)
            if last is not None:
                bound = [
                    sa.bindparam(None, getattr(last, key.key), type_=key.type) for key in NEWEST_FIRST.keys
                ]
                query = query.where(sa.tuple_(*NEWEST_FIRST.keys) < sa.tuple_(*bound))
            rows = list(work.session.exec(query))
            found = records(work, rows)
            work.session.expunge_all()
        yield from found
        if len(rows) < LOT:
            return
        last = rows[-1]


def people_of(work: Work, events: Sequence[Event]) -> list[Person]:
    """Return who stands behind each line."""
    known: dict[UUID, Person] = {}
    for part in sight.parts(sorted({each.actor_id for each in events if each.actor_id is not None})):
        wanted = sa.select(col(User.id), col(User.name), col(User.email)).where(col(User.id).in_(part))
        known |= {row[0]: Person(PERSON, *row) for row in work.session.execute(wanted)}
    return [_person(each, known) for each in events]


def _person(event: Event, known: Mapping[UUID, Person]) -> Person:
    if event.actor_id is not None:
        return known.get(event.actor_id, Person(PERSON, event.actor_id))
    return Person(NOT_SIGNED_IN if event.address else THE_PROGRAM)


def _lines(work: Work, events: Sequence[Event]) -> list[AuditLine]:
    names, there = _patients(work, {each.patient_id for each in events if each.patient_id is not None})
    return [
        AuditLine(
            id=event.id or 0,
            at=event.at,
            person=person,
            action=event.action,
            outcome=event.outcome,
            patient_id=event.patient_id,
            patient_name=names.get(event.patient_id),
            is_patient_gone=event.patient_id is not None and event.patient_id not in there,
            entity=event.entity,
            entity_ids=tuple(event.entity_ids),
            field_names=tuple(event.field_names),
            count=event.count,
            address=event.address,
            request_id=event.request_id,
            seal=event.seal,
            chain=event.chain,
        )
        for event, person in zip(events, people_of(work, events), strict=True)
    ]


def _patients(work: Work, ids: Set[UUID]) -> tuple[dict[UUID | None, str], set[UUID]]:
    """Return the names of those that the person may see, and the ids of all that are still there."""
    names, there = dict[UUID | None, str](), set[UUID]()
    for part in sight.parts(sorted(ids)):
        among = col(Patient.id).in_(part)
        there |= set(work.session.exec(select(Patient.id).where(among)))
        wanted = sa.select(col(Patient.id), col(Patient.name)).where(among)
        rows = work.session.execute(wanted.where(sight.patients(work, Action.PATIENT_SEE)))
        names |= {row[0]: row[1] for row in rows}
    return names, there


def _sealed_after(work: Work, last: tuple[int, int] | None) -> tuple[list[_Sealed], tuple[int, int] | None]:
    """Return the next sealed lines, and where they end."""
    place = (col(Event.seal), col(Event.id))
    wanted = sa.select(*place, col(Event.chain)).where(place[0].is_not(None)).order_by(*place).limit(LOT)
    if last is not None:
        wanted = wanted.where(sa.tuple_(*place) > sa.tuple_(*map(sa.literal, last)))
    found = work.session.execute(wanted).all()
    content = _content(work, [line_id for _seal, line_id, _chain in found])
    lot = [(seal, chain, content.get(line_id)) for seal, line_id, chain in found]
    return lot, (found[-1][0], found[-1][1]) if found else None


def _content(work: Work, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Return the lines by id, without those that hold what the program never writes."""
    if not ids:
        return {}
    wanted = sa.select(*LINE).where(col(Event.id).in_(ids))
    try:
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in work.session.execute(wanted)}
    except (ValueError, TypeError, AttributeError):
        if len(ids) == 1:
            return {}
    middle = len(ids) // 2
    return _content(work, ids[:middle]) | _content(work, ids[middle:])


def _late(work: Work) -> Finding | None:
    waiting = sa.select(func.count(), func.min(col(Event.at))).where(
        col(Event.seal).is_(None), col(Event.at) < work.at - LONGEST_UNSEALED
    )
    count, oldest = work.session.execute(waiting).one()
    return Finding("unsealed", count, count, oldest) if count else None


def _header() -> list[str]:
    return [
        _("Line"),
        _("Time (UTC)"),
        _("Person"),
        _("E-mail"),
        _("Action"),
        _("Outcome"),
        _("Patient"),
        _("Patient id"),
        _("About"),
        _("Ids"),
        _("Fields"),
        _("Count"),
        _("Address"),
        _("Request"),
        _("Hash"),
    ]


def _cells(line: AuditLine) -> list[Cell]:
    return [
        line.seal,
        line.at.astimezone(UTC),
        line.person.shown,
        line.person.email,
        line.action,
        line.outcome,
        shown_patient(line),
        str(line.patient_id or ""),
        line.entity,
        " ".join(line.entity_ids),
        " ".join(line.field_names),
        line.count,
        line.address,
        line.request_id,
        line.chain,
    ]
