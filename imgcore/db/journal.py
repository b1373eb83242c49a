"""Tables of what happened and of work under way: audit lines, undo entries, jobs, image sets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import Field

from imgcore.db.tables import BigInt, Table


class Event(Table, table=True):
    """An audit line, for ever; it holds ids, names of fields and counts, never what people typed.

    Rows are only ever added; triggers refuse any change but the one that seals a line.
    """

    __table_args__ = (
        sa.Index(None, "patient_id", "at"),
        sa.Index(None, "actor_id", "at"),
        sa.Index(None, "action", "at"),
        sa.Index(None, "outcome", "at"),
        sa.Index(None, "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    at: datetime
    actor_id: UUID | None = None
    action: str = Field(max_length=40)
    outcome: str = Field(default="done", max_length=10)
    patient_id: UUID | None = None
    entity: str = Field(default="", max_length=20)
    entity_ids: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    field_names: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    count: int = 0
    address: str = Field(default="", max_length=64)
    request_id: str = Field(default="", max_length=36)
    seal: int | None = Field(default=None, sa_type=BigInt, unique=True)  # place in the chain, from 1
    chain: str | None = Field(default=None, max_length=64)  # hash over the line and the one before


class EventImage(Table, table=True):
    """Which images an audit line across patients names; a trigger writes it with the line."""

    __tablename__: ClassVar[str] = "event_image"
    __table_args__ = ({"sqlite_with_rowid": False},)

    image_id: UUID = Field(primary_key=True)
    event_id: int = Field(primary_key=True, sa_type=BigInt)


class Change(Table, table=True):
    """One thing that a person did, with what stood there before, so that it can be undone.

    ``rows`` is a list of ``{"table", "id", "before", "after"}``; a trash or restore names only
    its top rows, since every row that went along carries the id of the change.
    """

    __table_args__ = (
        sa.Index(None, "actor_id", "at"),
        sa.Index(None, "patient_id", "at"),
        sa.Index(None, "expires_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    at: datetime
    actor_id: UUID | None = None
    action: str = Field(max_length=40)
    patient_id: UUID | None = None
    rows: list[dict[str, Any]] = Field(default_factory=list, sa_type=sa.JSON)
    reason: str = Field(default="", sa_type=sa.Text)  # as typed, where a reason is asked for
    undone_by: UUID | None = None
    expires_at: datetime


class ImageSet(Table, table=True):
    """A named list of images, frozen before anybody outside the care team works on it."""

    __tablename__: ClassVar[str] = "image_set"
    __table_args__ = (sa.CheckConstraint("purpose IN ('record', 'teaching', 'publication')", name="purpose"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = Field(max_length=255)
    purpose: str = Field(default="record", max_length=12)  # the consent that every patient in it gave
    note: str = Field(default="", sa_type=sa.Text)
    created_at: datetime
    created_by: UUID | None = Field(default=None, foreign_key="user.id")
    frozen_at: datetime | None = None
    hash: str | None = Field(default=None, max_length=64)
    size: int = 0  # how many images it was frozen with


class ImageSetItem(Table, table=True):
    """One image of a set, in its place; it goes when the image is removed for good.

    ``patient_id`` is whose image it was when the set was frozen.
    """

    __tablename__: ClassVar[str] = "image_set_item"

    image_set_id: UUID = Field(foreign_key="image_set.id", primary_key=True)
    image_id: UUID = Field(foreign_key="image.id", primary_key=True, index=True, ondelete="CASCADE")
    patient_id: UUID
    place: int
    pseudonym: str = Field(default="", max_length=40)


class GivenSet(Table, table=True):
    """That a reviewer was given an image set, and until when."""

    __tablename__: ClassVar[str] = "given_set"

    image_set_id: UUID = Field(foreign_key="image_set.id", primary_key=True)
    user_id: UUID = Field(foreign_key="user.id", primary_key=True, index=True)
    given_at: datetime
    given_by: UUID | None = Field(default=None, foreign_key="user.id")
    ends_at: datetime | None = None


class Share(Table, table=True):
    """A link by which a guest opens an image set, with a PIN; their one answer is kept here."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    image_set_id: UUID = Field(foreign_key="image_set.id", index=True)
    label: str = Field(default="", max_length=255)  # for whom it is
    token_hash: str = Field(max_length=64, unique=True)
    pin_hash: str = Field(max_length=255)
    wrong_pins: int = 0
    created_at: datetime
    created_by: UUID | None = Field(default=None, foreign_key="user.id")
    expires_at: datetime
    revoked_at: datetime | None = None
    opened_at: datetime | None = None
    comment: str = Field(default="", sa_type=sa.Text)
    comment_by: str = Field(default="", max_length=255)
    commented_at: datetime | None = None


class Job(Table, table=True):
    """Work that goes on after the request that asked for it; this row alone says how it stands.

    ``ids`` is what it works on, ``result`` what came of it; both hold ids, counts and paths, and
    no words of people. Whoever runs it holds ``leased_until`` ahead of now; past it, it runs again.
    """

    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),
        sa.Index(None, "state", "created_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: str = Field(max_length=40)
    ids: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    state: str = Field(default="waiting", max_length=10)
    progress: int = 0
    total: int = 0
    attempts: int = 0
    leased_until: datetime | None = None
    cancel_asked_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    error: str | None = Field(default=None, sa_type=sa.Text)
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime


class Idempotency(Table, table=True):
    """What one request with an ``Idempotency-Key`` made, so that sending it again makes nothing new.

    ``place`` is the file's place in the request; ``digest`` is over all that was sent for it.
    """

    user_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    place: int = Field(primary_key=True)
    digest: str = Field(max_length=64)
    entity_id: UUID = Field(index=True)
    created_at: datetime


class Setting(Table, table=True):
    """A value that the program keeps about itself."""

    name: str = Field(primary_key=True, max_length=64)
    value: Any = Field(default=None, sa_type=sa.JSON)
    updated_at: datetime
