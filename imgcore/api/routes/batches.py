"""Batches: photographs of one patient that were taken together."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from imgcore.api import schemas
from imgcore.api.bodies import BatchBody, MoveBatchBody, NewBatchBody, PutBatchBody
from imgcore.api.calls import Asked, Ref, Turned, Version, Words, tag_change, tag_version
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.api.sending import send_archive
from imgcore.domain import records
from imgcore.domain.records import Page
from imgcore.domain.values import BatchFields
from imgcore.errors import Conflict
from imgcore.texts import _

router = section("Batches")
PATH = "/api/images/batches/{batch_id:uuid}/"


@router.get(
    "/api/images/batches/", summary="List a patient's batches",
    response_model=schemas.Listed[schemas.Batch], responses=documented(404),
)  # fmt: skip
def list_batches(
    call: Asked,
    turn: Turned,
    patient_id: Annotated[Ref, Query(description="Id or external id.")],
    q: Annotated[Words, Query(description="Words of the name.")] = "",
) -> Page[records.Batch]:
    """The newest day first."""
    return call.services.batches.of_patient(call.actor, patient_id, q, turn)


@router.post(
    "/api/images/batches/", summary="Add a batch", status_code=201, response_model=schemas.Batch,
    responses=documented(400, 404, 413),
)  # fmt: skip
def add_batch(call: Asked, new: NewBatchBody, response: Response) -> records.Batch:
    """The patient is named by `patient_id`, or by `content_type` and `object_id`."""
    batch = call.services.batches.create(call.actor, new.patient_ref or "", new)
    tag_version(response, batch.version)
    return batch


@router.get(PATH, summary="One batch", response_model=schemas.Batch, responses=documented(404))
def get_batch(call: Asked, batch_id: UUID, response: Response) -> records.Batch:
    """The answer's ETag is the version to send back as If-Match."""
    batch = call.services.batches.get(call.actor, batch_id)
    tag_version(response, batch.version)
    return batch


@router.patch(
    PATH, summary="Change a batch", response_model=schemas.Batch, responses=documented(400, 404, 412, 413)
)
def edit_batch(
    call: Asked, batch_id: UUID, fields: BatchBody, version: Version, response: Response
) -> records.Batch:
    """Name or day; what is not named stays as it is. X-Change-ID is the change to undo it by."""
    batch, change_id = call.services.batches.edit(call.actor, batch_id, fields, version)
    tag_change(response, change_id)
    tag_version(response, batch.version)
    return batch


@router.put(
    PATH, summary="Replace what a batch says", response_model=schemas.Batch,
    responses=documented(400, 404, 409, 412, 413),
)  # fmt: skip
def put_batch(
    call: Asked, batch_id: UUID, whole: PutBatchBody, version: Version, response: Response
) -> records.Batch:
    """The patient stays the same; without a day the day stays as well."""
    if whole.patient_ref is not None:
        owner = call.services.patients.get(call.actor, whole.patient_ref).id
        if call.services.batches.get(call.actor, batch_id).patient_id != owner:
            raise Conflict(
                _("A batch goes to another patient only on purpose."), hint=_("Use .../move/ with a reason.")
            )
    fields = BatchFields(**whole.model_dump(include={"name", "taken_on"}, exclude_none=True))
    return edit_batch(call, batch_id, fields, version, response)


@router.delete(PATH, summary="Put a batch into the trash", status_code=204, responses=documented(404, 409))
def trash_batch(call: Asked, batch_id: UUID, response: Response) -> None:
    """With its images. X-Change-ID is the change to undo it by. 409 under a legal hold."""
    tag_change(response, call.services.trash.batch(call.actor, batch_id))


@router.post(
    PATH + "restore/", summary="Take a batch out of the trash", response_model=schemas.Batch,
    responses=documented(404, 409),
)  # fmt: skip
def restore_batch(call: Asked, batch_id: UUID) -> records.Batch:
    """With exactly the images that went in with it."""
    call.services.trash.restore_batch(call.actor, batch_id)
    return call.services.batches.get(call.actor, batch_id)


@router.post(
    PATH + "move/", summary="Move a batch to the right patient", response_model=schemas.Batch,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def move_batch(call: Asked, batch_id: UUID, wish: MoveBatchBody, response: Response) -> records.Batch:
    """With all its images, and for a reason. X-Change-ID is the change to undo it by."""
    batch, change_id = call.services.batches.move(call.actor, batch_id, wish.patient_id, wish.reason)
    tag_change(response, change_id)
    tag_version(response, batch.version)
    return batch


@router.get(
    PATH + "ids/", summary="The ids of a batch's images", response_model=schemas.ImageIds,
    responses=documented(404),
)  # fmt: skip
def list_image_ids(call: Asked, batch_id: UUID) -> schemas.ImageIds:
    """All of them in their order, for whoever steps through or selects all."""
    return schemas.ImageIds(ids=list(call.services.images.ids(call.actor, batch_id)))


@router.get(
    PATH + "download/", summary="Download originals as a ZIP", response_class=Response,
    responses={200: {"description": "The archive.", "content": {"application/zip": {}}}, **documented(404)},
)  # fmt: skip
def download_batch(
    call: Asked,
    request: Request,
    batch_id: UUID,
    image_ids: Annotated[
        list[UUID], Query(max_length=1000, description="Only these; the whole batch when none is named.")
    ] = [],  # noqa: B006 - read only
) -> Response:
    """Content-Length is exact; what is missing in the store is named in REPORT.txt inside."""
    download = call.services.downloads.batch(call.actor, batch_id, image_ids)
    return send_archive(download.name, download.content_length, download.stream())
