"""The guard before every path: it finds out who asks, and lets nobody past who may not be there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore.api import identity, origins, paths
from imgcore.api.errors import error_answer, unexpected_answer
from imgcore.api.paths import Access
from imgcore.api.sockets import POLICY_VIOLATION, Socket
from imgcore.api.tabs import Tabs
from imgcore.api.upload_caps import Caps, UploadCaps
from imgcore.bootstrap import Clinic
from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Actor
from imgcore.errors import Forbidden, ImgcoreError, Locked, NotFound, Unauthenticated
from imgcore.texts import _

# Says to Streamlit whose tab it is, so that nobody else can take up where the tab was left.
PERSON_HEADER = "X-Imgcore-Person"
SIGN_IN, UNLOCK = "/auth/login", "/auth/unlock"
_UPLOADS = "/_stcore/upload_file/"


@dataclass
class Visit:
    """One request on its way through the guard: who asks, and whether an answer has begun."""

    connection: HTTPConnection
    asking: Actor
    access: Access
    has_answer: bool = False

    @property
    def scope(self) -> Scope:
        """What the server knows of the request."""
        return self.connection.scope

    @property
    def headers(self) -> Headers:
        """The headers of the request."""
        return self.connection.headers

    @property
    def path(self) -> str:
        """The path that is asked for, decoded."""
        path: str = self.scope["path"]
        return path


class Guard:
    """Middleware that stands before the screens, the REST interface and all that Streamlit serves."""

    def __init__(
        self, app: ASGIApp, clinic: Callable[[], Clinic], tabs: Tabs, caps: Caps | None = None
    ) -> None:
        self._app = app
        self._clinic = clinic
        self._tabs = tabs
        self._caps = UploadCaps(tabs, caps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or websocket pass, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        visit = Visit(connection, identity.visitor_of(scope), paths.access(scope["path"]))
        identity.set_actor(scope, visit.asking)
        if scope["type"] == "websocket":
            await self._websocket(visit, receive, send)
        else:
            await self._http(visit, receive, send)

    async def _http(self, visit: Visit, receive: Receive, send: Send) -> None:
        answer = self._answering(visit, send)
        try:
            if self._is_preflight(visit):
                await origins.preflight_answer()(visit.scope, receive, answer)
                return
            identity.set_actor(visit.scope, await self._let_in(visit))
            if visit.path.startswith(_UPLOADS):
                await self._upload(visit, receive, answer)
            else:
                await self._app(visit.scope, receive, answer)
        except ClientDisconnect:
            return  # nobody is left to answer, and nothing is wrong
        except Exception as error:
            if visit.has_answer:
                raise  # cuts the connection, so that a short answer shows
            await _refusal(visit, error)(visit.scope, receive, answer)

    def _answering(self, visit: Visit, send: Send) -> Send:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.has_answer = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = visit.asking.request_id
                if self._is_for_programs(visit):
                    origins.allow(headers, visit.headers["origin"], self._allowed_origins())
            await send(message)

        return send_on

    async def _let_in(self, visit: Visit) -> Actor:
        """Return who asks; raise when they may not."""
        if not paths.is_plain(visit.path):
            raise NotFound(_("There is nothing at this address."))
        if visit.access is Access.OPEN:
            return visit.asking
        writes = visit.scope["method"] not in origins.SAFE_METHODS
        actor = await self._by_token(visit)
        if actor is None:
            actor = await self._by_cookie(visit)
            needs_proof = actor is not None or visit.path.startswith(("/auth/", "/share/"))
            if writes and needs_proof and not origins.is_from_our_page(visit.headers):
                raise Forbidden(_("This request did not come from a page of Imgcore."))
        if actor is None and not _is_open_to_visitors(visit):
            raise Unauthenticated(_("Please sign in."), hint=_("Reload the page to get to the sign-in page."))
        return actor or visit.asking

    async def _by_token(self, visit: Visit) -> Actor | None:
        token = identity.bearer_of(visit.connection)
        if not token or visit.access not in (Access.SESSION_OR_BEARER, Access.SIGNED):
            return None
        return await identity.by_bearer(self._clinic(), visit.asking, token)

    async def _by_cookie(self, visit: Visit) -> Actor | None:
        token, is_open = identity.cookie_of(visit.connection), visit.access is Access.ANYONE
        even_locked = paths.is_for_locked(visit.path)
        ask = partial(identity.by_cookie, self._clinic(), visit.asking, token, even_locked=even_locked)
        try:
            return await ask(is_use=not is_open)
        except Locked:
            if is_open:
                return None  # as whoever came to this browser while its person is away
            raise

    async def _upload(self, visit: Visit, receive: Receive, send: Send) -> None:
        """Pass a file of Streamlit's own uploader on, into a tab of the same session only."""
        tab = visit.path.removeprefix(_UPLOADS).partition("/")[0]
        owner = self._tabs.cookie(tab, SESSION_COOKIE) or ""
        if not secrets.compare_digest(owner.encode(), identity.cookie_of(visit.connection).encode()):
            raise NotFound(_("This tab is no longer open."), hint=_("Reload the page and try again."))
        if visit.scope["method"] != "PUT":
            await self._app(visit.scope, receive, send)
            return
        declared = visit.headers.get("content-length", "")
        with self._caps.arriving(tab, int(declared) if declared.isdecimal() else 0) as arrival:
            await self._app(visit.scope, self._caps.counted(arrival, receive), send)

    async def _websocket(self, visit: Visit, receive: Receive, send: Send) -> None:
        try:
            allowed = paths.is_plain(visit.path) and origins.has_own_origin(visit.headers)
            actor = await self._by_cookie(visit) if allowed else None
        except ImgcoreError:
            actor = None
        if actor is None:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        identity.set_actor(visit.scope, actor)
        headers = MutableHeaders(scope=visit.scope)
        headers[PERSON_HEADER] = str(actor.user_id)

        async def in_session(message: Message | None) -> bool:
            is_use = message is not None and not self._tabs.is_unasked(message.get("bytes") or b"")
            token = identity.cookie_of(visit.connection)
            return await identity.by_cookie(self._clinic(), visit.asking, token, is_use=is_use) is not None

        await Socket(receive, send, in_session).serve(self._app, visit.scope)

    def _is_for_programs(self, visit: Visit) -> bool:
        return visit.path.startswith(("/api/", "/files/")) and "origin" in visit.headers

    def _is_preflight(self, visit: Visit) -> bool:
        return self._is_for_programs(visit) and origins.is_preflight(visit.scope["method"], visit.headers)

    def _allowed_origins(self) -> tuple[str, ...]:
        return self._clinic().services.settings.cors_origins


def _is_open_to_visitors(visit: Visit) -> bool:
    signed = visit.access is Access.SIGNED and "sig" in visit.connection.query_params
    return signed or visit.access is Access.ANYONE


def _refusal(visit: Visit, error: Exception) -> Response:
    if isinstance(error, Unauthenticated) and _is_page_load(visit):
        first = UNLOCK if isinstance(error, Locked) else SIGN_IN
        return RedirectResponse(_and_back(first, visit), status_code=303)
    if isinstance(error, ImgcoreError):
        return error_answer(error, visit.asking.request_id)
    return unexpected_answer(Request(visit.scope), error)


def _is_page_load(visit: Visit) -> bool:
    to_show = visit.headers.get("sec-fetch-dest", "document") == "document"
    return visit.scope["method"] == "GET" and to_show and "text/html" in visit.headers.get("accept", "")


def _and_back(first: str, visit: Visit) -> str:
    query = visit.scope["query_string"].decode("latin-1")
    wanted = quote(visit.path) + (f"?{query}" if query else "")
    return first if wanted == "/" else f"{first}?{urlencode({'next': wanted})}"
