"""Every table of the clinic's database.

Ids are UUIDs made by the program; times are aware UTC, except ``captured_at``, which is the
camera's own clock. Table models do not validate: limits of what people type live in
``imgcore.domain.values``, and the database checks closed lists and ranges by itself.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from pydantic import NaiveDatetime
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

# What lists show. A query must say it letter by letter, or SQLite does not take the indices made for it.
# On PostgreSQL, too, these hold only such rows: the migrations say so. To say it in the tables would
# load all that SQLAlchemy has for PostgreSQL with every start.
LISTED = sa.text("state = 'ready' AND trashed_at IS NULL")
TRASHED = sa.text("trashed_at IS NOT NULL")
# The same, and what is true of every image: SQLite takes these indices for nothing but the dashboard, which
# says so (decision 0021). Without it lists would be read along them.
COUNTED = sa.text("state = 'ready' AND trashed_at IS NULL AND file_size > 0")
BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows by INTEGER only


class Table(SQLModel, registry=registry(metadata=metadata)):
    """What all tables share: one registry of our own, so that a reload never meets itself."""


def _key() -> Any:
    return Field(default_factory=uuid4, primary_key=True)


def _one_of(name: str, column: str, *values: str) -> sa.CheckConstraint:
    accepted = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({accepted})", name=name)


class Patient(Table, table=True):
    """A person whose photographs are kept."""

    __table_args__ = (
        _one_of("sex", "sex", "male", "female", "other", "unknown"),
        sa.Index(None, "search_text", "id", sqlite_where=sa.text("trashed_at IS NULL")),
        sa.Index(None, "trashed_at", "id", sqlite_where=TRASHED),
    )

    id: UUID = _key()
    mrn: str | None = Field(default=None, max_length=64, unique=True)
    external_id: str | None = Field(default=None, max_length=64, unique=True)
    name: str = Field(max_length=255)
    birth_on: date | None = None
    sex: str = Field(default="unknown", max_length=10)
    notes: str = Field(default="", sa_type=sa.Text)
    consent_record_given_on: date | None = None
    consent_record_withdrawn_on: date | None = None
    consent_teaching_given_on: date | None = None
    consent_teaching_withdrawn_on: date | None = None
    consent_publication_given_on: date | None = None
    consent_publication_withdrawn_on: date | None = None
    retention_years: int | None = None  # instead of the clinic's rules; after the last visit
    legal_hold_at: datetime | None = None  # until it is lifted, nothing of the patient goes
    legal_hold_by: UUID | None = None
    legal_hold_reason: str = Field(default="", sa_type=sa.Text)
    search_text: str = Field(default="", sa_type=sa.Text)  # folded name, MRN, birth date; sorts lists too
    version: int = 1
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    trashed_by: UUID | None = None
    change_id: UUID | None = Field(default=None, index=True)


class Visit(Table, table=True):
    """A consultation: what was said and seen on one day, and by whom."""

    __table_args__ = (
        sa.Index(None, "patient_id", "visited_on", "id"),
        sa.Index(None, "visited_on", "id", "patient_id"),
    )

    id: UUID = _key()
    patient_id: UUID = Field(foreign_key="patient.id")
    clinician_id: UUID | None = Field(default=None, foreign_key="user.id", index=True)
    visited_on: date
    note: str = Field(default="", sa_type=sa.Text)
    images_taken: bool = False
    version: int = 1
    created_at: datetime
    updated_at: datetime


class Batch(Table, table=True):
    """Photographs of one patient that were taken together."""

    __table_args__ = (
        sa.Index(None, "patient_id", "taken_on", "id"),
        sa.Index(None, "visit_id"),
        sa.Index(None, "trashed_at", "id", sqlite_where=TRASHED),
    )

    id: UUID = _key()
    patient_id: UUID = Field(foreign_key="patient.id")
    visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    name: str = Field(max_length=255)
    taken_on: date
    version: int = 1
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    trashed_by: UUID | None = None
    change_id: UUID | None = Field(default=None, index=True)


class Image(Table, table=True):
    """One photograph; its bytes lie in the store under ``key`` and never change."""

    __table_args__ = (
        _one_of("state", "state", "pending", "ready", "deleting"),
        _one_of("laterality", "laterality", "L", "R", "B", "U"),
        sa.CheckConstraint("width > 0 AND height > 0 AND file_size > 0", name="extent"),
        sa.Index(None, "batch_id", "order", "id"),
        sa.Index(None, "uploaded_at", "id", sqlite_where=LISTED),
        sa.Index(None, "category", "uploaded_at", "id", sqlite_where=LISTED),
        sa.Index(None, "body_location", "uploaded_at", "id", sqlite_where=LISTED),
        sa.Index(None, "image_type", "uploaded_at", "id", sqlite_where=LISTED),
        sa.Index(None, "date_taken", "id", sqlite_where=LISTED),
        sa.Index(
            "ix_image_figures_of_people",
            "uploaded_by",
            "mime_type",
            "uploaded_at",
            "file_size",
            sqlite_where=COUNTED,
        ),
        sa.Index(
            "ix_image_figures_of_batches",
            "batch_id",
            "uploaded_at",
            "category",
            "uploaded_by",
            "mime_type",
            "file_size",
            sqlite_where=COUNTED,
        ),
        sa.Index(None, "sha256"),
        sa.Index(
            None,
            "trashed_at",
            "id",
            "change_id",
            sqlite_where=sa.text("state = 'ready' AND trashed_at IS NOT NULL"),
        ),
        sa.Index("ix_image_unfinished", "state", "uploaded_at", sqlite_where=sa.text("state <> 'ready'")),
    )

    id: UUID = _key()
    batch_id: UUID = Field(foreign_key="batch.id")
    original_name: str = Field(max_length=255)
    key: str = Field(max_length=255, unique=True)
    mime_type: str = Field(max_length=50)
    file_size: int = Field(sa_type=BigInt)
    width: int
    height: int
    sha256: str = Field(max_length=64)
    crc32: int = Field(sa_type=BigInt)
    category: str = Field(default="other", max_length=64)
    caption: str = Field(default="", sa_type=sa.Text)
    image_type: str = Field(default="", max_length=100)
    body_location: str = Field(default="", max_length=100)
    laterality: str | None = Field(default=None, max_length=1)
    description: str = Field(default="", sa_type=sa.Text)
    is_primary: bool = False
    order: int = 0
    captured_at: NaiveDatetime | None = None
    captured_offset: str | None = Field(default=None, max_length=6)
    date_taken: date | None = None
    camera_make: str | None = Field(default=None, max_length=100)
    camera_model: str | None = Field(default=None, max_length=100)
    uploaded_at: datetime
    uploaded_by: UUID | None = Field(default=None, foreign_key="user.id")
    updated_at: datetime
    version: int = 1
    state: str = Field(default="pending", max_length=10)
    edit_revision: int = 0
    duplicate_of: UUID | None = None
    browser_shows: bool = True  # whether a browser can draw the original itself
    damaged_at: datetime | None = None  # when a check found the stored bytes missing or changed
    trashed_at: datetime | None = None
    trashed_by: UUID | None = None
    change_id: UUID | None = Field(default=None, index=True)


class Rendition(Table, table=True):
    """A copy of an image made by the program; it can always be made again."""

    __table_args__ = (_one_of("kind", "kind", "thumbnail", "display", "compressed", "analysis"),)

    image_id: UUID = Field(foreign_key="image.id", primary_key=True, ondelete="CASCADE")
    kind: str = Field(primary_key=True, max_length=10)
    edit_revision: int = Field(default=0, primary_key=True)
    key: str = Field(max_length=255, unique=True)
    file_size: int
    width: int
    height: int
    crc32: int = Field(sa_type=BigInt)


class Analysis(Table, table=True):
    """What one version of one model said about one image, or why it could not.

    A record that was kept elsewhere before has ``record_id``, the id it had there, and may have no image;
    then ``patient_id`` says whose it is. Else it is of whom the image belongs to now, and ``patient_id`` is
    whom that was when it was made or released.
    """

    __table_args__ = (
        sa.Index(None, "patient_id", "created_at"),
        sa.Index(None, "image_id", "created_at"),
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "risk_level", "created_at", "id"),
        sa.Index(None, "body_region", "created_at", "id"),
        sa.Index(None, "analyser", "analyser_version", "created_at", "id"),
        sa.Index(None, "input_sha256"),
        sa.UniqueConstraint("patient_id", "record_id"),
    )

    id: UUID = _key()
    patient_id: UUID = Field(foreign_key="patient.id")
    image_id: UUID | None = Field(default=None, foreign_key="image.id")
    analyser: str = Field(max_length=100)
    analyser_version: str = Field(max_length=50)
    model_sha256: str | None = Field(default=None, max_length=64)
    input_sha256: str = Field(max_length=64)  # of the analysis copy; empty when that is not known
    predictions: dict[str, float] | None = Field(default=None, sa_type=sa.JSON)
    risk_level: str | None = Field(default=None, max_length=20)
    confidence: float | None = None
    body_region: str | None = Field(default=None, max_length=100)
    duration_ms: int | None = None
    error: str | None = Field(default=None, sa_type=sa.Text)
    released_at: datetime | None = None
    released_by: UUID | None = Field(default=None, foreign_key="user.id")
    record_id: str | None = Field(default=None, max_length=100)
    created_at: datetime
    updated_at: datetime


class Impression(Table, table=True):
    """What a clinician thought of an image; it is never changed, a later one stands beside it."""

    __table_args__ = (
        sa.Index(None, "image_id", "user_id"),
        sa.Index(None, "patient_id"),
    )

    id: UUID = _key()
    image_id: UUID = Field(foreign_key="image.id", ondelete="CASCADE")
    patient_id: UUID = Field(foreign_key="patient.id")
    user_id: UUID = Field(foreign_key="user.id", index=True)
    text: str = Field(default="", sa_type=sa.Text)
    risk_level: str | None = Field(default=None, max_length=20)
    created_at: datetime


class User(Table, table=True):
    """Somebody who can sign in."""

    __table_args__ = (_one_of("role", "role", "admin", "clinician", "reviewer", "patient"),)

    id: UUID = _key()
    email: str = Field(max_length=254, unique=True)  # lower case
    name: str = Field(max_length=255)
    role: str = Field(max_length=10)
    password_hash: str | None = Field(default=None, max_length=255)
    is_active: bool = True
    patient_id: UUID | None = Field(default=None, foreign_key="patient.id")
    token_version: int = 1  # raised to end every token at once
    oidc_subject: str | None = Field(default=None, max_length=255, unique=True)  # at the outer sign-in
    created_at: datetime
    updated_at: datetime


class UserSession(Table, table=True):
    """One browser that somebody signed in with; the token itself is never stored."""

    __tablename__: ClassVar[str] = "session"

    id: UUID = _key()
    user_id: UUID = Field(foreign_key="user.id", index=True)
    token_hash: str = Field(max_length=64, unique=True)
    address: str = Field(default="", max_length=64)
    browser: str = Field(default="", max_length=255)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class AccessToken(Table, table=True):
    """A token for a program of somebody's, with what it may do and until when."""

    __tablename__: ClassVar[str] = "access_token"

    id: UUID = _key()
    user_id: UUID = Field(foreign_key="user.id", index=True)
    name: str = Field(max_length=100)
    token_hash: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    created_at: datetime
    used_at: datetime | None = None
    expires_at: datetime
    revoked_at: datetime | None = None


