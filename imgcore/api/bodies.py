"""What requests may hold, beyond the values of the domain."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Body
from pydantic import Field, model_validator

from imgcore.api.calls import Ref
from imgcore.api.examples import PATIENT_ID
from imgcore.domain.links import LONGEST_SECONDS
from imgcore.domain.values import (
    BatchFields,
    Day,
    ImageFields,
    Line,
    Name,
    NewBatch,
    NewPatient,
    NewUser,
    PatientFields,
    UserFields,
    Value,
)
from imgcore.services.images import MOST_AT_ONCE

PatientType = Literal["patients.patient"]
FileKind = Literal["thumbnail", "display", "compressed", "original"]
ImageIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]
Reason = Annotated[Line, Field(max_length=1000, description="Why; needed when the patient changes.")]

_BATCH_ID = "7d1f0a52-93b5-4f5e-8a53-9f0c2b7f6e21"
_IMAGE_IDS = ["c2a4e7f8-5b0e-4f59-b1c7-3d9a8e6f0b32"]


class OfPatient(Value):
    """Names a patient, in either of two ways."""

    patient_id: Ref | None = None
    content_type: PatientType | None = None
    object_id: Ref | None = None

    @property
    def patient_ref(self) -> str | None:
        """The patient that was named."""
        return self.patient_id or self.object_id

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if self.patient_id and self.object_id:
            raise ValueError("name the patient once, by patient_id or by object_id")
        return self


class BatchToAdd(OfPatient, NewBatch):
    """A batch to add; without a name it is called by its day, and without a day it is today's."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.patient_ref is None:
            raise ValueError("name the patient by patient_id, or by content_type and object_id")
        return self


class BatchToPut(OfPatient):
    """All of a batch that can be changed; the patient may be named, and stays the same."""

    name: Name
    taken_on: Day | None = None


class BatchMove(Value):
    """Where a batch goes."""

    patient_id: Ref
    reason: Reason


class ImageSelection(Value):
    """Which images are meant."""

    image_ids: ImageIds


class ImagesEdit(ImageSelection):
    """The same change to many images; captions, order and the primary mark are set one at a time."""

    fields: ImageFields


class ImagesMove(ImageSelection):
    """Where images go."""

    batch_id: UUID
    reason: Reason = ""


class UndoWish(Value):
    """Which change to take back; the caller's latest when none is named."""

    change_id: UUID | None = None


class LinkWish(Value):
    """Which form of a picture a link is for, and for how long (seconds)."""

    kind: FileKind = "original"
    seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)] = LONGEST_SECONDS


def _examples(**named: Any) -> Any:
    return Body(openapi_examples={name.replace("_", " "): {"value": value} for name, value in named.items()})


_TODAY = date(2025, 11, 6).isoformat()
_EDIT = {"category": "r_anterior", "date_taken": _TODAY}

NewPatientBody = Annotated[
    NewPatient, _examples(shortest={"name": "Ada Novak"}, usual={"name": "Ada Novak", "mrn": "10442"})
]
PatientBody = Annotated[
    PatientFields,
    _examples(number={"mrn": "10443"}, consent={"consent_teaching": {"given_on": _TODAY}}),
]
NewUserBody = Annotated[
    NewUser, _examples(invited={"email": "vera@clinic.example", "name": "Vera Lang", "role": "clinician"})
]
UserBody = Annotated[UserFields, _examples(closed={"is_active": False}, role={"role": "reviewer"})]
NewBatchBody = Annotated[
    BatchToAdd,
    _examples(
        by_patient={"name": "Before casting", "patient_id": PATIENT_ID, "taken_on": _TODAY},
        by_object={"name": "Feet", "content_type": "patients.patient", "object_id": PATIENT_ID},
    ),
]
BatchBody = Annotated[BatchFields, _examples(name={"name": "After casting"}, day={"taken_on": _TODAY})]
PutBatchBody = Annotated[BatchToPut, _examples(whole={"name": "After casting", "taken_on": _TODAY})]
MoveBatchBody = Annotated[
    BatchMove, _examples(moved={"patient_id": PATIENT_ID, "reason": "Uploaded to the wrong patient"})
]
ImageBody = Annotated[ImageFields, _examples(category=_EDIT, caption={"caption": "Before casting"})]
ImagesEditBody = Annotated[ImagesEdit, _examples(category={"image_ids": _IMAGE_IDS, "fields": _EDIT})]
ImagesMoveBody = Annotated[ImagesMove, _examples(moved={"image_ids": _IMAGE_IDS, "batch_id": _BATCH_ID})]
SelectionBody = Annotated[ImageSelection, _examples(some={"image_ids": _IMAGE_IDS})]
LinkBody = Annotated[LinkWish | None, _examples(original={"kind": "original", "seconds": 60})]
UndoBody = Annotated[
    UndoWish | None, _examples(latest={}, named={"change_id": "e3b0c442-98fc-4c14-9afb-4c8996fb9242"})
]
