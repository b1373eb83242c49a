"""Which rows a figure is counted over: a whole clinic, some patients, or what an image set shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from imgcore.db.tables import Analysis, Batch, Image, Patient
from imgcore.domain.access import Action
from imgcore.domain.categories import CategorySet
from imgcore.domain.statistics import Asked, Periods
from imgcore.services import analysis_rows, rows, set_contents, sight
from imgcore.services.work import Work

OF_PEOPLE, OF_BATCHES = "ix_image_figures_of_people", "ix_image_figures_of_batches"
_COUNTED = col(Image.file_size) > sa.literal_column("0")  # as the indices say it
_BY_IMAGE = "ix_analysis_image_id_created_at"
_MINUTE = "YYYY-MM-DD HH24:MI"


@dataclass(frozen=True)
class Scope:
    """The rows that somebody asks about; without ``patients`` and ``shown`` those of the whole clinic.

    A whole clinic is counted along indices that hold the answer. What is limited is read by batch.
    """

    work: Work
    asked: Asked
    patients: sa.ColumnElement[bool] | None = None
    patient_id: UUID | None = None
    shown: Sequence[set_contents.Content] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all patients' rows count."""
        return self.patients is None and self.shown is None

    def images(self, *columns: Any, hint: str = "", on_any_day: bool = False) -> sa.Select[Any]:
        """Return the query for what is kept, within the days; a whole clinic's goes along ``hint``."""
        wanted = sa.select(*columns).select_from(Image).where(rows.kept())
        if self.patients is not None:
            wanted, hint = wanted.where(col(Image.batch_id).in_(self._batch_ids())), OF_BATCHES
        if hint in (OF_PEOPLE, OF_BATCHES):
            wanted = wanted.where(_COUNTED)
        if not on_any_day:
            wanted = wanted.where(*self.days(Image.uploaded_at))
        if self.shown is not None:
            return wanted.where(sight.among(self.work, col(Image.id), self._image_ids()))
        return wanted.with_hint(Image, f"INDEXED BY {hint}", "sqlite") if hint else wanted

    def batches(self, *columns: Any) -> sa.Select[Any]:
        """Return the query for batches outside the trash that were made within the days."""
        wanted = sa.select(*columns).select_from(Batch).where(col(Batch.trashed_at).is_(None))
        wanted = wanted.where(*self.days(Batch.created_at))
        return (
            wanted if self.patients is None else wanted.where(col(Batch.patient_id).in_(self.patient_ids()))
        )

    def results(self, *columns: Any, on_any_day: bool = False, with_image: bool = False) -> sa.Select[Any]:
        """Return the query for results within the days; a whole clinic's also of what lies in the trash.

        What waits for the actor's own impression is not counted: a day or a set may have but one result.
        """
        wanted = sa.select(*columns).select_from(Analysis).where(analysis_rows.is_open(self.work))
        if not on_any_day:
            wanted = wanted.where(*self.days(Analysis.created_at))
        if self.shown is not None:
            return wanted.where(sight.among(self.work, col(Analysis.image_id), self._image_ids()))
        if self.patients is None:
            return wanted
        theirs = select(Image.id).where(col(Image.batch_id).in_(self._batch_ids()), rows.kept())
        if with_image:
            wanted = wanted.where(col(Analysis.image_id).in_(theirs))
            return wanted.with_hint(Analysis, f"INDEXED BY {_BY_IMAGE}", "sqlite")
        # Either of the two alone: for "or" PostgreSQL would go through all these images with each result.
        each = aliased(Analysis)
        pictured = sa.select(col(each.id)).where(col(each.image_id).in_(theirs))
        bare = sa.select(col(each.id)).where(
            col(each.image_id).is_(None), col(each.patient_id).in_(self.patient_ids())
        )
        return wanted.where(col(Analysis.id).in_(sa.union_all(pictured, bare)))

    def days(self, column: Any) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that a moment lies within the days that are asked for."""
        conditions = []
        if self.asked.from_on is not None:
            conditions.append(column >= self.asked.midnight(self.asked.from_on))
        if self.asked.to_on is not None:
            conditions.append(column < self.asked.midnight(self.asked.to_on + timedelta(days=1)))
        return conditions

    def patient_ids(self) -> Any:
        """Return the query for the patients."""
        condition = sa.true() if self.patients is None else self.patients
        return select(Patient.id).where(condition)

    def _batch_ids(self) -> Any:
        return select(Batch.id).where(col(Batch.patient_id).in_(self.patient_ids()))

    def _image_ids(self) -> list[UUID]:
        return [content.image.id for content in self.shown or ()]

    def periods(self, *earliest: sa.Select[Any], latest: sa.Select[Any] | None = None) -> Periods | None:
        """Return the days that are asked for, from the first on which anything is; None when nothing is.

        They end today, or with the ``latest`` of what may be dated by a clock that was wrong.
        """
        days, further = self._days_of(*earliest), [] if latest is None else self._days_of(latest)
        last = max([self.asked.day(self.work.at), *further])
        last = min(self.asked.to_on or last, last)
        return Periods(min(days), last) if days and min(days) <= last else None

    def _days_of(self, *moments: sa.Select[Any]) -> list[date]:
        found = [self.work.session.execute(each).scalar() for each in moments]
        return [self.asked.day(each) for each in found if each is not None]


def scope(work: Work, asked: Asked, categories: CategorySet) -> Scope:
    """Return what somebody may count; ``NotFound`` for a patient or a set that they may not see."""
    action = Action.DASHBOARD_SEE
    asked.midnight(date(2000, 1, 1))  # there is such a time zone
    patient = sight.patient(work, asked.patient_ref, action) if asked.patient_ref is not None else None
    if asked.set_id is not None:
        row = set_contents.find(work, asked.set_id, action)
        shown = set_contents.shown(set_contents.contents(work, [row], categories)[row.id])
        if patient is not None:
            shown = [content for content in shown if content.patient_id == patient.id]
        return Scope(work, Asked(set_id=row.id), shown=shown)
    if patient is not None:
        return Scope(work, asked, col(Patient.id) == patient.id, patient.id)
    return Scope(work, asked, None if sight.sees_all(work, action) else sight.patients(work, action))


def by_range(found: Scope, wanted: sa.Select[Any], when: Any, periods: Periods) -> dict[date, int]:
    """Count rows in each period, one count after the other, along an index that is ordered by ``when``.

    ``wanted`` names no days itself: SQLite would begin each count at the first of them.
    """
    start, stop = (sa.bindparam(name, type_=when.type) for name in ("start", "stop"))
    part = wanted.where(when >= start, when < stop)
    counted = {}
    for first, following in pairwise([*periods.starts, periods.end]):
        days = max(first, periods.first), min(following, periods.last + timedelta(days=1))
        span = dict(zip(("start", "stop"), map(found.asked.midnight, days), strict=True))
        counted[first] = int(found.work.session.execute(part, span).scalar_one())
    return counted


def by_minute(
    found: Scope, wanted: sa.Select[Any], when: Any, periods: Periods, *groups: Any, number: Any = None
) -> Counter[tuple[Any, ...]]:
    """Count rows, or add a number up, by period and group.

    The database counts by the minute, since days begin at whole minutes in every zone.
    """
    on_sqlite = sight.on_sqlite(found.work)
    text = func.substr(when, 1, 16) if on_sqlite else func.to_char(func.timezone("UTC", when), _MINUTE)
    minute = text.label("minute")
    what = func.count() if number is None else func.sum(number)
    counting = wanted.with_only_columns(minute, *groups, what, maintain_column_froms=True)
    counted: Counter[tuple[Any, ...]] = Counter()
    for at, *rest, count in found.work.session.execute(counting.group_by(minute, *groups)):
        day = found.asked.day(datetime.fromisoformat(at).replace(tzinfo=UTC))
        counted[periods.start(day), *rest] += int(count)
    return counted
