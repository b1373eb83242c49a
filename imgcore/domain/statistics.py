"""Figures of the clinic: what is asked for, the steps of time, and the tables that answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from imgcore.errors import Invalid
from imgcore.texts import _

Cell = str | int | float | date | None


class Step(StrEnum):
    """How much time one bar of a chart stands for."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


class Figure(StrEnum):
    """What can be counted; each is one table and one chart."""

    GROWTH = "growth"
    CATEGORIES = "categories"
    CLINICIANS = "clinicians"
    PATIENTS = "patients"
    FORMATS = "formats"
    QUALITY = "quality"
    RISKS = "risks"
    AGREEMENT = "agreement"
    FAILURES = "failures"


# What stands in each row, as the REST interface and the CSV files name it.
COLUMNS: Mapping[Figure, tuple[str, ...]] = {
    Figure.GROWTH: ("from", "images", "without_category", "batches"),
    Figure.CATEGORIES: ("category", "images"),
    Figure.CLINICIANS: ("person", "images", "bytes"),
    Figure.PATIENTS: ("patient", "images", "bytes"),
    Figure.FORMATS: ("format", "images", "bytes"),
    Figure.QUALITY: ("score", "at_least", "results"),
    Figure.RISKS: ("from", "risk_level", "results"),
    Figure.AGREEMENT: ("first", "second", "images", "agreeing"),
    Figure.FAILURES: ("from", "outcome", "files"),
}
# Days and colleagues tell who a picture could be of: whoever looks at an image set is not told them.
OF_SETS = (
    Figure.CATEGORIES,
    Figure.PATIENTS,
    Figure.FORMATS,
    Figure.QUALITY,
    Figure.RISKS,
    Figure.AGREEMENT,
)
OF_RESULTS = (Figure.QUALITY, Figure.RISKS, Figure.AGREEMENT)
# Bars of a day up to two months, of a week up to about a year.
_DAYS, _WEEKS = 62, 400


@dataclass(frozen=True)
class Asked:
    """Whose pictures, or which image set, and which days; what is None does not matter.

    ``patient_ref`` is an id or an external id. Days, weeks and months begin at midnight in ``zone``.
    """

    patient_ref: str | None = None
    set_id: UUID | None = None
    from_on: date | None = None
    to_on: date | None = None
    zone: str = "UTC"

    def midnight(self, day: date) -> datetime:
        """Return the moment at which a day begins; ``Invalid`` when there is no such zone."""
        try:
            return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)
        except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
            raise Invalid(_("There is no such time zone, or no such day in it.")) from None

    def day(self, moment: datetime) -> date:
        """Return the day on which a moment lies."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class Periods:
    """The days from ``first`` to ``last``, cut into as many steps as a chart can show."""

    first: date
    last: date

    @cached_property
    def step(self) -> Step:
        """How long each period is."""
        days = (self.last - self.first).days + 1
        return Step.DAY if days <= _DAYS else Step.WEEK if days <= _WEEKS else Step.MONTH

    @cached_property
    def starts(self) -> tuple[date, ...]:
        """The first day of each period; the first one may begin before ``first``."""
        return starts(self.first, self.last, self.step)

    @property
    def end(self) -> date:
        """The day after the last period."""
        return _following(self.starts[-1], self.step)

    def start(self, day: date) -> date:
        """Return the first day of the period that a day lies in."""
        return _start(day, self.step)


def starts(first: date, last: date, step: Step) -> tuple[date, ...]:
    """Return the first day of each period from that of ``first`` to that of ``last``."""
    found = [_start(first, step)]
    while (following := _following(found[-1], step)) <= last:
        found.append(following)
    return tuple(found)


def _start(day: date, step: Step) -> date:
    if step is Step.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if step is Step.WEEK else day


def _following(start: date, step: Step) -> date:
    if step is Step.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if step is Step.WEEK else 1)


@dataclass(frozen=True)
class Table:
    """One figure as rows; the cells are named by ``COLUMNS``.

    ``sample`` is how many of the newest results were looked at, where not all were.
    """

    figure: Figure
    rows: tuple[tuple[Cell, ...], ...]
    at: datetime
    step: Step | None = None
    sample: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What each cell of a row is."""
        return COLUMNS[self.figure]

    def column(self, name: str) -> list[Cell]:
        """Return one cell of each row."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def total(self, name: str) -> int:
        """Return the sum of a column of whole numbers."""
        return sum(int(cell) for cell in self.column(name) if isinstance(cell, int))
