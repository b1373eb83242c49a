"""Who asks: the actor behind a request, found once by the guard and handed to every route."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from imgcore.bootstrap import Clinic
from imgcore.config import SESSION_COOKIE, Settings
from imgcore.domain.access import Actor, visitor
from imgcore.errors import Unauthenticated
from imgcore.texts import _

LONGEST_TOKEN = 4096
R = TypeVar("R")

# Threads of their own, so that slow routes don't keep anybody waiting at the door.
_threads = CapacityLimiter(8)


def actor_of(connection: HTTPConnection) -> Actor:
    """Return who asks; on a path that is open to anyone it can be a visitor."""
    actor = connection.scope.get("state", {}).get("imgcore_actor")
    if not isinstance(actor, Actor):
        raise Unauthenticated(_("Please sign in."))
    return actor


def set_actor(scope: Scope, actor: Actor) -> None:
    """Hand the actor to whatever answers the request."""
    scope.setdefault("state", {})["imgcore_actor"] = actor


def visitor_of(scope: Scope) -> Actor:
    """Return the actor before anybody looked who it is, with its address and a new request id.

    Behind a proxy, uvicorn puts the address of the browser in place of the proxy's,
    when the proxy is one that it was told to trust.
    """
    client = scope.get("client")
    return visitor(address=client[0] if client else "", request_id=uuid4().hex)


def cookie_of(connection: HTTPConnection) -> str:
    """Return the session token that a browser sends, or an empty string."""
    return connection.cookies.get(SESSION_COOKIE, "")[:LONGEST_TOKEN]


def bearer_of(connection: HTTPConnection) -> str:
    """Return the token that a program sends, or an empty string."""
    scheme, _space, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip()[:LONGEST_TOKEN] if scheme.lower() == "bearer" else ""


def set_cookie(response: Response, token: str, settings: Settings, scheme: str) -> None:
    """Give a browser its session token; a link in a mail must find it signed in, so it is not Strict."""
    secure = settings.secure_cookies or scheme == "https"
    response.set_cookie(SESSION_COOKIE, token, path="/", secure=secure, httponly=True, samesite="lax")


def clear_cookie(response: Response, settings: Settings, scheme: str) -> None:
    """Take the session token back."""
    secure = settings.secure_cookies or scheme == "https"
    response.delete_cookie(SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")


async def in_thread(work: Callable[[], R], limiter: CapacityLimiter = _threads) -> R:
    """Call a service, which may wait for the database, without holding up the server."""
    return await to_thread.run_sync(work, limiter=limiter)


async def by_cookie(
    clinic: Clinic, asking: Actor, token: str, *, is_use: bool = True, even_locked: bool = False
) -> Actor | None:
    """Return who is signed in with this cookie, or None; ``Locked`` unless ``even_locked``.

    ``is_use`` puts off the lock and the end of an idle session.
    """
    if not token:
        return None
    ask = clinic.services.sign_in.by_cookie
    return await in_thread(partial(ask, asking, token, is_use=is_use, even_locked=even_locked))


async def by_bearer(clinic: Clinic, asking: Actor, token: str) -> Actor:
    """Return whose token this is; ``Unauthenticated`` when it is void."""
    return await in_thread(partial(clinic.services.sign_in.by_bearer, asking, token))
