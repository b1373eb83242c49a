"""Requests that are broken off because the server stops: their callers are told to ask again."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore.api.errors import error_answer
from imgcore.errors import Unavailable
from imgcore.texts import _


class Ending:
    """Middleware that answers 503, where the server would say that something went wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; only the server itself breaks requests off, when their time is over."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if has_begun or scope["type"] != "http":
                raise
            error = Unavailable(_("The server is being restarted. Please try again in a moment."))
            await error_answer(error, "")(scope, receive, send)
