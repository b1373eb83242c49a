"""What is past its time: which patients were last seen long enough ago, and what of them a rule names.

The last visit is the newest of the days of a patient's visits and batches and of the uploads, what lies in
the trash counted in; for a patient without any of them it is the day on which they were added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.tables import Batch, Image, Patient, RetentionRule, Visit
from imgcore.documents import Cell
from imgcore.domain.access import Action
from imgcore.domain.categories import CategorySet
from imgcore.domain.retention import Due, Report, due_on, earliest_last_visit, years_for
from imgcore.services import rows, sight
from imgcore.services.work import Work
from imgcore.texts import _

_LOT = 500
Rules = Mapping[str | None, int]


@dataclass
class _Kept:
    """What is kept of one patient, the trash left out of the counts."""

    seen_on: list[date] = field(default_factory=list)
    batches: int = 0
    images: dict[str, tuple[int, int]] = field(default_factory=dict)  # category: count, bytes


def report(work: Work, action: Action) -> Report:
    """Return what is due today of the patients that the actor may see, by name."""
    today, rules = _today(work), _rules(work)
    found, elsewhere = list[Due](), 0
    for lot in _candidates(work, rules, today):
        ids = [row.id for row in lot]
        visible = select(Patient.id).where(col(Patient.id).in_(ids), sight.patients(work, action))
        seen = set(work.session.exec(visible))
        kept = _kept(work, ids)
        for row in lot:
            each = _judged(row, kept[row.id], rules, today)
            if each is not None and row.id in seen:
                found.append(each)
            elsewhere += each is not None and row.id not in seen
    return Report(today, tuple(sorted(found, key=lambda each: each.patient_name.casefold())), elsewhere)


def of_patient(work: Work, row: Patient) -> Due | None:
    """Return what of one patient is due today, or None when nothing is."""
    return _judged(row, _kept(work, [row.id])[row.id], _rules(work), _today(work))


def images(found: Due) -> sa.ColumnElement[bool]:
    """Return the condition on ``Image`` for what goes when not all of the patient does."""
    theirs = select(Batch.id).where(Batch.patient_id == found.patient_id)
    named = col(Image.category).in_(list(found.categories))
    return sa.and_(col(Image.batch_id).in_(theirs), named, rows.kept())


def lock_batches(work: Work, patient_id: UUID) -> None:
    """Let nobody add images to a patient's batches until the end of this unit."""
    theirs = select(Batch.id).where(Batch.patient_id == patient_id).order_by(col(Batch.id))
    work.session.exec(theirs.with_for_update()).all()


def _today(work: Work) -> date:
    return work.at.astimezone().date()


def _rules(work: Work) -> Rules:
    return {row.category: row.years for row in work.session.exec(select(RetentionRule))}


def _candidates(work: Work, rules: Rules, today: date) -> Iterator[Sequence[Patient]]:
    """Yield patients in lots whose last visit is long enough ago for the shortest time of all."""
    own = select(func.min(Patient.retention_years)).where(col(Patient.trashed_at).is_(None))
    times = [*rules.values(), work.session.exec(own).one()]
    shortest = min((each for each in times if each is not None), default=None)
    if shortest is None:
        return
    last = earliest_last_visit(today, shortest)
    end = datetime.combine(last, time.max, UTC)
    theirs = col(Batch.patient_id) == col(Patient.id)
    uploaded = sa.exists().where(theirs, col(Image.batch_id) == col(Batch.id), col(Image.uploaded_at) > end)
    wanted = select(Patient).where(
        col(Patient.trashed_at).is_(None),
        col(Patient.created_at) <= end,
        ~sa.exists().where(col(Visit.patient_id) == col(Patient.id), col(Visit.visited_on) > last),
        ~sa.exists().where(theirs, col(Batch.taken_on) > last),
        ~uploaded,
    )
    if not rules:
        wanted = wanted.where(col(Patient.retention_years).is_not(None))
    before: UUID | None = None
    while True:
        query = wanted if before is None else wanted.where(col(Patient.id) > before)
        lot = work.session.exec(query.order_by(col(Patient.id)).limit(_LOT)).all()
        if lot:
            yield lot
        if len(lot) < _LOT:
            return
        before = lot[-1].id


def _kept(work: Work, ids: Sequence[UUID]) -> Mapping[UUID, _Kept]:
    kept: dict[UUID, _Kept] = defaultdict(_Kept)
    owner = col(Visit.patient_id)
    visits = sa.select(owner, func.max(col(Visit.visited_on))).where(owner.in_(ids)).group_by(owner)
    for patient_id, visited_on in work.session.execute(visits):
        kept[patient_id].seen_on.append(visited_on)
    owner = col(Batch.patient_id)
    there = func.count().filter(col(Batch.trashed_at).is_(None))
    batches = sa.select(owner, func.max(col(Batch.taken_on)), there).where(owner.in_(ids)).group_by(owner)
    for patient_id, taken_on, count in work.session.execute(batches):
        kept[patient_id].seen_on.append(taken_on)
        kept[patient_id].batches = count
    facts = (
        func.max(col(Image.uploaded_at)),
        func.count().filter(rows.kept()),
        func.coalesce(func.sum(col(Image.file_size)).filter(rows.kept()), 0),
    )
    stored = sa.select(owner, col(Image.category), *facts).join(Batch, col(Image.batch_id) == col(Batch.id))
    stored = stored.where(owner.in_(ids)).group_by(owner, col(Image.category))
    for patient_id, category, uploaded_at, count, size in work.session.execute(stored):
        kept[patient_id].seen_on.append(_utc(uploaded_at).astimezone().date())
        if count:
            kept[patient_id].images[category] = count, int(size)
    return kept


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _judged(row: Patient, kept: _Kept, rules: Rules, today: date) -> Due | None:
    """Say what of a patient is due, if anything is."""
    last = max(kept.seen_on, default=row.created_at.astimezone().date())
    limits = {each: years_for(each, rules, row.retention_years) for each in kept.images}
    over = {each: years for each, years in limits.items() if years and due_on(last, years) <= today}
    whole_years = row.retention_years or rules.get(None)
    is_whole = bool(whole_years and due_on(last, whole_years) <= today and len(over) == len(limits))
    if not over and not is_whole:
        return None
    years = min([*over.values(), *([whole_years] if is_whole and whole_years else [])])
    counts = {each: kept.images[each][0] for each in sorted(over)}
    return Due(
        patient_id=row.id,
        patient_name=row.name,
        last_visit_on=last,
        since=due_on(last, years),
        years=years,
        batches=kept.batches if is_whole else 0,
        images=sum(counts.values()),
        file_size=sum(kept.images[each][1] for each in over),
        categories=counts,
        is_whole=is_whole,
        has_own_years=row.retention_years is not None,
        is_held=row.legal_hold_at is not None,
    )


def header() -> list[str]:
    """Return the head of the table of what is due."""
    return [
        _("Patient"),
        _("Patient id"),
        _("Last visit"),
        _("Due since"),
        _("Years"),
        _("What goes"),
        _("Batches"),
        _("Images"),
        _("Bytes"),
        _("Categories"),
        _("Legal hold"),
    ]


def cells(each: Due, categories: CategorySet) -> list[Cell]:
    """Return one line of that table."""
    named = (f"{categories.label(code)}: {count}" for code, count in each.categories.items())
    return [
        each.patient_name,
        str(each.patient_id),
        each.last_visit_on,
        each.since,
        each.years,
        _("everything") if each.is_whole else _("images"),
        each.batches,
        each.images,
        each.file_size,
        ", ".join(named),
        _("yes") if each.is_held else "",
    ]
