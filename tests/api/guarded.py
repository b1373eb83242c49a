"""A guard in front of an app that only says what reached it, with a real clinic behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Router
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from imgcore import bootstrap
from imgcore.api.auth_oidc import OuterSignIn
from imgcore.api.auth_pages import AuthPages
from imgcore.api.auth_sessions import SessionPages
from imgcore.api.guard import Guard
from imgcore.api.identity import actor_of
from imgcore.api.security import SecurityHeaders
from imgcore.api.upload_caps import Caps
from imgcore.bootstrap import Clinic
from imgcore.config import SESSION_COOKIE, load_settings
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.records import User
from imgcore.domain.values import NewUser, StaffRole

ORIGIN = "http://testserver"
PASSWORD = "correct horse battery"
OURS = {"Sec-Fetch-Site": "same-origin"}
AS_PAGE = {"Accept": "text/html,application/xhtml+xml"}


@dataclass
class FakeTabs:
    """Tabs as a test says they are."""

    cookies: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[int]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def cookie(self, tab: str, name: str) -> str | None:
        return self.cookies.get(tab) if name == SESSION_COOKIE else None

    def held(self, tab: str) -> tuple[int, int]:
        return len(self.files.get(tab, [])), sum(self.files.get(tab, []))

    def held_in_all(self) -> int:
        return sum(map(sum, self.files.values()))

    def forget_closed(self) -> None:
        for tab in self.closed:
            self.files.pop(tab, None)

    def is_unasked(self, message: bytes) -> bool:
        return message == b"by itself"


class House:
    """A client of the guarded app, the clinic and the tabs behind it; nobody is signed in at first."""

    def __init__(self, clinic: Clinic, app: ASGIApp, caps: Caps | None = None) -> None:
        self.clinic = clinic
        self.tabs = FakeTabs()
        guard = Guard(app, clinic=lambda: clinic, tabs=self.tabs, caps=caps)
        self.app = SecurityHeaders(guard, https_only=lambda: clinic.services.settings.secure_cookies)
        self.client = TestClient(self.app, follow_redirects=False)

    def add(self, email: str, role: StaffRole) -> User:
        """Add a person, whose password is ``PASSWORD``."""
        new = NewUser(email=email, name=email.partition("@")[0], role=role, password=PASSWORD)
        return self.clinic.services.accounts.create(system(), new)[0]

    def open_session(self, email: str = "admin@clinic.example") -> str:
        """Sign in, and return the token of the session."""
        return self.clinic.services.sign_in.open(visitor(), email, PASSWORD).token

    def bearer(self, email: str = "admin@clinic.example") -> str:
        """Return a token for a program."""
        return self.clinic.services.sign_in.token(visitor(), email, PASSWORD)

    def sign_in(self) -> str:
        """Sign the client in as the administrator."""
        token = self.open_session()
        self.client.cookies.set(SESSION_COOKIE, token)
        return token

    def status_of_raw(self, path: str) -> int:
        """Ask for a path that every client would tidy first."""
        cookie = f"{SESSION_COOKIE}={self.client.cookies.get(SESSION_COOKIE, '')}"
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"cookie", cookie.encode())],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(_run(self.app, scope, receive, send))
        status: int = sent[0]["status"]
        return status


@contextmanager
def open_house(folder: Path, caps: Caps | None = None, **settings: object) -> Iterator[House]:
    """Build a clinic with an administrator in a folder, and a guard in front of an app that echoes."""
    with _opened(folder, settings) as clinic:
        house = House(clinic, echo, caps)
        house.add("admin@clinic.example", Role.ADMIN)
        yield house


@contextmanager
def open_house_with_pages(folder: Path, *, is_local: bool = True, **settings: object) -> Iterator[House]:
    """Build a clinic that nobody has set up, with the real pages under ``/auth``."""
    with _opened(folder, settings) as clinic:
        pages = AuthPages(lambda: clinic, is_local=is_local)
        parts = (pages, SessionPages(lambda: clinic), OuterSignIn(lambda: clinic))
        yield House(clinic, Router([route for part in parts for route in part.routes()], default=echo))


@contextmanager
def _opened(folder: Path, settings: dict[str, object]) -> Iterator[Clinic]:
    clinic = bootstrap.build(load_settings(data_dir=folder, **settings))
    try:
        yield clinic
    finally:
        clinic.close()


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who reached the app, with which path; some paths misbehave."""
    if scope["type"] == "websocket":
        await _echo_messages(WebSocket(scope, receive, send))
        return
    app: ASGIApp = {"/api/fault": _fault, "/api/cut": _cut, "/api/gone": _gone}.get(scope["path"], _answer)
    await app(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    connection = HTTPConnection(scope)
    actor = actor_of(connection)
    while (message := await receive()).get("more_body"):
        pass
    body = {
        "reached": scope["path"],
        "who": actor.email,
        "request_id": actor.request_id,
        "last": message["type"],
    }
    await JSONResponse(body)(scope, receive, send)


async def _fault(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("the name of a patient")


async def _cut(scope: Scope, receive: Receive, send: Send) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]}
    await send(start)
    raise ValueError("gone in the middle")


async def _gone(scope: Scope, receive: Receive, send: Send) -> None:
    raise ClientDisconnect


async def _echo_messages(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_bytes():
        await socket.send_bytes(b"drawn: " + message)
