"""Consultations: visits, and their images one by one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from imgcore.api import schemas
from imgcore.api.calls import Asked, Ref, Turned, Version, tag_change, tag_version
from imgcore.api.consultations import (
    AddedImage,
    Consultation,
    ConsultationBody,
    ConsultationImage,
    ConsultationImageBody,
    ConsultationImages,
    NewConsultationBody,
    image_of,
)
from imgcore.api.errors import documented
from imgcore.api.multipart import Form
from imgcore.api.routes.uploads import check_fields, check_length, form_of, receive
from imgcore.api.sections import section
from imgcore.api.sending import send_archive
from imgcore.domain import records
from imgcore.domain.records import Page, Received, Refused
from imgcore.domain.values import ImageFields, parse
from imgcore.errors import Invalid
from imgcore.services.pages import Turn
from imgcore.services.uploads import Offered, error_of
from imgcore.texts import _

router = section("Consultation Images")
PATH = "/api/v1/consultations/{consultation_id:uuid}"
IMAGE = "/api/v1/consultations/images/{image_id:uuid}"
FILE = "file"
FIELDS = ("image_type", "body_location", "description", "is_primary")

_TEXT = {"type": "string"}
_FORM = {
    "schema": {
        "type": "object",
        "required": [FILE],
        "properties": {
            FILE: {"type": "string", "format": "binary"},
            **dict.fromkeys(FIELDS[:-1], _TEXT),
            "is_primary": {"type": "boolean", "description": "Takes it from the others of the consultation."},
        },
    },
    "example": {FILE: "IMG_2682.heic", "body_location": "Left heel", "is_primary": True},
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The archive.", "content": {"application/zip": {}}}
}


@router.get(
    "/api/v1/consultations/", summary="List consultations",
    response_model=schemas.Listed[Consultation], responses=documented(404),
)  # fmt: skip
def list_consultations(
    call: Asked,
    turn: Turned,
    patient_id: Annotated[
        Ref | None, Query(description="Id or external id; all that are seen without.")
    ] = None,
) -> Page[records.Visit]:
    """The newest day first."""
    return call.services.visits.list(call.actor, patient_id, turn)


@router.post(
    "/api/v1/consultations/", summary="Add a consultation", status_code=201,
    response_model=Consultation, responses=documented(400, 404, 413),
)  # fmt: skip
def add_consultation(call: Asked, new: NewConsultationBody, response: Response) -> records.Visit:
    """Only `patient_id` is required; the day is today, the clinician who calls."""
    visit = call.services.visits.create(call.actor, new.patient_id, new)
    tag_version(response, visit.version)
    return visit


@router.get(PATH, summary="One consultation", response_model=Consultation, responses=documented(404))
def get_consultation(call: Asked, consultation_id: UUID, response: Response) -> records.Visit:
    """The answer's ETag is the version to send back as If-Match. Patients get their own, without the note."""
    visit = call.services.visits.get(call.actor, consultation_id)
    tag_version(response, visit.version)
    return visit


@router.patch(
    PATH, summary="Change a consultation", response_model=Consultation,
    responses=documented(400, 404, 412, 413),
)  # fmt: skip
def edit_consultation(
    call: Asked, consultation_id: UUID, fields: ConsultationBody, version: Version, response: Response
) -> records.Visit:
    """Fields that are not named stay as they are. X-Change-ID is the change to undo it by."""
    visit, change_id = call.services.visits.edit(call.actor, consultation_id, fields, version)
    tag_change(response, change_id)
    tag_version(response, visit.version)
    return visit


