"""Images: lists, and what is known of each photograph."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from imgcore.api import schemas
from imgcore.api.bodies import ImageBody, ImagesEditBody, ImagesMoveBody, SelectionBody
from imgcore.api.calls import Asked, Ref, Turned, Version, Words, tag_change, tag_version
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.domain import records
from imgcore.domain.records import Page
from imgcore.domain.values import Day, Short
from imgcore.services.images import Filter

router = section("Images")
PATH = "/api/images/{image_id:uuid}/"


@router.get(
    "/api/images/", summary="List images", response_model=schemas.Listed[schemas.Image],
    responses=documented(404),
)  # fmt: skip
def list_images(
    call: Asked,
    turn: Turned,
    batch_id: UUID | None = None,
    patient_id: Annotated[Ref | None, Query(description="Id or external id.")] = None,
    category: Annotated[Ref | None, Query(description="A code of the category set.")] = None,
    taken_from: Annotated[Day | None, Query(description="First day.")] = None,
    taken_to: Annotated[Day | None, Query(description="Last day.")] = None,
    body_location: Short | None = None,
    image_type: Short | None = None,
    q: Annotated[Words, Query(description="Words of caption, description, file name or place.")] = "",
) -> Page[records.Image]:
    """A batch in its order; without `batch_id` the newest first."""
    asked = Filter(
        patient_ref=patient_id,
        batch_id=batch_id,
        category=category,
        taken_from=taken_from,
        taken_to=taken_to,
        text=q,
        body_location=body_location,
        image_type=image_type,
    )
    return call.services.images.list(call.actor, asked, turn)


@router.get(PATH, summary="One image", response_model=schemas.Image, responses=documented(404))
def get_image(call: Asked, image_id: UUID, response: Response) -> records.Image:
    """The answer's ETag is the version to send back as If-Match."""
    image = call.services.images.get(call.actor, image_id)
    tag_version(response, image.version)
    return image


@router.patch(
    PATH, summary="Change what is known of an image", response_model=schemas.Image,
    responses=documented(400, 404, 412, 413),
)  # fmt: skip
def edit_image(
    call: Asked, image_id: UUID, fields: ImageBody, version: Version, response: Response
) -> records.Image:
    """Fields that are not named stay. With If-Match a stale version is refused, without the last one wins.

    `category` is an active code of the clinic's set. `order` is the place in the batch, from 1.
    A primary image takes that from its neighbours. X-Change-ID is the change to undo it by.
    """
    image, change_id = call.services.images.edit(call.actor, image_id, fields, version)
    tag_change(response, change_id)
    tag_version(response, image.version)
    return image


@router.delete(PATH, summary="Put an image into the trash", status_code=204, responses=documented(404, 409))
def trash_image(call: Asked, image_id: UUID, response: Response) -> None:
    """X-Change-ID is the change to undo it by. 409 while the patient is under a legal hold."""
    tag_change(response, call.services.trash.images(call.actor, [image_id]))


@router.post(
    PATH + "restore/", summary="Take an image out of the trash", response_model=schemas.Image,
    responses=documented(404, 409),
)  # fmt: skip
def restore_image(call: Asked, image_id: UUID) -> records.Image:
    """409 while its batch is in the trash."""
    call.services.trash.restore_images(call.actor, [image_id])
    return call.services.images.get(call.actor, image_id)


@router.post(
    "/api/images/edit/", summary="Change many images", response_model=schemas.Done,
    responses=documented(400, 404, 413),
)  # fmt: skip
def edit_images(call: Asked, wish: ImagesEditBody, response: Response) -> schemas.Done:
    """The same category, day or place for all; one change, all or none."""
    count, change_id = call.services.images.edit_many(call.actor, wish.image_ids, wish.fields)
    return _done(response, count, change_id)


@router.post(
    "/api/images/move/", summary="Move images to another batch", response_model=schemas.Done,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def move_images(call: Asked, wish: ImagesMoveBody, response: Response) -> schemas.Done:
    """To another patient's batch only with a reason; all or none."""
    count, change_id = call.services.images.move(call.actor, wish.image_ids, wish.batch_id, wish.reason)
    return _done(response, count, change_id)


@router.post(
    "/api/images/trash/", summary="Put images into the trash", response_model=schemas.Done,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def trash_images(call: Asked, wish: SelectionBody, response: Response) -> schemas.Done:
    """All or none; 409 when a patient of theirs is under a legal hold."""
    change_id = call.services.trash.images(call.actor, wish.image_ids)
    return _done(response, len(set(wish.image_ids)), change_id)


@router.post(
    "/api/images/restore/", summary="Take images out of the trash", response_model=schemas.Done,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def restore_images(call: Asked, wish: SelectionBody, response: Response) -> schemas.Done:
    """All or none; 409 while a batch of theirs is in the trash."""
    call.services.trash.restore_images(call.actor, wish.image_ids)
    return _done(response, len(set(wish.image_ids)), None)


def _done(response: Response, count: int, change_id: UUID | None) -> schemas.Done:
    tag_change(response, change_id)
    return schemas.Done(count=count, change_id=change_id)
