"""What the interface takes and answers about consultations, which are the clinic's visits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, computed_field

from imgcore.api.calls import Ref
from imgcore.api.examples import AT, IMAGE_ID, PATIENT_ID
from imgcore.api.schemas import Answer, Image
from imgcore.domain import records
from imgcore.domain.values import ImageFields, NewVisit, VisitFields

_VISIT_ID = "3d3f9c57-7a52-4f0e-9a0c-6b3c1f1a7e54"
_CLINICIAN_ID = "5f0f6a4e-0f5b-4a52-8f34-6f0b9a7c1d43"
_BATCH_ID = "7d1f0a52-93b5-4f5e-8a53-9f0c2b7f6e21"
_NOTE = "Pain at the **left heel** in the morning, for three weeks."


class Consultation(Answer):
    """What was said and seen on one day, by whom; its images are asked for apart."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": _VISIT_ID, "patient_id": PATIENT_ID, "clinician_id": _CLINICIAN_ID,
                    "clinician_name": "Vera Lang", "visited_on": "2025-11-06", "note": _NOTE,
                    "images_taken": True, "image_count": 2, "batch_ids": [_BATCH_ID], "version": 1,
                    "created_at": AT, "updated_at": AT,
                }
            ]
        },
    )  # fmt: skip

    id: UUID
    patient_id: UUID
    clinician_id: UUID | None
    clinician_name: str
    visited_on: date
    note: str = Field(description="Markdown; empty for patients.")
    images_taken: bool = Field(description="True once an image was stored.")
    image_count: int
    batch_ids: list[UUID] = Field(description="The batches that its images are in.")
    version: int
    created_at: datetime
    updated_at: datetime


class ConsultationImage(Image):
    """One photograph of a consultation, and all that is known of it."""

    visit_id: UUID = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def consultation_id(self) -> UUID:
        """The consultation that it belongs to."""
        return self.visit_id

    @computed_field  # type: ignore[prop-decorator]
    @property
    def image_url(self) -> str:
        """Where a picture is that browsers can draw."""
        return self.urls.display

    @computed_field  # type: ignore[prop-decorator]
    @property
    def thumbnail_url(self) -> str:
        """Where the small picture is."""
        return self.urls.thumbnail

    @computed_field  # type: ignore[prop-decorator]
    @property
    def original_filename(self) -> str:
        """How the file was called."""
        return self.original_name

    @computed_field  # type: ignore[prop-decorator]
    @property
    def created_at(self) -> datetime:
        """When it was stored."""
        return self.uploaded_at


class ConsultationImages(BaseModel):
    """Part of the images of a consultation."""

    images: list[ConsultationImage]
    total: int
    page: int
    page_size: int
    total_pages: int


class AddedImage(BaseModel):
    """An image that is stored now, or was there already."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": IMAGE_ID, "image_url": f"/api/images/{IMAGE_ID}/display/",
                    "thumbnail_url": f"/api/images/{IMAGE_ID}/thumbnail/?v=0",
                    "message": "The image is stored.",
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    image_url: str
    thumbnail_url: str
    message: str


class ConsultationToAdd(NewVisit):
    """A consultation to add: today and the caller's, unless it says otherwise."""

    patient_id: Ref


NewConsultationBody = Annotated[
    ConsultationToAdd,
    Body(
        openapi_examples={
            "shortest": {"value": {"patient_id": PATIENT_ID}},
            "with a note": {"value": {"patient_id": PATIENT_ID, "visited_on": "2025-11-06", "note": _NOTE}},
        }
    ),
]
ConsultationBody = Annotated[
    VisitFields,
    Body(
        openapi_examples={"note": {"value": {"note": _NOTE}}, "day": {"value": {"visited_on": "2025-11-06"}}}
    ),
]
ConsultationImageBody = Annotated[
    ImageFields,
    Body(
        openapi_examples={
            "primary": {"value": {"is_primary": True}},
            "place": {"value": {"body_location": "Left heel", "image_type": "Close-up"}},
        }
    ),
]


def image_of(record: records.Image) -> ConsultationImage:
    """Return what is answered of an image that belongs to a consultation."""
    return ConsultationImage.model_validate(record)
