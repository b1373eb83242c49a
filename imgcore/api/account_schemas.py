"""What the interface says of one's own account: where one is signed in, and one's tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body
from pydantic import Field

from imgcore.api.examples import AT, example
from imgcore.api.schemas import Answer
from imgcore.domain.access import Scope
from imgcore.domain.accounts import NewToken
from imgcore.domain.values import Password, Value

_ID = "3f0c8f0e-40a5-4d0e-9b54-0c7c2f3f9a11"


_TOKEN = {
    "id": _ID, "name": "Export at night", "scopes": ["read"], "created_at": AT, "used_at": None,
    "expires_at": "2026-02-04T09:30:00Z",
}  # fmt: skip


class AccessToken(Answer):
    """A personal access token, without the token itself."""

    model_config = example(**_TOKEN)

    id: UUID
    name: str
    scopes: list[Scope] = Field(description="What it may be used for, within what its owner may do.")
    created_at: datetime
    used_at: datetime | None = Field(description="When it was last used, to the minute; null: never.")
    expires_at: datetime


class AddedToken(Answer):
    """A personal access token that was just made; this is the only time that it is shown."""

    model_config = example(token=_TOKEN, secret="imgc_4mP0...")

    token: AccessToken
    secret: str = Field(
        description="To be sent as `Authorization: Bearer imgc_...`; nobody can read it again."
    )


class OwnSession(Answer):
    """One browser that the person is signed in with."""

    model_config = example(
        id=_ID, browser="Firefox on Windows", address="192.0.2.7", created_at=AT, seen_at=AT,
        expires_at="2025-11-06T21:30:00Z", is_current=True,
    )  # fmt: skip

    id: UUID
    browser: str
    address: str
    created_at: datetime
    seen_at: datetime = Field(description="When it was last used.")
    expires_at: datetime
    is_current: bool = Field(description="Whether this browser asks.")


class PasswordChange(Value):
    """A new password, against the one until now."""

    current_password: Annotated[str, Field(max_length=1000, json_schema_extra={"format": "password"})]
    new_password: Annotated[Password, Field(json_schema_extra={"format": "password"})]


_NEW_TOKEN = {"name": "Export at night", "scopes": ["read"], "days": 90}
_CHANGE = {"current_password": "the one until now", "new_password": "a few words will do"}
TokenBody = Annotated[NewToken, Body(openapi_examples={"reads": {"value": _NEW_TOKEN}})]
PasswordBody = Annotated[PasswordChange, Body(openapi_examples={"change": {"value": _CHANGE}})]
