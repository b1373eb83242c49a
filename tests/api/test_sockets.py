"""A websocket is cut at the first message, or within seconds, after its session has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from imgcore.api import sockets
from imgcore.api.sockets import Socket
from imgcore.errors import DatabaseUnavailable, Locked

SCOPE: Scope = {"type": "websocket"}
CONNECT: Message = {"type": "websocket.connect"}


class Tab:
    """The browser's end: what it sends, and what reaches it."""

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.got: list[Message] = []
        self.send_message(CONNECT)

    def send_message(self, message: Message) -> None:
        """Send something to the server."""
        self.outbox.put_nowait(message)

    def click(self, payload: bytes = b"click") -> None:
        """Send what a click sends."""
        self.send_message({"type": "websocket.receive", "bytes": payload})

    async def receive(self) -> Message:
        """Take the next message, as the server does."""
        return await self.outbox.get()

    async def send(self, message: Message) -> None:
        """Take what the server sends."""
        self.got.append(message)


class Screens:
    """The app behind: it draws after each message, and once more after the tab has gone."""

    def __init__(self) -> None:
        self.seen: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Draw until the tab hangs up."""
        while (message := await receive())["type"] != "websocket.disconnect":
            self.seen.append(message)
            await send({"type": "websocket.send", "bytes": b"drawn"})
        self.seen.append(message)
        await send({"type": "websocket.send", "bytes": b"drawn too late"})


def serve(
    check: Callable[[Message | None], Awaitable[bool]], act: Callable[[Tab], Awaitable[None]]
) -> tuple[Tab, Screens]:
    """Let a tab act on a guarded websocket, until the socket is done."""

    async def run() -> tuple[Tab, Screens]:
        tab, screens = Tab(), Screens()
        serving = asyncio.create_task(Socket(tab.receive, tab.send, check).serve(screens, SCOPE))
        await act(tab)
        await asyncio.wait_for(serving, timeout=30)
        return tab, screens

    return asyncio.run(run())


async def settle() -> None:
    """Let every task go on until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_messages_pass_both_ways_while_the_session_lives() -> None:
    async def alive(_: Message | None) -> bool:
        return True

    async def act(tab: Tab) -> None:
        for number in range(100):
            tab.click(bytes([number]))
        tab.send_message({"type": "websocket.disconnect", "code": 1001})

    tab, screens = serve(alive, act)
    assert [message["bytes"] for message in screens.seen[1:-1]] == [bytes([n]) for n in range(100)]
    assert screens.seen[-1] == {"type": "websocket.disconnect", "code": 1001}
    assert len(tab.got) == 102


def test_a_message_of_an_ended_session_reaches_nothing_and_draws_nothing() -> None:
    lives = [True]

    async def check(message: Message | None) -> bool:
        return lives[0]

    async def act(tab: Tab) -> None:
        tab.click(b"before")
        await settle()
        lives[0] = False
        tab.click(b"after")
        await settle()
        tab.click(b"and after")

    tab, screens = serve(check, act)
    assert [message.get("bytes") for message in screens.seen] == [None, b"before", None]
    assert [message["type"] for message in tab.got] == ["websocket.send"] * 2 + ["websocket.close"]
    assert tab.got[-1]["code"] == screens.seen[-1]["code"] == 1008


def test_a_quiet_tab_is_cut_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "POLL_SECONDS", 0.01)
    asked: list[Message | None] = []

    async def check(message: Message | None) -> bool:
        asked.append(message)
        return len(asked) < 3

    async def act(tab: Tab) -> None:
        await settle()

    tab, screens = serve(check, act)
    assert asked == [None, None, None]
    assert tab.got[-1] == {"type": "websocket.close", "code": 1008}
    assert screens.seen[-1]["type"] == "websocket.disconnect"


def test_while_the_database_is_away_a_quiet_tab_stays_and_a_message_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "POLL_SECONDS", 0.001)
    polls = asyncio.Event()

    async def check(message: Message | None) -> bool:
        if message is None:
            polls.set()
        raise DatabaseUnavailable("away")

    async def act(tab: Tab) -> None:
        await polls.wait()
        await asyncio.sleep(0.05)
        assert [message["type"] for message in tab.got] == ["websocket.send"]
        tab.click()

    tab, screens = serve(check, act)
    assert [message["type"] for message in screens.seen] == ["websocket.connect", "websocket.disconnect"]
    assert tab.got[-1] == {"type": "websocket.close", "code": 1013}


def test_what_a_locked_tab_sends_is_dropped_and_it_stays_connected() -> None:
    is_locked = [False]

    async def check(_: Message | None) -> bool:
        if is_locked[0]:
            raise Locked("Imgcore is locked.")
        return True

    async def act(tab: Tab) -> None:
        for locked, name in ((False, b"before"), (True, b"meanwhile"), (False, b"after")):
            is_locked[0] = locked
            tab.click(name)
            await settle()
        tab.send_message({"type": "websocket.disconnect", "code": 1001})

    tab, screens = serve(check, act)
    assert [message.get("bytes") for message in screens.seen[1:-1]] == [b"before", b"after"]
    assert [message["type"] for message in tab.got] == ["websocket.send"] * 4


def test_a_tab_that_has_gone_is_no_error() -> None:
    async def ended(_: Message | None) -> bool:
        return False

    async def run() -> Screens:
        tab, screens = Tab(), Screens()

        async def broken(message: Message) -> None:
            if message["type"] == "websocket.close":
                raise OSError

        tab.click()
        await asyncio.wait_for(Socket(tab.receive, broken, ended).serve(screens, SCOPE), timeout=30)
        return screens

    assert asyncio.run(run()).seen[-1]["type"] == "websocket.disconnect"
