"""What the interface says of care teams and of results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body
from pydantic import Field

from imgcore.api.examples import AT, IMAGE_ID, PATIENT_ID, USER_ID, example
from imgcore.api.schemas import PATIENT, Answer, Patient
from imgcore.domain.access import Role
from imgcore.domain.values import Line, Prose, Value

_MEMBER = {
    "user_id": USER_ID, "name": "Vera Lang", "joined_at": AT, "ends_at": None, "reason": "",
    "is_break_glass": False, "is_active": True,
}  # fmt: skip
_COLLEAGUE = {"user_id": "8a1d5c3e-7b2f-4e60-9c48-1d0e6f7a2b59", "name": "Ruth Abel", "role": "clinician"}


class Member(Answer):
    """Somebody who looks after a patient."""

    model_config = example(**_MEMBER)

    user_id: UUID
    name: str
    joined_at: datetime
    ends_at: datetime | None
    reason: str = Field(description="Why, as typed for an emergency access.")
    is_break_glass: bool = Field(description="Whether this is an emergency access, which ends by itself.")
    is_active: bool = Field(description="False once it has ended, or the account is closed.")


class Colleague(Answer):
    """Somebody who could join a care team."""

    model_config = example(**_COLLEAGUE)

    user_id: UUID
    name: str
    role: Role


class Team(Answer):
    """Who looks after a patient, and who else could."""

    model_config = example(patient_id=PATIENT_ID, members=[_MEMBER], colleagues=[_COLLEAGUE])

    patient_id: UUID
    members: list[Member]
    colleagues: list[Colleague]


class Emergency(Answer):
    """A patient who was reached in an emergency, and until when."""

    model_config = example(patient=PATIENT, ends_at=AT)

    patient: Patient
    ends_at: datetime


class Result(Answer):
    """What an analysis said about an image. It is not a diagnosis."""

    model_config = example(
        id="9d2f4c1a-77b1-4c5a-8f0e-1c3d5e7f9a24", patient_id=PATIENT_ID, image_id=IMAGE_ID,
        analyser="Skin check", analyser_version="1.2", label="naevus",
        predictions={"naevus": 0.91, "keratosis": 0.09}, risk_level="low", confidence=0.91,
        body_region="Left heel", error=None, is_hidden=False, created_at=AT, released_at=AT,
    )  # fmt: skip

    id: UUID
    patient_id: UUID
    image_id: UUID | None = Field(description="Null for records that came without a picture.")
    analyser: str
    analyser_version: str
    label: str = Field(description="The likeliest of the predictions; empty when there is none.")
    predictions: dict[str, float]
    risk_level: str | None
    confidence: float | None
    body_region: str | None
    error: str | None = Field(description="Why there is no result, for staff.")
    is_hidden: bool = Field(description="Whether it waits for an own impression of the image.")
    created_at: datetime
    released_at: datetime | None = Field(description="Since when the patient sees it.")


class Joining(Value):
    """Who joins a care team."""

    user_id: UUID


class EmergencyWish(Value):
    """Whom somebody has to see at once, and why."""

    patient: Annotated[Line, Field(min_length=1, max_length=64, description="MRN, external id or id, exact.")]
    reason: Annotated[Prose, Field(max_length=1000, description="At least 10 characters.")]


JoiningBody = Annotated[Joining, Body(openapi_examples={"colleague": {"value": {"user_id": USER_ID}}})]
_WISH = {"patient": "10442", "reason": "Found unconscious, needs treatment now"}
EmergencyBody = Annotated[EmergencyWish, Body(openapi_examples={"emergency": {"value": _WISH}})]
