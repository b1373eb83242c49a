"""The clinic's people, for its administrators."""

from __future__ import annotations

from uuid import UUID

from imgcore.api import schemas
from imgcore.api.bodies import NewUserBody, UserBody
from imgcore.api.calls import Asked, Turned
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.domain import records
from imgcore.domain.records import Page

router = section("Users")


@router.get("/api/users/", summary="List the people", response_model=schemas.Listed[schemas.User])
def list_users(call: Asked, turn: Turned) -> Page[records.User]:
    """By name. For administrators."""
    return call.services.accounts.all(call.actor, turn.page, turn.page_size)


@router.post(
    "/api/users/", summary="Add a person", status_code=201, response_model=schemas.AddedUser,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def add_user(call: Asked, new: NewUserBody) -> schemas.AddedUser:
    """Without a password the answer holds a link that sets one. `patient_id` goes with the role patient."""
    user, token = call.services.accounts.create(call.actor, new)
    link = f"/auth/link/{token}" if token else None
    return schemas.AddedUser(user=schemas.User.model_validate(user), link=link)


@router.patch(
    "/api/users/{user_id:uuid}/", summary="Change a person's account", response_model=schemas.User,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def edit_user(call: Asked, user_id: UUID, fields: UserBody) -> records.User:
    """A new role or password, or a closed account, ends all sessions and tokens of the person."""
    return call.services.accounts.edit(call.actor, user_id, fields)
