"""Image sets: pictures put together for reviewers, and links by which guests open them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from imgcore.api.calls import Asked, Turned
from imgcore.api.errors import documented
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.api.sending import ASK_AGAIN, send_archive, send_file
from imgcore.api.set_schemas import (
    GiftBody,
    Given,
    ImageSet,
    MadeImageSet,
    NewImageSetBody,
    NewLink,
    NewShareBody,
    OneImageSet,
    Reviewer,
    Share,
    placed,
)
from imgcore.domain import sets
from imgcore.domain.records import Page

router = section("Image sets")
PATH = "/api/image-sets/{set_id:uuid}/"
PICTURE = PATH + "images/{place:int}/"
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    **documented(404, 416),
}


@router.get("/api/image-sets/", summary="List image sets", response_model=Listed[ImageSet])
def list_image_sets(call: Asked, turn: Turned) -> Page[sets.ImageSet]:
    """The newest first. Reviewers see those that were given to them."""
    return call.services.image_sets.all(call.actor, turn)


@router.post(
    "/api/image-sets/", summary="Make an image set", status_code=201, response_model=MadeImageSet,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def make_image_set(call: Asked, new: NewImageSetBody) -> MadeImageSet:
    """Frozen at once. 409 when a patient's consent to the purpose is missing.

    Identity documents are left out; `left_out` counts them.
    """
    made = call.services.image_sets.create(call.actor, new)
    return MadeImageSet(**_told(made.image_set), left_out=made.left_out)


@router.get("/api/image-sets/reviewers/", summary="List the reviewers", response_model=list[Reviewer])
def list_reviewers(call: Asked) -> tuple[sets.Reviewer, ...]:
    """Everybody whom a set can be given, by name."""
    return call.services.image_sets.reviewers(call.actor)


@router.get(PATH, summary="One image set", response_model=OneImageSet, responses=documented(404))
def get_image_set(call: Asked, set_id: UUID, turn: Turned) -> OneImageSet:
    """With its pictures in their order; pages by number only."""
    found = call.services.image_sets.get(call.actor, set_id)
    page = call.services.image_sets.items(call.actor, set_id, turn)
    about = {"page": page.page, "page_size": page.page_size, "total": page.total}
    items = [placed(set_id, item) for item in page.items]
    images = {"items": items, "total_pages": page.total_pages, "next_cursor": None, "total_is_exact": True}
    return OneImageSet(**_told(found), images=about | images)  # type: ignore[arg-type]


@router.get(PICTURE + "thumbnail/", summary="The small picture", response_class=Response, responses=_JPEG)
def get_set_thumbnail(call: Asked, request: Request, set_id: UUID, place: int) -> Response:
    """A JPEG of at most 300 x 300, without metadata."""
    file = call.services.set_files.thumbnail(call.actor, set_id, place)
    return send_file(request, file, keep=ASK_AGAIN)


@router.get(PICTURE + "picture/", summary="The picture", response_class=Response, responses=_JPEG)
def get_set_picture(call: Asked, request: Request, set_id: UUID, place: int) -> Response:
    """A JPEG, upright and without metadata."""
    file = call.services.set_files.picture(call.actor, set_id, place)
    return send_file(request, file, keep=ASK_AGAIN)


@router.get(
    PATH + "download/", summary="Download copies as a ZIP", response_class=Response,
    responses={200: {"description": "The archive.", "content": {"application/zip": {}}}, **documented(404)},
)  # fmt: skip
def download_image_set(call: Asked, set_id: UUID) -> Response:
    """Named by pseudonym and place, without metadata; Content-Length is exact."""
    download = call.services.set_files.download(call.actor, set_id)
    return send_archive(download.name, download.content_length, download.stream())


@router.get(
    PATH + "given/", summary="Who has an image set", response_model=list[Given], responses=documented(404)
)
def list_given(call: Asked, set_id: UUID) -> tuple[sets.Given, ...]:
    """By name, those whose time is over too."""
    return call.services.image_sets.given_to(call.actor, set_id)


@router.post(
    PATH + "given/", summary="Give an image set to a reviewer", status_code=201, response_model=list[Given],
    responses=documented(400, 404, 413),
)  # fmt: skip
def give_image_set(call: Asked, set_id: UUID, gift: GiftBody) -> tuple[sets.Given, ...]:
    """Until `ends_at` where it is named; given once more, the end changes."""
    call.services.image_sets.give(call.actor, set_id, gift.user_id, gift.ends_at)
    return call.services.image_sets.given_to(call.actor, set_id)


@router.delete(
    PATH + "given/{user_id:uuid}/", summary="Take an image set back", status_code=204,
    responses=documented(404),
)  # fmt: skip
def take_image_set_back(call: Asked, set_id: UUID, user_id: UUID) -> None:
    """The reviewer no longer sees it, from now on."""
    call.services.image_sets.take_back(call.actor, set_id, user_id)


@router.get(
    PATH + "shares/", summary="List the links to an image set", response_model=list[Share],
    responses=documented(404),
)  # fmt: skip
def list_shares(call: Asked, set_id: UUID) -> tuple[sets.Share, ...]:
    """The newest first, with what guests have answered."""
    return call.services.shares.all(call.actor, set_id)


@router.post(
    PATH + "shares/", summary="Make a link for a guest", status_code=201, response_model=NewLink,
    responses=documented(400, 404, 413),
)  # fmt: skip
def make_share(call: Asked, set_id: UUID, new: NewShareBody) -> sets.NewLink:
    """Link and PIN are told this once. Send the PIN by another way than the link."""
    return call.services.shares.create(call.actor, set_id, new)


@router.delete(
    "/api/shares/{share_id:uuid}/", summary="Revoke a link", status_code=204, responses=documented(404)
)
def revoke_share(call: Asked, share_id: UUID) -> None:
    """It ends at once, also for a guest who has it open."""
    call.services.shares.revoke(call.actor, share_id)


def _told(found: sets.ImageSet) -> dict[str, Any]:
    return asdict(found) | {"withheld": found.withheld}
