"""The trash, and taking back what was done."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from imgcore.api import schemas
from imgcore.api.bodies import UndoBody, UndoWish
from imgcore.api.calls import Asked, Ref, Turned
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.domain import records
from imgcore.domain.records import Page

router = section("Trash and undo")


@router.get(
    "/api/trash/", summary="What is in the trash", response_model=schemas.Listed[schemas.TrashItem],
    responses=documented(404),
)  # fmt: skip
def list_trash(
    call: Asked,
    turn: Turned,
    kind: Literal["patient", "batch", "image"] = "batch",
    patient_id: Annotated[Ref | None, Query(description="Only of this patient; id or external id.")] = None,
) -> Page[records.TrashItem]:
    """The latest first; what went in along with it is counted, not listed."""
    return call.services.trash.list(call.actor, kind, patient_id, turn)


@router.post(
    "/api/undo/", summary="Take back a change", response_model=schemas.Undone,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def undo(call: Asked, wish: UndoBody = None) -> schemas.Undone:
    """One's own change, the latest when none is named; 409 when something has changed since."""
    wish = wish or UndoWish()
    return schemas.Undone(undone=call.services.history.undo(call.actor, wish.change_id))