class OneTimeLink(Table, table=True):
    """An invitation or a way back in, good for one use."""

    __tablename__: ClassVar[str] = "one_time_link"

    id: UUID = _key()
    user_id: UUID = Field(foreign_key="user.id", index=True)
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime
    created_by: UUID | None = None
    expires_at: datetime
    used_at: datetime | None = None


class SignInTry(Table, table=True):
    """A wrong password; whose is kept only as a keyed hash. Rows go after a day."""

    __tablename__: ClassVar[str] = "sign_in_try"
    __table_args__ = (sa.Index(None, "account_hash", "address", "at"), sa.Index(None, "address", "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    at: datetime
    account_hash: str = Field(max_length=64)
    address: str = Field(max_length=64)


class RetentionRule(Table, table=True):
    """How many years after a patient's last visit images go, all or those of one category."""

    __tablename__: ClassVar[str] = "retention_rule"
    __table_args__ = (sa.CheckConstraint("years > 0", name="years"),)

    id: UUID = _key()
    category: str | None = Field(default=None, max_length=64, unique=True)  # None: every other one
    years: int
    created_at: datetime
    created_by: UUID | None = Field(default=None, foreign_key="user.id")


class CareTeam(Table, table=True):
    """That a person looks after a patient."""

    __tablename__: ClassVar[str] = "care_team"

    patient_id: UUID = Field(foreign_key="patient.id", primary_key=True)
    user_id: UUID = Field(foreign_key="user.id", primary_key=True, index=True)
    joined_at: datetime
    ends_at: datetime | None = None
    reason: str = Field(default="", sa_type=sa.Text)
    is_break_glass: bool = False
