"""What services answer with: frozen pictures of the clinic's records at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

from imgcore.domain.access import Role

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list: ``page`` counts from 1; ``next_cursor`` leads to what follows, if anything."""

    items: tuple[T, ...]
    total: int
    page: int
    page_size: int
    next_cursor: str | None = None
    total_is_exact: bool = True

    @property
    def total_pages(self) -> int:
        """How many pages there are; 0 for an empty list."""
        return -(-self.total // self.page_size)


@dataclass(frozen=True)
class User:
    """A person who can sign in."""

    id: UUID
    email: str
    name: str
    role: Role
    is_active: bool
    patient_id: UUID | None
    has_password: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Consent:
    """What a patient agreed to for one purpose, and whether it was withdrawn."""

    given_on: date | None = None
    withdrawn_on: date | None = None

    @property
    def holds(self) -> bool:
        """Whether the consent stands today."""
        return self.given_on is not None and self.withdrawn_on is None


@dataclass(frozen=True)
class Patient:
    """A person whose photographs are kept."""

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
    trashed_at: datetime | None = None
    retention_years: int | None = None
    is_held: bool = False


@dataclass(frozen=True)
class Counts:
    """How much is kept of one patient, the trash left out."""

    batches: int
    images: int
    file_size: int = 0
    uncategorised: int = 0
    last_upload_at: datetime | None = None


@dataclass(frozen=True)
class Batch:
    """Photographs of one patient taken together; ``cover_ids`` are its first three images.

    ``last_order`` is the highest place in use, the trash counted in.
    """

    id: UUID
    patient_id: UUID
    visit_id: UUID | None
    name: str
    taken_on: date
    image_count: int
    uncategorised: int
    file_size: int
    last_order: int
    cover_ids: tuple[UUID, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None


@dataclass(frozen=True)
class Visit:
    """A consultation; ``note`` is Markdown and empty for patients, ``cover_ids`` are its first three images.

    Its images are those of its batches; ``batch_ids`` has the oldest first.
    """

    id: UUID
    patient_id: UUID
    clinician_id: UUID | None
    clinician_name: str
    visited_on: date
    note: str
    images_taken: bool
    image_count: int
    batch_ids: tuple[UUID, ...]
    cover_ids: tuple[UUID, ...]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Image:
    """One photograph and all that is known of it; pixels are after the camera's turn."""

    id: UUID
    batch_id: UUID
    visit_id: UUID | None
    patient_id: UUID
    original_name: str
    key: str
    thumbnail_key: str
    thumbnail_size: int
    mime_type: str
    file_size: int
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
    captured_at: datetime | None
    captured_offset: str | None
    date_taken: date | None
    camera_make: str | None
    camera_model: str | None
    uploaded_at: datetime
    updated_at: datetime
    version: int
    edit_revision: int
    duplicate_of: UUID | None
    browser_shows: bool
    damaged_at: datetime | None
    trashed_at: datetime | None = None


@dataclass(frozen=True)
class Stored:
    """What became of one uploaded file: stored now, or already there with the same bytes."""

    image: Image
    already_there: bool = False


@dataclass(frozen=True)
class Refused:
    """An uploaded file that was not stored, and why."""

    name: str
    code: str
    message: str
    can_retry: bool = False


@dataclass(frozen=True)
class Received:
    """What became of all files of one upload, in the order they were sent."""

    uploaded: tuple[Stored, ...]
    failed: tuple[Refused, ...]


@dataclass(frozen=True)
class TrashItem:
    """A patient, batch or image in the trash, with what went along with it."""

    kind: str
    id: UUID
    patient_id: UUID
    patient_name: str
    name: str
    image_count: int
    trashed_at: datetime
    trashed_by: str
    gone_at: datetime
    cover_ids: tuple[UUID, ...] = field(default=())


@dataclass(frozen=True)
class Colleague:
    """Somebody of the clinic who can be in a care team."""

    user_id: UUID
    name: str
    role: Role


@dataclass(frozen=True)
class Member:
    """Somebody who looks after a patient; by emergency access (``is_break_glass``) only until ``ends_at``.

    ``is_active`` is false once that has ended, or the account is closed.
    """

    user_id: UUID
    name: str
    joined_at: datetime
    ends_at: datetime | None
    reason: str
    is_break_glass: bool
    is_active: bool


@dataclass(frozen=True)
class Team:
    """Who looks after a patient, and who else could."""

    patient_id: UUID
    members: tuple[Member, ...]
    colleagues: tuple[Colleague, ...]


@dataclass(frozen=True)
class Emergency:
    """A patient whom somebody reached in an emergency, and until when."""

    patient: Patient
    ends_at: datetime


@dataclass(frozen=True)
class Result:
    """What an analysis said about an image; the patient sees it once it is released.

    ``label`` is the likeliest of ``predictions``; ``error`` says why there is none. ``is_hidden``: it is not
    shown to this person until they have recorded an own impression of the image. A result that was kept
    elsewhere before may have no image. Who sees it in an image set that was given to them is told its
    ``pseudonym`` and ``place`` there, and neither patient nor image nor any day.
    """

    id: UUID
    patient_id: UUID | None
    image_id: UUID | None
    analyser: str
    analyser_version: str
    label: str
    predictions: Mapping[str, float]
    risk_level: str | None
    confidence: float | None
    body_region: str | None
    error: str | None
    created_at: datetime | None
    released_at: datetime | None
    model_sha256: str | None = None
    duration_ms: int | None = None
    record_id: str | None = None
    is_hidden: bool = False
    image_set_id: UUID | None = None
    pseudonym: str = ""
    place: int | None = None
