"""What the interface takes and answers for image sets and the links to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body
from pydantic import AwareDatetime, Field, computed_field

from imgcore.api.examples import AT, IMAGE_ID, PATIENT_ID, USER_ID, example
from imgcore.api.schemas import Answer, Listed
from imgcore.domain import sets
from imgcore.domain.sets import HashState, NewImageSet, NewShare, Purpose, Withheld
from imgcore.domain.values import Value

_SET_ID = "3f1c9b77-2d64-4c0e-9a51-7b8e5d2c6f10"
_SHARE_ID = "a9d4e2f1-6c3b-4f7a-8e25-1d0c9b8a7f63"
_LATER = "2025-11-13T09:30:00Z"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SET = {
    "id": _SET_ID, "name": "Heel ulcers, week 45", "purpose": "record", "note": "Is surgery needed?",
    "created_at": AT, "created_by": USER_ID, "created_by_name": "Vera Lang", "size": 14, "shown": 12,
    "withheld": 2, "hash": _HASH, "hash_state": "same", "comments": 0,
}  # fmt: skip
_ITEM = {
    "place": 1, "pseudonym": "P-7K3QXM", "category": "R-Anterior", "image_type": "Photo",
    "body_location": "Heel", "laterality": "R", "width": 4032, "height": 3024, "withheld": "",
    "image_id": IMAGE_ID, "patient_id": PATIENT_ID,
    "urls": {
        "thumbnail": f"/api/image-sets/{_SET_ID}/images/1/thumbnail/",
        "picture": f"/api/image-sets/{_SET_ID}/images/1/picture/",
    },
}  # fmt: skip
_SHARE = {
    "id": _SHARE_ID, "image_set_id": _SET_ID, "label": "Dr Berg", "state": "open", "created_at": AT,
    "created_by": USER_ID, "created_by_name": "Vera Lang", "expires_at": _LATER, "opened_at": None,
    "comment": "", "comment_by": "", "commented_at": None,
}  # fmt: skip


class ImageSet(Answer):
    """Pictures that were put together for others; ``hash_state`` is "same" while nothing has changed."""

    model_config = example(**_SET)

    id: UUID
    name: str
    purpose: Purpose = Field(description="The consent that every patient in it gave.")
    note: str
    created_at: datetime
    created_by: UUID | None
    created_by_name: str
    size: int = Field(description="How many pictures it was frozen with.")
    shown: int = Field(description="How many of them may be shown now.")
    withheld: int
    hash: str = Field(description='SHA-256 over one line for each picture: "<place> <its SHA-256>\\n".')
    hash_state: HashState = Field(description="`incomplete` once images were removed for good.")
    comments: int = Field(description="How many guests have answered; for staff only.")


class ItemUrls(Answer):
    """Where the copies of a picture are; both are without metadata."""

    thumbnail: str
    picture: str


class SetItem(Answer):
    """One picture; ids, and what is withheld and why, are told to staff only."""

    model_config = example(**_ITEM)

    place: int
    pseudonym: str = Field(description="Of the patient, in this set only.")
    category: str = Field(description="The label.")
    image_type: str
    body_location: str
    laterality: str | None
    width: int
    height: int
    withheld: Withheld
    image_id: UUID | None
    patient_id: UUID | None


class PlacedItem(SetItem):
    """One picture, and where its copies are; none while it is withheld."""

    urls: ItemUrls | None


class OneImageSet(ImageSet):
    """A set with part of its pictures."""

    model_config = example(**_SET, images={
        "items": [_ITEM], "total": 14, "page": 1, "page_size": 50, "total_pages": 1, "next_cursor": None,
        "total_is_exact": True,
    })  # fmt: skip

    images: Listed[PlacedItem]


class MadeImageSet(ImageSet):
    """A set that was just made."""

    model_config = example(**_SET, left_out=0)

    left_out: int = Field(description="How many identity documents were left out.")


class Reviewer(Answer):
    """Somebody whom a set can be given."""

    model_config = example(user_id=USER_ID, name="Ron Weber", email="ron@clinic.example")

    user_id: UUID
    name: str
    email: str


class Given(Reviewer):
    """That a reviewer has a set, and until when."""

    model_config = example(
        user_id=USER_ID, name="Ron Weber", email="ron@clinic.example", given_at=AT, ends_at=None,
        has_ended=False,
    )  # fmt: skip

    given_at: datetime
    ends_at: datetime | None
    has_ended: bool


class Share(Answer):
    """A link to a set for one guest, and what the guest answered."""

    model_config = example(**_SHARE)

    id: UUID
    image_set_id: UUID
    label: str
    state: str = Field(description="`open`, `expired`, `revoked`, or `locked` after five wrong PINs.")
    created_at: datetime
    created_by: UUID | None
    created_by_name: str
    expires_at: datetime
    opened_at: datetime | None = Field(description="When it was opened last.")
    comment: str
    comment_by: str
    commented_at: datetime | None


class NewLink(Answer):
    """A link that was just made; ``link`` and ``pin`` are told this once, and go two different ways."""

    model_config = example(share=_SHARE, link="/share/Zk3x...", pin="284913")

    share: Share
    token: str = Field(exclude=True)
    pin: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def link(self) -> str:
        """Where the guest opens it."""
        return f"/share/{self.token}"


class Gift(Value):
    """Whom a set is given, and until when."""

    user_id: UUID
    ends_at: AwareDatetime | None = None


NewImageSetBody = Annotated[
    NewImageSet,
    Body(openapi_examples={"second opinion": {"value": {
        "name": "Heel ulcers, week 45", "purpose": "record", "note": "Is surgery needed?",
        "image_ids": [IMAGE_ID],
    }}}),
]  # fmt: skip
GiftBody = Annotated[
    Gift,
    Body(openapi_examples={
        "for good": {"value": {"user_id": USER_ID}},
        "for a week": {"value": {"user_id": USER_ID, "ends_at": "2100-11-13T09:30:00Z"}},
    }),
]  # fmt: skip
NewShareBody = Annotated[
    NewShare, Body(openapi_examples={"a week": {"value": {"label": "Dr Berg", "days": 7}}})
]


def placed(set_id: UUID, item: sets.SetItem) -> PlacedItem:
    """Return a picture with the addresses of its copies."""
    place = f"/api/image-sets/{set_id}/images/{item.place}"
    urls = ItemUrls(thumbnail=f"{place}/thumbnail/", picture=f"{place}/picture/")
    known = SetItem.model_validate(item).model_dump()
    return PlacedItem(**known, urls=None if item.withheld else urls)
