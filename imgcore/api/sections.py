"""How routes are declared: every path with and without its last slash, every error in one shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, OAuth2PasswordBearer
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from imgcore.api.errors import documented, unexpected_answer
from imgcore.config import SESSION_COOKIE
from imgcore.errors import ImgcoreError

MOST_BODY_BYTES = 1024 * 1024
_EXPECTED = (ImgcoreError, HTTPException, RequestValidationError)

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    scheme_name="token",
    auto_error=False,
    description="For programs: a token, good for an hour.",
)
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    auto_error=False,
    description="For pages of this server: the session after sign-in.",
)


class Route(APIRoute):
    """A route whose path is answered with and without a slash at its end."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        bare = self.path_regex.pattern.removesuffix("$").removesuffix("/")
        self.path_regex = re.compile(f"{bare}/?$")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; bodies that are held in memory are limited, and no fault goes out bare."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            if self.body_field is not None:
                request = Request(request.scope, _limited(request.receive))
            try:
                return await handle(request)
            except _EXPECTED:
                raise
            except Exception as error:
                return unexpected_answer(request, error)

        return guarded


def _limited(receive: Receive) -> Receive:
    left = MOST_BODY_BYTES

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_some


def section(tag: str, *, is_public: bool = False) -> APIRouter:
    """Return where the routes of one section of the reference are declared, with their full paths.

    The security schemes only document: the guard has judged the request before.
    """
    return APIRouter(
        tags=[tag],
        route_class=Route,
        dependencies=[] if is_public else [Depends(_bearer), Depends(_cookie)],
        responses=documented(500, 503) if is_public else documented(401, 403, 422, 500, 503),
        generate_unique_id_function=lambda route: route.name,
    )