@router.post(
    PATH + "/images", summary="Add an image to a consultation", status_code=201, response_model=AddedImage,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}},
    responses=documented(400, 404, 409, 413, 415, 507),
)  # fmt: skip
async def add_consultation_image(
    call: Asked,
    request: Request,
    consultation_id: UUID,
    idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="The same key gives the same answer, for a day."),
    ] = None,
) -> Any:
    """For the consultation's clinician and administrators. What is there already is not stored again."""
    images = call.services.visit_images
    check_length(call, request)
    await run_in_threadpool(images.check, call.actor, consultation_id)
    form = form_of(call, request, 1, FILE)
    try:
        await receive(call, request, form)
        store = partial(images.store, key=idempotency_key)
        received = await run_in_threadpool(store, call.actor, consultation_id, [_offered(form)])
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    finally:
        form.discard()
    return _added(received)


@router.get(
    PATH + "/images", summary="List a consultation's images", response_model=ConsultationImages,
    responses=documented(404),
)  # fmt: skip
def list_consultation_images(
    call: Asked,
    consultation_id: UUID,
    page: Annotated[int, Query(description="Counted from 1.", examples=[1])] = 1,
    page_size: Annotated[int, Query(description="At most 100.", examples=[50])] = 50,
) -> ConsultationImages:
    """The primary image first, then the newest."""
    found = call.services.visit_images.list(call.actor, consultation_id, Turn(page, page_size))
    return ConsultationImages(
        images=[image_of(each) for each in found.items],
        total=found.total,
        page=found.page,
        page_size=found.page_size,
        total_pages=found.total_pages,
    )


@router.get(
    PATH + "/images/download-all", summary="Download a consultation's originals as a ZIP",
    response_class=Response, responses={**_ZIP, **documented(404)},
)  # fmt: skip
def download_consultation_images(call: Asked, consultation_id: UUID) -> Response:
    """Content-Length is exact; what is missing in the store is named in REPORT.txt inside."""
    download = call.services.downloads.visit(call.actor, consultation_id)
    return send_archive(download.name, download.content_length, download.stream())


@router.get(
    IMAGE, summary="One image of a consultation", response_model=ConsultationImage,
    responses=documented(404),
)  # fmt: skip
def get_consultation_image(call: Asked, image_id: UUID, response: Response) -> ConsultationImage:
    """The answer's ETag is the version to send back as If-Match."""
    image = call.services.visit_images.get(call.actor, image_id)
    tag_version(response, image.version)
    return image_of(image)


@router.patch(
    IMAGE, summary="Change what is known of a consultation's image", response_model=ConsultationImage,
    responses=documented(400, 404, 412, 413),
)  # fmt: skip
def edit_consultation_image(
    call: Asked, image_id: UUID, fields: ConsultationImageBody, version: Version, response: Response
) -> ConsultationImage:
    """For the consultation's clinician and administrators. A primary image takes that from the others."""
    image, change_id = call.services.visit_images.edit(call.actor, image_id, fields, version)
    tag_change(response, change_id)
    tag_version(response, image.version)
    return image_of(image)


@router.delete(
    IMAGE, summary="Put a consultation's image into the trash", status_code=204,
    responses=documented(404, 409),
)  # fmt: skip
def trash_consultation_image(call: Asked, image_id: UUID, response: Response) -> None:
    """For the consultation's clinician and administrators. X-Change-ID is the change to undo it by."""
    tag_change(response, call.services.visit_images.trash(call.actor, image_id))


def _offered(form: Form) -> Offered | Refused:
    """Return the one file with what is said of it."""
    if not form.files:
        raise Invalid(_("Choose an image, in the field file."))
    given = {name: form.one(name) for name in FIELDS}
    check_fields(form)
    fields = parse(ImageFields, **{name: value for name, value in given.items() if value is not None})
    file = form.files[0]
    return file if isinstance(file, Refused) else Offered(file, fields)


def _added(received: Received) -> AddedImage:
    if received.failed:
        raise error_of(received.failed[0])
    stored = received.uploaded[0]
    image = image_of(stored.image)
    text = _("The image was there already.") if stored.already_there else _("The image is stored.")
    return AddedImage(id=image.id, image_url=image.image_url, thumbnail_url=image.thumbnail_url, message=text)
