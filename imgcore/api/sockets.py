"""The websocket between a tab and the screens, cut as soon as the session behind it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore.errors import ImgcoreError, Locked

POLL_SECONDS = 2.0
WAITING_MESSAGES = 16
# Codes of RFC 6455 and its registry.
POLICY_VIOLATION = 1008
SERVER_FAULT = 1011
TRY_AGAIN_LATER = 1013

logger = logging.getLogger(__name__)


class Socket:
    """One open websocket; ``in_session`` is asked before each message, and with None every two seconds.

    A message of a session that has ended is not passed on, and nothing is sent after it. While the
    session is locked the tab stays connected, and what it sends is dropped.
    """

    def __init__(
        self, receive: Receive, send: Send, in_session: Callable[[Message | None], Awaitable[bool]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._in_session = in_session
        self._inbox: asyncio.Queue[Message] = asyncio.Queue(WAITING_MESSAGES)
        self._is_cut = False

    async def serve(self, app: ASGIApp, scope: Scope) -> None:
        """Let the app talk with the tab until either hangs up or the session ends."""
        watchers = [asyncio.create_task(self._read()), asyncio.create_task(self._poll())]
        try:
            await app(scope, self._inbox.get, self._send_on)
        finally:
            for task in watchers:
                task.cancel()

    async def _read(self) -> None:
        message: Message = {"type": "websocket.connect"}
        while not self._is_cut and message["type"] != "websocket.disconnect":
            message = await self._receive()
            if message["type"] != "websocket.receive" or await self._may_go_on(message):
                await self._inbox.put(message)

    async def _poll(self) -> None:
        while not self._is_cut:
            await asyncio.sleep(POLL_SECONDS)
            await self._may_go_on(None)

    async def _may_go_on(self, message: Message | None) -> bool:
        try:
            if await self._in_session(message):
                return True
            await self._cut(POLICY_VIOLATION)
        except Locked:
            return False
        except ImgcoreError:
            # The database is away. The tab comes back by itself; until then its message must not count.
            if message is not None:
                await self._cut(TRY_AGAIN_LATER)
        except Exception:
            logger.exception("A session could not be checked")
            await self._cut(SERVER_FAULT)
        return False

    async def _cut(self, code: int) -> None:
        if self._is_cut:
            return
        self._is_cut = True
        while not self._inbox.empty():
            self._inbox.get_nowait()
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": code})
        with contextlib.suppress(OSError, RuntimeError):  # the tab may have gone meanwhile
            await self._send({"type": "websocket.close", "code": code})

    async def _send_on(self, message: Message) -> None:
        if not self._is_cut:
            await self._send(message)
