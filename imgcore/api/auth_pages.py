"""Sign-in, sign-out, set-up and one-time links: plain pages under ``/auth``, in front of all others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from imgcore.api import auth_forms, identity, set_up
from imgcore.api.auth_requests import (
    FORM_BYTES,
    again,
    browser_of,
    chosen_password,
    passwords,
    signed_out,
    typed_in,
    welcome,
)
from imgcore.api.identity import actor_of, in_thread
from imgcore.api.paths import local_target
from imgcore.bootstrap import Clinic
from imgcore.domain.access import Actor, Role
from imgcore.domain.values import PASSWORD_LENGTH, NewUser, parse
from imgcore.errors import ImgcoreError, Invalid, Unauthenticated
from imgcore.services import Services
from imgcore.services.sign_in import Opened
from imgcore.texts import _


class AuthPages:
    """The pages of one server; ``is_local`` says that nobody from another machine can reach it."""

    def __init__(self, clinic: Callable[[], Clinic], *, is_local: bool) -> None:
        self._clinic = clinic
        self._is_local = is_local
        self._codes = set_up.CodeCheck()

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        both = {"methods": ["GET", "POST"], "max_body_size": FORM_BYTES}
        return [
            Route("/auth/login", self.login, **both),  # type: ignore[arg-type]
            Route("/auth/logout", self.logout, **both),  # type: ignore[arg-type]
            Route("/auth/setup", self.set_up, **both),  # type: ignore[arg-type]
            Route("/auth/link/{token}", self.link, **both),  # type: ignore[arg-type]
        ]

    async def login(self, request: Request) -> Response:
        """Show the sign-in page, or sign in."""
        target = local_target(request.query_params.get("next", "/"))
        actor = actor_of(request)
        if request.method == "POST":
            return await self._sign_in(request, actor)
        if actor.session_id is not None:
            return RedirectResponse(target, status_code=303)
        if await self._needs_set_up(actor):
            return RedirectResponse("/auth/setup", status_code=303)
        left = "signed_out" in request.query_params
        return auth_forms.sign_in_form(target, signed_out=left, outer=self._outer).answer()

    async def _sign_in(self, request: Request, actor: Actor) -> Response:
        typed = await typed_in(request)
        email, target = typed.get("email", "").strip(), local_target(typed.get("next", "/"))
        browser = browser_of(request)
        sign_in = self._services.sign_in
        work = partial(sign_in.open, signed_out(actor), email, typed.get("password", ""), browser)
        try:
            opened = await in_thread(work, passwords)
        except ImgcoreError as error:
            failed = isinstance(error, Unauthenticated)
            return again(auth_forms.sign_in_form(target, email, failed=failed, outer=self._outer), error)
        await self._end(actor)
        return welcome(request, self._services.settings, opened, target)

    async def logout(self, request: Request) -> Response:
        """Ask whether to sign out, or do it."""
        actor = actor_of(request)
        if request.method == "POST":
            await self._end(actor)
        elif actor.session_id is not None:
            return auth_forms.sign_out_form(actor.name).answer()
        answer = RedirectResponse(f"/auth/login?{urlencode({'signed_out': 1})}", status_code=303)
        identity.clear_cookie(answer, self._services.settings, request.url.scheme)
        return answer

    async def set_up(self, request: Request) -> Response:
        """Show the set-up page, or create the first administrator and sign in."""
        actor = actor_of(request)
        if not await self._needs_set_up(actor):
            return RedirectResponse("/auth/login", status_code=303)
        asks_code = not self._is_local or not set_up.is_of_this_machine(request)
        asks_code = asks_code or self._services.settings.secure_cookies
        typed = await typed_in(request) if request.method == "POST" else {}
        name, email = typed.get("name", "").strip(), typed.get("email", "").strip()
        form = auth_forms.set_up_form(name, email, PASSWORD_LENGTH, asks_code=asks_code)
        if request.method != "POST":
            return form.answer()
        try:
            if asks_code:
                self._codes.check(self._services.settings, typed.get("code", ""))
            password = chosen_password(typed)
            new = parse(NewUser, email=email, name=name, role=Role.ADMIN, password=password)
            browser = browser_of(request)
            opened = await in_thread(partial(_first_admin, self._services, actor, new, browser), passwords)
        except ImgcoreError as error:
            return again(form, error)
        return welcome(request, self._services.settings, opened, "/")

    async def link(self, request: Request) -> Response:
        """Show whose one-time link this is, or set the password that was chosen and sign in."""
        actor, token = signed_out(actor_of(request)), request.path_params["token"]
        sign_in = self._services.sign_in
        try:
            email = await in_thread(partial(sign_in.link_owner, actor, token))
        except Invalid as error:
            return auth_forms.message(error.message, error.hint, "/auth/login", _("Sign in"), status=410)
        form = auth_forms.link_form(quote(token, safe=""), email, PASSWORD_LENGTH)
        if request.method != "POST":
            return form.answer()
        try:
            password = chosen_password(await typed_in(request))
            browser = browser_of(request)
            opened = await in_thread(partial(sign_in.redeem, actor, token, password, browser), passwords)
        except ImgcoreError as error:
            return again(form, error)
        await self._end(actor_of(request))
        return welcome(request, self._services.settings, opened, "/")

    @property
    def _services(self) -> Services:
        return self._clinic().services

    @property
    def _outer(self) -> str:
        return self._services.settings.outer_name

    async def _needs_set_up(self, actor: Actor) -> bool:
        return await in_thread(partial(self._services.accounts.needs_set_up, actor))

    async def _end(self, actor: Actor) -> None:
        """End the session that the browser had until now."""
        if actor.session_id is not None:
            await in_thread(partial(self._services.sign_in.end, actor))


def _first_admin(services: Services, actor: Actor, new: NewUser, browser: str) -> Opened:
    services.accounts.set_up(actor, new)
    return services.sign_in.open(actor, new.email, new.password or "", browser)
