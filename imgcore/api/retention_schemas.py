"""What the interface takes and answers about how long records are kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body
from pydantic import Field

from imgcore.api.calls import Ref
from imgcore.api.examples import AT, PATIENT_ID, example
from imgcore.api.schemas import Answer
from imgcore.domain.retention import KeptYears, NewErasure, NewHold, NewRule, RuleFields
from imgcore.domain.values import Value

_RULE_ID = "6e2b8c1d-7a4f-4e0b-8c59-3f1d2a9b7c60"
_CHANGE_ID = "b5d1e9f3-2c7a-4b86-9e40-8a6f3c1d7b25"
_DUE = {
    "patient_id": PATIENT_ID, "patient_name": "Ada Novak", "last_visit_on": "2012-03-14",
    "since": "2022-03-14", "years": 10, "batches": 0, "images": 12, "file_size": 41_200_300,
    "categories": {"casts": 12}, "is_whole": False, "has_own_years": False, "is_held": False,
}  # fmt: skip


class Rule(Answer):
    """How many years after the last visit images go; `category` null: all that no other rule is for."""

    model_config = example(id=_RULE_ID, category=None, years=10, created_at=AT)

    id: UUID
    category: str | None
    years: int
    created_at: datetime


class Due(Answer):
    """What of one patient is past its time."""

    model_config = example(**_DUE)

    patient_id: UUID
    patient_name: str
    last_visit_on: date
    since: date = Field(description="The day on which its years were over.")
    years: int
    batches: int
    images: int
    file_size: int
    categories: dict[str, int] = Field(description="How many images of each category.")
    is_whole: bool = Field(description="Whether all of the patient goes, with visits and data.")
    has_own_years: bool = Field(description="Whether the patient's own years say so, and no rule.")
    is_held: bool = Field(description="Whether a legal hold keeps it; then it goes nowhere.")


class Report(Answer):
    """What is due today; `elsewhere` counts patients of care teams that the caller is not in."""

    model_config = example(on="2025-11-06", due=[_DUE], elsewhere=0)

    on: date
    due: list[Due]
    elsewhere: int


class Run(Answer):
    """What went into the trash: of each patient the change to undo it by."""

    model_config = example(changes={PATIENT_ID: _CHANGE_ID}, images=12)

    changes: dict[UUID, UUID]
    images: int


class Hold(Answer):
    """A legal hold: nothing of the patient can be removed."""

    model_config = example(
        patient_id=PATIENT_ID, patient_name="Ada Novak", at=AT, by_name="Vera Lang",
        reason="Claim 12/2025 against the clinic", is_trashed=False,
    )  # fmt: skip

    patient_id: UUID
    patient_name: str
    at: datetime
    by_name: str
    reason: str
    is_trashed: bool


class Purged(Answer):
    """What goes for good; `held` counts images that a legal hold keeps in the trash."""

    model_config = example(patients=0, batches=1, images=24, file_size=82_000_000, held=0)

    patients: int
    batches: int
    images: int
    file_size: int
    held: int


class Erased(Answer):
    """What became of an erasure; until it is finished every sweep goes on with it."""

    model_config = example(patient_id=PATIENT_ID, images=24, is_finished=True)

    patient_id: UUID
    images: int
    is_finished: bool


class RunWish(Value):
    """Whose records are to go; without any, all that is due."""

    patient_ids: Annotated[list[Ref], Field(min_length=1, max_length=10_000)] | None = None


class PurgeWish(Value):
    """What is to be removed from the trash now."""

    patient_id: Ref | None = None
    older_than_days: Annotated[int, Field(ge=0, le=36_500)] = 0


def _example(**named: Any) -> Any:
    return Body(openapi_examples={name: {"value": value} for name, value in named.items()})


_REASON = {"reason": "Claim 12/2025 against the clinic"}

NewRuleBody = Annotated[NewRule, _example(rest={"years": 10}, casts={"category": "casts", "years": 5})]
RuleBody = Annotated[RuleFields, _example(longer={"years": 15})]
YearsBody = Annotated[KeptYears, _example(own={"years": 30}, rules={"years": None})]
HoldBody = Annotated[NewHold, _example(claim=_REASON)]
RunBody = Annotated[RunWish | None, _example(one={"patient_ids": [PATIENT_ID]}, all={})]
PurgeBody = Annotated[
    PurgeWish | None, _example(one={"patient_id": PATIENT_ID, "older_than_days": 7}, all={})
]
EraseBody = Annotated[NewErasure, _example(name={"confirmation": "Ada Novak", "reason": "asked"})]
