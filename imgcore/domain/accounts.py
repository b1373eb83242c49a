"""What people see and change of their own account: where they are signed in, and their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from imgcore.domain.access import Role, Scope
from imgcore.domain.values import Line, Value

TOKEN_PREFIX = "imgc_"
TOKEN_DAYS = 365


class NewToken(Value):
    """A personal access token to make, for a program of one's own."""

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=TOKEN_DAYS, description="Days until it expires.")] = 90


@dataclass(frozen=True)
class AccessToken:
    """A personal access token; the token itself is shown when it is made, and never again."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True)
class OwnSession:
    """One browser that a person is signed in with; ``browser`` is in words."""

    id: UUID
    browser: str
    address: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_current: bool


@dataclass(frozen=True)
class SessionState:
    """How a session stands: seconds until it is locked, if it ever is, and until it ends when unused."""

    is_locked: bool
    locks_in: float | None
    locks_after: float | None
    ends_in: float
    ends_at: datetime


@dataclass(frozen=True)
class OuterPerson:
    """Who somebody is at the outer sign-in; ``subject`` is their lasting number there."""

    issuer: str
    subject: str
    email: str
    email_verified: bool


def scopes_for(role: Role) -> tuple[Scope, ...]:
    """Return what a person of this role can give a token."""
    return tuple(scope for scope in Scope if scope is not Scope.ADMIN or role is Role.ADMIN)
