"""What the interface answers, as the reference shows it; each is read off a record of the services."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, computed_field

from imgcore.api.errors import Problem
from imgcore.api.examples import AT, IMAGE_ID, PATIENT_ID, example
from imgcore.domain import records
from imgcore.domain.access import Role

T = TypeVar("T")
PATIENT_TYPE = "patients.patient"

_BATCH_ID = "7d1f0a52-93b5-4f5e-8a53-9f0c2b7f6e21"
_TIMES = {"version": 1, "created_at": AT, "updated_at": AT}


class Answer(BaseModel):
    """What all answers share: they are read off the attributes of a record."""

    model_config = ConfigDict(from_attributes=True)


class Listed(Answer, Generic[T]):
    """Part of a list; where ``total_is_exact`` is false, there are more than ``total``."""

    items: list[T]
    total: int
    page: int
    page_size: int
    total_pages: int
    next_cursor: str | None = Field(description="Leads to what follows; null at the end.")
    total_is_exact: bool


class Token(Answer):
    """A token for programs, to be sent as ``Authorization: Bearer ...``."""

    model_config = example(access_token="eyJhbGciOiJIUzI1NiJ9...", token_type="bearer", expires_in=3600)

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds.")


class Me(Answer):
    """Who is signed in."""

    model_config = example(
        id="5f0f6a4e-0f5b-4a52-8f34-6f0b9a7c1d43", email="vera@clinic.example", name="Vera Lang",
        role="clinician", patient_id=None,
    )  # fmt: skip

    id: UUID | None
    email: str
    name: str
    role: Role
    patient_id: UUID | None


class User(Answer):
    """A person who can sign in."""

    model_config = example(
        id="5f0f6a4e-0f5b-4a52-8f34-6f0b9a7c1d43", email="vera@clinic.example", name="Vera Lang",
        role="clinician", is_active=True, patient_id=None, has_password=False, created_at=AT, updated_at=AT,
    )  # fmt: skip

    id: UUID
    email: str
    name: str
    role: Role
    is_active: bool
    patient_id: UUID | None
    has_password: bool
    created_at: datetime
    updated_at: datetime


class AddedUser(BaseModel):
    """A person who was just added; ``link`` sets the first password, once, within a day."""

    user: User
    link: str | None = Field(examples=["/auth/link/Zk3x..."])


class Consent(Answer):
    """What a patient agreed to for one purpose, and whether it was withdrawn."""

    given_on: date | None
    withdrawn_on: date | None


_NO_CONSENT = {"given_on": None, "withdrawn_on": None}
PATIENT: dict[str, Any] = {
    "id": PATIENT_ID, "name": "Ada Novak", "mrn": "10442", "external_id": "his-77", "birth_on": "1961-04-12",
    "sex": "female", "notes": "", "consent_record": {"given_on": "2025-11-06", "withdrawn_on": None},
    "consent_teaching": _NO_CONSENT, "consent_publication": _NO_CONSENT, "trashed_at": None, **_TIMES,
}  # fmt: skip


class Patient(Answer):
    """A person whose photographs are kept."""

    model_config = example(**PATIENT)

    id: UUID
    name: str
    mrn: str | None
    external_id: str | None
    birth_on: date | None
    sex: str
    notes: str
    consent_record: Consent
    consent_teaching: Consent
    consent_publication: Consent
    version: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None


class Counts(Answer):
    """How much is kept of one patient, the trash left out; sizes are in bytes."""

    model_config = example(batches=3, images=48, file_size=151_000_000, uncategorised=5, last_upload_at=AT)

    batches: int
    images: int
    file_size: int
    uncategorised: int
    last_upload_at: datetime | None


class Batch(Answer):
    """Photographs of one patient taken together."""

    model_config = example(
        id=_BATCH_ID, patient_id=PATIENT_ID, visit_id=None, name="6 Nov 2025", taken_on="2025-11-06",
        image_count=2, uncategorised=1, file_size=6_291_456, cover_ids=[IMAGE_ID], trashed_at=None,
        content_type=PATIENT_TYPE, object_id=PATIENT_ID, **_TIMES,
    )  # fmt: skip

    id: UUID
    patient_id: UUID
    visit_id: UUID | None
    name: str
    taken_on: date
    image_count: int
    uncategorised: int = Field(description="How many of its images have no category yet.")
    file_size: int
    cover_ids: list[UUID] = Field(description="Its first three images.")
    version: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def content_type(self) -> str:
        """What the batch belongs to."""
        return PATIENT_TYPE

    @computed_field  # type: ignore[prop-decorator]
    @property
    def object_id(self) -> UUID:
        """The patient that the batch belongs to."""
        return self.patient_id


class ImageIds(BaseModel):
    """The ids of a batch's images."""

    model_config = example(ids=[IMAGE_ID])

    ids: list[UUID]


class Urls(BaseModel):
    """Where the bytes of an image are."""

    thumbnail: str
    display: str
    download: str


