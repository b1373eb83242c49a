"""The address of the screen that a person starts at."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgcore.api.identity import actor_of
from imgcore.api.origins import SAFE_METHODS
from imgcore.domain.access import Role


class Home:
    """Middleware behind the guard that leads from the name of a start screen to ``/``.

    Streamlit knows that screen by ``/`` alone, and says of its name that there is no such page.
    """

    def __init__(self, app: ASGIApp, start_of: Callable[[Role], str]) -> None:
        self._app = app
        self._start_of = start_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead one request to the start, with its query, or pass it on."""
        app = _to_root(scope["query_string"]) if self._names_the_start(scope) else self._app
        await app(scope, receive, send)

    def _names_the_start(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] not in SAFE_METHODS:
            return False
        name = scope["path"].strip("/")
        return bool(name) and name == self._start_of(actor_of(HTTPConnection(scope)).role)


def _to_root(query: bytes) -> RedirectResponse:
    return RedirectResponse("/?" + query.decode("latin-1") if query else "/", status_code=303)
