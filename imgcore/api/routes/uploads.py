"""Uploads: the request is read as it arrives, so that its size costs no memory."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from imgcore.api import schemas
from imgcore.api.calls import Asked, Call
from imgcore.api.errors import ErrorAnswer, Problem, documented, error_headers, request_id_of, status_of
from imgcore.api.multipart import Form
from imgcore.api.sections import section
from imgcore.domain.records import Received, Refused
from imgcore.domain.values import ImageFields, parse
from imgcore.errors import FileRefused, ImgcoreError, Invalid, StorageFull, TooLarge, Unavailable
from imgcore.services.uploads import Offered, all_too_large
from imgcore.texts import _

router = section("Batches")

HOP_BYTES = 256 * 1024  # enough for a trip to another thread to be worth it
SHARED = ("body_location", "image_type", "laterality", "description")

_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "required": ["images"],
    "properties": {
        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "categories": {"type": "array", "items": _TEXT, "description": "In the order of the images."},
        "captions": {"type": "array", "items": _TEXT, "description": "In the order of the images."},
        "order": {"type": "integer", "description": "The place of the first in its batch, from 1, if free."},
        **{name: {**_TEXT, "description": "For all of them."} for name in SHARED},
    },
}
_EXAMPLE = {"images": ["IMG_2682.heic", "IMG_2683.heic"], "categories": ["r_anterior"], "captions": []}
_ENCODING = {name: {"style": "form", "explode": True} for name in ("categories", "captions")}
_FORM = {"schema": _SCHEMA, "example": _EXAMPLE, "encoding": _ENCODING}
_SOME: dict[int | str, dict[str, Any]] = {
    201: {"model": schemas.UploadAnswer, "description": "At least one file is in the batch now."},
    422: {
        "model": schemas.UploadAnswer | ErrorAnswer,
        "description": "Nothing was stored; each file says why.",
    },
}


@router.post(
    "/api/images/batches/{batch_id:uuid}/upload/",
    summary="Upload images into a batch",
    status_code=201,
    response_class=JSONResponse,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}},
    responses={**documented(400, 404, 409, 413, 415, 507), **_SOME},
)
async def upload_images(
    call: Asked,
    request: Request,
    batch_id: UUID,
    on_duplicate: Annotated[
        Literal["answer", "keep"], Query(description="`keep` stores the same bytes in one batch again.")
    ] = "answer",
    idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="The same key gives the same answer, for a day."),
    ] = None,
) -> Response:
    """A file that is refused does not stop the others. What is there already is answered, not stored again.

    `categories` and `captions` are repeated like `images`, in the same order; fewer is fine, more is 422.
    """
    uploads = call.services.uploads
    check_length(call, request)
    await run_in_threadpool(uploads.check_batch, call.actor, batch_id)
    form = form_of(call, request, call.services.settings.max_request_files)
    try:
        await receive(call, request, form)
        store = partial(uploads.store, key=idempotency_key, keep_duplicates=on_duplicate == "keep")
        received = await run_in_threadpool(store, call.actor, batch_id, _offered(form))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    finally:
        form.discard()
    return _answer(received, request)


def check_length(call: Call, request: Request) -> None:
    """Refuse a request that says beforehand that it is too large."""
    declared, most = request.headers.get("content-length", ""), call.services.settings.max_request_bytes
    if declared.isdecimal() and int(declared[:18]) > most:
        raise _too_large(most)


def form_of(call: Call, request: Request, most_files: int, name: str = "images") -> Form:
    """Return the form that a request is to be read into; ``name`` is the field that holds the files."""
    open_file = partial(call.services.uploads.intake, call.actor)
    return Form(request.headers.get("content-type", ""), open_file, most_files, name)


async def receive(call: Call, request: Request, form: Form) -> None:
    """Read the request to its end; hashing and writing are done in a thread."""
    most = call.services.settings.max_request_bytes
    size, held = 0, bytearray()
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        held += chunk
        if len(held) >= HOP_BYTES:
            await run_in_threadpool(form.feed, bytes(held))
            held.clear()
    await run_in_threadpool(form.feed, bytes(held))
    form.finish()


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        _("These images are too many for one upload; at most {most} MB are allowed.").format(
            most=most // (1024 * 1024)
        ),
        hint=_("Send them in smaller groups."),
    )


def _offered(form: Form) -> list[Offered | Refused]:
    if not form.files:
        raise Invalid(_("Choose at least one image."))
    shared = {name: form.one(name) for name in SHARED}
    categories, captions = form.of_each("categories"), form.of_each("captions")
    first = parse(ImageFields, **({"order": order} if (order := form.one("order")) else {}))
    check_fields(form)
    offered: list[Offered | Refused] = []
    for place, (file, category, caption) in enumerate(zip(form.files, categories, captions, strict=True)):
        order_here = first.order + place if "order" in first.model_fields_set else None
        given = {"category": category, "caption": caption, "order": order_here, **shared}
        fields = parse(ImageFields, **{name: value for name, value in given.items() if value is not None})
        offered.append(file if isinstance(file, Refused) else Offered(file, fields))
    return offered


def check_fields(form: Form) -> None:
    """Refuse a form that has a field which nobody has asked for."""
    if form.fields:
        raise Invalid(_("{field} is not a field of this form.").format(field=next(iter(form.fields))[:100]))


def _answer(received: Received, request: Request) -> Response:
    answer = schemas.UploadAnswer(
        uploaded=[schemas.uploaded(each) for each in received.uploaded],
        failed=[schemas.FailedFile.model_validate(each) for each in received.failed],
    )
    if received.uploaded:
        return JSONResponse(answer.model_dump(mode="json", exclude={"error"}), status_code=201)
    error = _nothing_stored(received)
    answer.error = Problem(
        code=error.code, message=error.message, hint=error.hint, request_id=request_id_of(request)
    )
    return JSONResponse(answer.model_dump(mode="json"), status_of(error), error_headers(error))


def _nothing_stored(received: Received) -> ImgcoreError:
    """Return the error of the whole request; it is worth trying again when it is so for each file."""
    first = received.failed[0]
    if all_too_large(received):
        return TooLarge(first.message)
    if all(each.can_retry for each in received.failed):
        is_full = any(each.code == StorageFull.code for each in received.failed)
        return (StorageFull if is_full else Unavailable)(first.message)
    return FileRefused(first.message, hint=_("Nothing was stored; each file says why."))
