"""Image sets: what is asked for, and what services answer with, to staff, to reviewers and to guests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field

from imgcore.domain.values import Line, Name, Prose, Value
from imgcore.texts import _, ngettext

MOST_IMAGES = 500
LONGEST_COMMENT = 2_000
MOST_DAYS = 30

Purpose = Literal["record", "teaching", "publication"]
Withheld = Literal["", "consent", "trash", "moved", "identity"]
HashState = Literal["same", "incomplete", "different"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class NewImageSet(Value):
    """A set to make; the images keep the order in which they are named."""

    name: Name
    purpose: Purpose
    note: Annotated[Prose, Field(max_length=2_000)] = ""
    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IMAGES)]


class NewShare(Value):
    """A link to make; ``label`` says for whom it is."""

    label: Name
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7


class Comment(Value):
    """What a guest answers, once."""

    name: Annotated[Line, Field(min_length=1, max_length=255)]
    text: Annotated[Prose, Field(min_length=1, max_length=LONGEST_COMMENT)]


@dataclass(frozen=True)
class ImageSet:
    """A named list of images, frozen when it was made.

    ``size`` counts the pictures of that day, ``shown`` those that may be shown now. ``hash`` is over places
    and images; ``hash_state`` says whether it still fits: "incomplete" once images were removed for good.
    """

    id: UUID
    name: str
    purpose: Purpose
    note: str
    created_at: datetime
    created_by: UUID | None
    created_by_name: str
    size: int
    shown: int
    hash: str
    hash_state: HashState
    comments: int = 0

    @property
    def withheld(self) -> int:
        """How many pictures of the set are not shown."""
        return self.size - self.shown


@dataclass(frozen=True)
class SetItem:
    """One picture of a set; ``withheld`` says why it is not shown, ``category`` is its label.

    Only staff are told of what is withheld, and which image of which patient it is.
    """

    place: int
    pseudonym: str
    category: str = ""
    image_type: str = ""
    body_location: str = ""
    laterality: str | None = None
    width: int = 0
    height: int = 0
    withheld: Withheld = ""
    image_id: UUID | None = None
    patient_id: UUID | None = None


@dataclass(frozen=True)
class Made:
    """A set that was just made, and how many identity documents were left out of it."""

    image_set: ImageSet
    left_out: int


@dataclass(frozen=True)
class Reviewer:
    """Somebody whom a set can be given."""

    user_id: UUID
    name: str
    email: str


@dataclass(frozen=True)
class Given:
    """That a reviewer has a set, and until when."""

    user_id: UUID
    name: str
    email: str
    given_at: datetime
    ends_at: datetime | None
    has_ended: bool


@dataclass(frozen=True)
class Share:
    """A link to a set for one guest, and what the guest answered."""

    id: UUID
    image_set_id: UUID
    label: str
    state: Literal["open", "expired", "revoked", "locked"]
    created_at: datetime
    created_by: UUID | None
    created_by_name: str
    expires_at: datetime
    opened_at: datetime | None
    comment: str
    comment_by: str
    commented_at: datetime | None


@dataclass(frozen=True)
class NewLink:
    """A link that was just made; token and PIN are known only here."""

    share: Share
    token: str
    pin: str


@dataclass(frozen=True)
class Ticket:
    """What lets a guest look for a while: the share that was opened, and a signed value for the cookie."""

    share_id: UUID
    value: str
    expires_at: datetime


@dataclass(frozen=True)
class Shared:
    """What a guest sees of a set."""

    share_id: UUID
    name: str
    note: str
    size: int
    items: tuple[SetItem, ...]
    expires_at: datetime
    has_answered: bool


def pictures_of(shown: int, size: int) -> str:
    """Say how many pictures of a set are shown: "12 of 14 pictures; 2 are withheld"."""
    if shown == size:
        return ngettext("{count} picture", "{count} pictures", size)
    withheld = ngettext("{count} is withheld", "{count} are withheld", size - shown)
    return _("{shown} of {size} pictures; {withheld}").format(shown=shown, size=size, withheld=withheld)
