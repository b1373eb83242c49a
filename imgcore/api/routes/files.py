"""The bytes of images: thumbnails, display copies, originals, and links that carry their own proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query, Request, Response

from imgcore.api import schemas
from imgcore.api.bodies import LinkBody, LinkWish
from imgcore.api.calls import Asked, Call
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.api.sending import ASK_AGAIN, FOR_EVER, send_file
from imgcore.errors import Unauthenticated
from imgcore.services.files import File
from imgcore.texts import _

router = section("Image files")
public = section("Image files", is_public=True)
PATH = "/api/images/{image_id:uuid}/"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Response])


def picture(
    path: str, summary: str, media_type: str = "image/jpeg", signed: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Declare a route that gives the bytes of an image, or by HEAD only what they are."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    said: dict[int | str, dict[str, Any]] = {
        200: {"description": "The file.", "content": content},
        206: {"description": "The part that `Range` asks for.", "content": content},
        304: {"description": "The caller has it (`If-None-Match`)."},
        **documented(*([401, 422] if signed else []), 404, 416),
    }
    place = public if signed else router

    def declare(endpoint: Endpoint) -> Endpoint:
        place.get(path, summary=summary, response_class=Response, responses=said)(endpoint)
        place.head(path, include_in_schema=False)(endpoint)
        return endpoint

    return declare


@picture(PATH + "thumbnail/", "The small picture")
def get_thumbnail(
    call: Asked,
    request: Request,
    image_id: UUID,
    v: Annotated[
        str, Query(max_length=20, description="`edit_revision`; with the current one, browsers keep it.")
    ] = "",
) -> Response:
    """A JPEG of at most 300 x 300."""
    file = call.services.files.thumbnail(call.actor, image_id)
    return send_file(request, file, keep=FOR_EVER if v == str(file.revision) else ASK_AGAIN)


@picture(PATH + "display/", "A picture that browsers can draw", "image/*")
def get_display(call: Asked, request: Request, image_id: UUID) -> Response:
    """The original where browsers can show it, else a JPEG of the same size."""
    return send_file(request, call.services.files.display(call.actor, image_id))


@picture(PATH + "compressed/", "A copy to pass on")
def get_compressed(call: Asked, request: Request, image_id: UUID) -> Response:
    """A JPEG, upright and without metadata."""
    return send_file(request, call.services.files.compressed(call.actor, image_id))


@picture(PATH + "download/", "The original", "image/*")
def get_original(call: Asked, request: Request, image_id: UUID) -> Response:
    """The file as it was uploaded, bit for bit."""
    return send_file(request, call.services.files.original(call.actor, image_id), attachment=True)


@router.post(
    PATH + "url/", summary="Make a link to a picture", response_model=schemas.SignedUrl,
    responses=documented(400, 404, 413),
)  # fmt: skip
def make_link(call: Asked, image_id: UUID, wish: LinkBody = None) -> schemas.SignedUrl:
    """Whoever has the link gets the picture, for at most five minutes; each use is noted."""
    wish = wish or LinkWish()
    url = call.services.files.link(call.actor, image_id, wish.kind, wish.seconds)
    return schemas.SignedUrl(url=url, expires_in=wish.seconds)


@picture("/files/{image_id}/{kind}", "A picture by its link", "image/*", signed=True)
def get_by_link(
    call: Asked,
    request: Request,
    image_id: str,
    kind: str,
    user: Annotated[str, Query(description="Whom the link was made for.")] = "",
    exp: Annotated[str, Query(description="When it ends, in seconds since 1970.")] = "",
    sig: Annotated[str, Query(description="The signature.")] = "",
) -> Response:
    """Only with a signature, for whoever is signed in or not; made by `POST /api/images/{image_id}/url/`."""
    try:
        user_id, wanted, expires = UUID(user), UUID(image_id), int(exp[:12])
    except ValueError:
        raise Unauthenticated(_("This link is not valid.")) from None
    call.services.files.check_link(call.actor, user_id, wanted, kind, expires, sig)
    owner = Call(call.services, call.services.sign_in.by_id(call.actor, user_id))
    return send_file(request, _by_kind(owner, wanted, kind), attachment=kind == "original")


def _by_kind(call: Call, image_id: UUID, kind: str) -> File:
    files = call.services.files
    ways = {
        "thumbnail": files.thumbnail,
        "display": files.display,
        "compressed": files.compressed,
        "original": files.original,
    }
    return ways[kind](call.actor, image_id)
