from __future__ import annotations

import asyncio
import json

from starlette.types import Message, Receive, Scope, Send

from imgcore.api.endings import Ending

HTTP: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


def broken_off(scope: Scope, *, begins: bool) -> tuple[list[Message], bool]:
    """Break a request off as a server does whose time is over; return what was sent, and if it was raised."""
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> bool:
        task = asyncio.create_task(Ending(app)(scope, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    return sent, asyncio.run(run())


def test_a_request_that_is_broken_off_is_told_to_come_again() -> None:
    (start, body), was_raised = broken_off(HTTP, begins=False)
    assert (start["status"], was_raised) == (503, False)
    assert (b"retry-after", b"5") in start["headers"]
    assert json.loads(body["body"])["error"]["code"] == "unavailable"


def test_an_answer_that_has_begun_is_cut() -> None:
    sent, was_raised = broken_off(HTTP, begins=True)
    assert ([each["type"] for each in sent], was_raised) == (["http.response.start"], True)


def test_a_websocket_is_only_closed() -> None:
    assert broken_off({"type": "websocket"}, begins=False) == ([], True)
