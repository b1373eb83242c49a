"""The way to the outer sign-in and back; it stands beside the password, and never makes an account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from secrets import compare_digest
from time import time

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from imgcore.api import auth_forms
from imgcore.api.auth_requests import browser_of, welcome
from imgcore.api.errors import status_of
from imgcore.api.identity import actor_of, in_thread
from imgcore.api.oidc import Pending, Provider
from imgcore.api.paths import local_target
from imgcore.bootstrap import Clinic
from imgcore.domain.access import Actor
from imgcore.domain.links import derived_key
from imgcore.errors import ImgcoreError, NotFound, Unauthenticated
from imgcore.services import Services
from imgcore.texts import _

COOKIE = "imgcore_outer"
PLACE = "/auth/oidc"
CALLBACK = "/auth/oidc/callback"
MINUTES = 10

# Each waits for another server.
_waiting = CapacityLimiter(8)


class OuterSignIn:
    """The two routes of the outer sign-in; without its settings there is nothing at their addresses."""

    def __init__(self, clinic: Callable[[], Clinic]) -> None:
        self._clinic = clinic

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(PLACE, self.go, methods=["GET"]),
            Route(CALLBACK, self.come_back, methods=["GET"]),
        ]

    async def go(self, request: Request) -> Response:
        """Send the browser to the provider."""
        target = local_target(request.query_params.get("next", "/"))
        try:
            url, pending = await in_thread(partial(self._provider(request).start, target), _waiting)
        except ImgcoreError as error:
            return _refusal(error)
        answer = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE,
            _sealed(self._key, pending),
            max_age=MINUTES * 60,
            path=PLACE,
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """Take whom the provider sends back; the signed cookie says that this browser asked for it."""
        actor = actor_of(request)
        pending = _opened(self._key, request.cookies.get(COOKIE, ""))
        try:
            provider = self._provider(request)
            answer = await self._let_in(request, actor, provider, pending)
        except ImgcoreError as error:
            answer = _refusal(error)
        answer.delete_cookie(
            COOKIE, path=PLACE, secure=self._is_secure(request), httponly=True, samesite="lax"
        )
        return answer

    async def _let_in(
        self, request: Request, actor: Actor, provider: Provider, pending: Pending | None
    ) -> Response:
        query, sign_in = request.query_params, self._services.sign_in
        if pending is None:
            raise Unauthenticated(_("This sign-in was not begun here, or took too long."), hint=_TRY_AGAIN)
        try:
            if not compare_digest(query.get("state", "").encode(), pending.state.encode()):
                raise Unauthenticated(
                    _("This sign-in was not begun here, or took too long."), hint=_TRY_AGAIN
                )
            if "code" not in query:
                raise Unauthenticated(_("You were not signed in there."), hint=_TRY_AGAIN)
            who = await in_thread(partial(provider.finish, pending, query["code"]), _waiting)
        except Unauthenticated:
            await in_thread(partial(sign_in.refuse_outer, actor))
            raise
        opened = await in_thread(partial(sign_in.open_outer, actor, who, browser_of(request)))
        if opened is None:
            return RedirectResponse(pending.target, status_code=303)
        if actor.session_id is not None:
            await in_thread(partial(sign_in.end, actor))
        return welcome(request, self._services.settings, opened, pending.target)

    def _provider(self, request: Request) -> Provider:
        settings = self._services.settings
        if not settings.oidc_issuer:
            raise NotFound(_("There is nothing at this address."))
        scheme = "https" if self._is_secure(request) else "http"
        return Provider(settings, f"{scheme}://{request.headers.get('host', '')}{CALLBACK}")

    def _is_secure(self, request: Request) -> bool:
        return self._services.settings.secure_cookies or request.url.scheme == "https"

    @property
    def _services(self) -> Services:
        return self._clinic().services

    @property
    def _key(self) -> bytes:
        return derived_key(self._services.settings.secret_key.get_secret_value(), "outer sign-in")


_TRY_AGAIN = _("Please try again from the sign-in page.")


def _sealed(key: bytes, pending: Pending) -> str:
    content = json.dumps(asdict(pending) | {"until": int(time()) + MINUTES * 60}).encode()
    body = base64.urlsafe_b64encode(content).decode()
    return f"{body}.{_seal(key, body)}"


def _opened(key: bytes, cookie: str) -> Pending | None:
    """Return what the cookie keeps, or None when it is not ours or too old."""
    body, _dot, seal = cookie.partition(".")
    if not compare_digest(seal.encode(), _seal(key, body).encode()):
        return None
    content = json.loads(base64.urlsafe_b64decode(body))
    return Pending(**content) if content.pop("until") > time() else None


def _seal(key: bytes, body: str) -> str:
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def _refusal(error: ImgcoreError) -> Response:
    title = _("Not signed in")
    text = f"{error.message} {error.hint}".strip()
    return auth_forms.message(title, text, "/auth/login", _("To the sign-in page"), status=status_of(error))
