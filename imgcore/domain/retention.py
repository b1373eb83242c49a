"""How long records are kept: rules, what is due under them, legal holds, and what goes for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field

from imgcore.domain.values import Prose, Value
from imgcore.texts import _

MOST_YEARS = 150
REASON = "retention"  # what stands as the reason of every change that a rule made

Years = Annotated[int, Field(ge=1, le=MOST_YEARS)]
Why = Literal["asked", "over", "mistake", "order"]
WHYS: tuple[Why, ...] = get_args(Why)


class NewRule(Value):
    """A rule to add; without a category it is for every image that no other rule is for."""

    category: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    years: Years


class RuleFields(Value):
    """A change to a rule."""

    years: Years


class KeptYears(Value):
    """How long one patient's record is kept instead; None for the clinic's rules."""

    years: Years | None = None


class NewHold(Value):
    """Why nothing of a patient may go."""

    reason: Annotated[Prose, Field(min_length=1, max_length=2_000)]


class NewErasure(Value):
    """That a patient goes for good: their name or MRN typed once more, and why."""

    confirmation: Annotated[Prose, Field(min_length=1, max_length=255)]
    reason: Why


@dataclass(frozen=True)
class Rule:
    """How many years after the last visit images go: those of a category, or every other one (None)."""

    id: UUID
    category: str | None
    years: int
    created_at: datetime


@dataclass(frozen=True)
class Hold:
    """That nothing of a patient may be removed, by whom this was said, and why."""

    patient_id: UUID
    patient_name: str
    at: datetime
    by_name: str
    reason: str
    is_trashed: bool


@dataclass(frozen=True)
class Due:
    """What of one patient is past its time; ``years`` are those of the shortest rule that says so.

    ``is_whole`` when all of the patient goes, with visits and data; otherwise images alone. What is
    held goes nowhere, and is told nevertheless.
    """

    patient_id: UUID
    patient_name: str
    last_visit_on: date
    since: date
    years: int
    batches: int
    images: int
    file_size: int
    categories: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = False
    has_own_years: bool = False
    is_held: bool = False


@dataclass(frozen=True)
class Report:
    """What is due on a day; ``elsewhere`` counts patients of care teams that the reader is not in."""

    on: date
    due: tuple[Due, ...]
    elsewhere: int = 0

    @property
    def going(self) -> tuple[Due, ...]:
        """Those that a run would put into the trash."""
        return tuple(each for each in self.due if not each.is_held)


@dataclass(frozen=True)
class Run:
    """What a run put into the trash: for each patient the change to undo it by, and how many images."""

    changes: Mapping[UUID, UUID]
    images: int


@dataclass(frozen=True)
class Purged:
    """What goes, or went, from the trash for good; ``held`` counts what a legal hold keeps there."""

    patients: int = 0
    batches: int = 0
    images: int = 0
    file_size: int = 0
    held: int = 0


@dataclass(frozen=True)
class Erased:
    """What became of an erasure; until it ``is_finished`` every sweep goes on with it."""

    patient_id: UUID
    images: int
    is_finished: bool


def due_on(last_visit_on: date, years: int) -> date:
    """Return the day on which what was last used on a day has had its years; 29 February ends on 1 March."""
    try:
        return last_visit_on.replace(year=last_visit_on.year + years)
    except ValueError:
        if (last_visit_on.month, last_visit_on.day) != (2, 29):
            return date.max
        return date(last_visit_on.year + years, 3, 1)


def earliest_last_visit(today: date, years: int) -> date:
    """Return the newest last visit that can be due after so many years."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return date(today.year - years, 2, 28) if today.year > years else date.min


def years_for(category: str, rules: Mapping[str | None, int], own: int | None) -> int | None:
    """Return how long an image is kept: the patient's own years, its category's, or everybody's."""
    return own or rules.get(category, rules.get(None))


def confirms(typed: str, names: Iterable[str | None]) -> bool:
    """Tell whether what was typed is one of these, capital letters and spaces aside."""
    wanted = " ".join(typed.casefold().split())
    return any(name and wanted == " ".join(name.casefold().split()) for name in names)


def whys() -> dict[Why, str]:
    """Return the reasons for an erasure in words."""
    return {
        "asked": _("The patient asked for it"),
        "over": _("Its time is over"),
        "mistake": _("It should never have been kept"),
        "order": _("A court or an authority ordered it"),
    }