class Image(Answer):
    """One photograph and all that is known of it; pixels are after the camera's turn."""

    model_config = example(
        id=IMAGE_ID, batch_id=_BATCH_ID, batch=_BATCH_ID, patient_id=PATIENT_ID, state="ready",
        original_name="IMG_2682.heic", key=f"images/{PATIENT_ID}/{_BATCH_ID}/{IMAGE_ID}.heic",
        s3_key=f"images/{PATIENT_ID}/{_BATCH_ID}/{IMAGE_ID}.heic",
        s3_thumbnail_key=f"images/{PATIENT_ID}/{_BATCH_ID}/{IMAGE_ID}_thumb.jpg", thumbnail_size=14_203,
        mime_type="image/heic", file_size=880_703, width=3024, height=4032, sha256="9f86d0..." + "0" * 8,
        crc32=3_632_233_996, category="r_anterior", caption="Before casting", image_type="",
        body_location="Right foot", laterality="R", description="", is_primary=False, order=1,
        captured_at="2025-11-06T10:28:11", captured_offset="+01:00", date_taken="2025-11-06",
        camera_make="Apple", camera_model="iPhone 15", uploaded_at=AT, updated_at=AT, version=2,
        edit_revision=0, duplicate_of=None, browser_shows=False, damaged_at=None, trashed_at=None,
        urls={
            "thumbnail": f"/api/images/{IMAGE_ID}/thumbnail/?v=0",
            "display": f"/api/images/{IMAGE_ID}/display/",
            "download": f"/api/images/{IMAGE_ID}/download/",
        },
    )  # fmt: skip

    id: UUID
    batch_id: UUID
    patient_id: UUID
    original_name: str
    key: str
    mime_type: str
    file_size: int
    thumbnail_size: int
    width: int
    height: int
    sha256: str
    crc32: int
    category: str
    caption: str
    image_type: str
    body_location: str
    laterality: str | None
    description: str
    is_primary: bool
    order: int
    captured_at: datetime | None = Field(description="The camera's local time, as it wrote it.")
    captured_offset: str | None
    date_taken: date | None
    camera_make: str | None
    camera_model: str | None
    uploaded_at: datetime
    updated_at: datetime
    version: int
    edit_revision: int
    duplicate_of: UUID | None = Field(description="An image of the same patient with the same bytes.")
    browser_shows: bool
    damaged_at: datetime | None
    trashed_at: datetime | None
    state: Literal["ready"] = "ready"
    thumbnail_key: str = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def batch(self) -> UUID:
        """The batch that the image is in."""
        return self.batch_id

    @computed_field  # type: ignore[prop-decorator]
    @property
    def s3_key(self) -> str:
        """Where the original is in the store."""
        return self.key

    @computed_field  # type: ignore[prop-decorator]
    @property
    def s3_thumbnail_key(self) -> str:
        """Where the thumbnail is in the store."""
        return self.thumbnail_key

    @computed_field  # type: ignore[prop-decorator]
    @property
    def urls(self) -> Urls:
        """Where the bytes are; the thumbnail's address changes with the picture."""
        place = f"/api/images/{self.id}"
        return Urls(
            thumbnail=f"{place}/thumbnail/?v={self.edit_revision}",
            display=f"{place}/display/",
            download=f"{place}/download/",
        )


class UploadedImage(Image):
    """An image as an upload answers it."""

    already_there: bool = Field(
        description="The batch had an image with the same bytes: this one. `duplicate_of` is then its own id."
    )


class FailedFile(Answer):
    """A file that was not stored, and why."""

    model_config = example(
        name="scan.pdf", code="unsupported_type", message="This is not a picture.", can_retry=False
    )

    name: str
    code: str
    message: str
    can_retry: bool = Field(description="Whether sending the same file again can help.")


class UploadAnswer(BaseModel):
    """What became of every file of an upload; ``error`` is there when nothing was stored."""

    uploaded: list[UploadedImage]
    failed: list[FailedFile]
    error: Problem | None = None


class Done(BaseModel):
    """How many images a request for many has changed, and the change to undo it by."""

    model_config = example(count=12, change_id="e3b0c442-98fc-4c14-9afb-4c8996fb9242")

    count: int
    change_id: UUID | None = Field(description="Null when nothing was different from before.")


class Undone(BaseModel):
    """What was taken back."""

    model_config = example(undone="image.edit")

    undone: str


class SignedUrl(BaseModel):
    """A link that gives one picture to whoever has it, for a short time."""

    model_config = example(
        url=f"/files/{IMAGE_ID}/original?user=5f0f6a4e-0f5b-4a52-8f34-6f0b9a7c1d43&exp=1762421700&sig=4c1d...",
        expires_in=300,
    )

    url: str
    expires_in: int = Field(description="Seconds.")


class TrashItem(Answer):
    """A patient, batch or image in the trash, with what went along with it."""

    model_config = example(
        kind="batch", id=_BATCH_ID, patient_id=PATIENT_ID, patient_name="Ada Novak", name="6 Nov 2025",
        image_count=2, trashed_at=AT, trashed_by="Vera Lang", gone_at="2025-12-06T09:30:00Z",
        cover_ids=[IMAGE_ID],
    )  # fmt: skip

    kind: str
    id: UUID
    patient_id: UUID
    patient_name: str
    name: str
    image_count: int
    trashed_at: datetime
    trashed_by: str
    gone_at: datetime = Field(description="When it is deleted for good.")
    cover_ids: list[UUID]


class Health(BaseModel):
    """That the server runs, or that all its parts work."""

    model_config = example(status="ok")

    status: Literal["ok"] = "ok"


def uploaded(stored: records.Stored) -> UploadedImage:
    """Return what an upload answers for one file that is in the clinic now."""
    values = {**vars(stored.image), "already_there": stored.already_there}
    if stored.already_there:
        values["duplicate_of"] = stored.image.id
    return UploadedImage.model_validate(values)
