"""The server's parts, for ``app.py`` to put together: routes, middleware, start and end."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore import bootstrap
from imgcore.api import assets, logs
from imgcore.api.auth_oidc import OuterSignIn
from imgcore.api.auth_pages import AuthPages
from imgcore.api.auth_sessions import SessionPages
from imgcore.api.endings import Ending
from imgcore.api.guard import Guard
from imgcore.api.home import Home
from imgcore.api.metrics import Metered
from imgcore.api.promptness import answer_at_once
from imgcore.api.security import SecurityHeaders
from imgcore.api.set_up import is_loopback, set_up_code
from imgcore.api.share_pages import SharePages
from imgcore.api.tabs import Tabs
from imgcore.bootstrap import Clinic, in_use
from imgcore.config import load_settings
from imgcore.domain.access import Role, visitor
from imgcore.errors import ImgcoreError
from imgcore.texts import _

if TYPE_CHECKING:
    from fastapi import FastAPI

REST_PATHS = ("/api/{rest:path}", "/files/{rest:path}", "/healthz", "/healthz/", "/readyz", "/readyz/")


def routes(address: str | None) -> list[BaseRoute]:
    """Return what stands beside the screens; ``address`` is the one that the server listens on."""
    rest = Rest()
    pages = AuthPages(in_use, is_local=is_loopback(address))
    parts = (pages, SessionPages(in_use), OuterSignIn(in_use), SharePages(in_use), assets)
    beside = [route for part in parts for route in part.routes()]
    return [*beside, *(Route(path, endpoint=rest) for path in REST_PATHS)]


def middleware(tabs: Tabs, start_of: Callable[[Role], str]) -> list[Middleware]:
    """Return what every request passes through first; ``start_of`` names the screen a role starts at."""
    return [
        Middleware(ReadableStart),
        Middleware(Ending),
        Middleware(Metered),
        Middleware(SecurityHeaders, https_only=_https_only),
        Middleware(Guard, clinic=in_use, tabs=tabs),
        Middleware(Home, start_of=start_of),
    ]


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Open the clinic before the first request, and close it after the last."""
    logs.keep_secrets_out()
    answer_at_once()
    clinic = await to_thread.run_sync(_open)
    bootstrap.use(clinic)
    try:
        clinic.start_sweeping()
        clinic.start_sealing()
        clinic.start_working()
        await to_thread.run_sync(_announce_set_up, clinic)
        yield
    finally:
        bootstrap.use(None)
        await to_thread.run_sync(clinic.close)


class Rest:
    """The REST interface, put together when it is first asked for: that takes as long as all the rest."""

    def __init__(self) -> None:
        self._api: FastAPI | None = None
        self._making = threading.Lock()

    def api(self) -> FastAPI:
        """Return the application, made by whoever asks first."""
        with self._making:
            if self._api is None:
                from imgcore.api.rest import build_api

                self._api = build_api(in_use)
            return self._api

    @property
    def routes(self) -> list[BaseRoute]:
        """All its routes."""
        return self.api().routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the first waits until there is something to answer it."""
        api = self._api if self._api is not None else await to_thread.run_sync(self.api)
        await api(scope, receive, send)


class ReadableStart:
    """Middleware that says in a sentence why the server cannot start, where a trace would be logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and replace the trace of what is known to go wrong."""
        await self._app(scope, receive, _readable(send) if scope["type"] == "lifespan" else send)


def _readable(send: Send) -> Send:
    async def send_readable(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, ImgcoreError):
            message = {**message, "message": f"{error.message} {error.hint}".strip()}
        await send(message)

    return send_readable


def _open() -> Clinic:
    return bootstrap.build(load_settings(), serving=True)


def _https_only() -> bool:
    return in_use().services.settings.secure_cookies


def _announce_set_up(clinic: Clinic) -> None:
    if clinic.services.accounts.needs_set_up(visitor(request_id="start")):
        code = set_up_code(clinic.services.settings)
        text = _("Open Imgcore in a browser to set it up. From another machine it asks for this code:")
        print(f"\n  {text}\n  {code}\n", flush=True)
