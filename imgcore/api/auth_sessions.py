"""The session of a browser: how it stands, opening it again after a lock, and a new password for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from imgcore.api import auth_forms, identity
from imgcore.api.auth_requests import (
    FORM_BYTES,
    again,
    browser_of,
    chosen_password,
    passwords,
    typed_in,
)
from imgcore.api.errors import error_answer
from imgcore.api.identity import actor_of, in_thread
from imgcore.api.paths import local_target
from imgcore.bootstrap import Clinic
from imgcore.domain.access import Actor
from imgcore.domain.values import PASSWORD_LENGTH
from imgcore.errors import ImgcoreError, Unauthenticated
from imgcore.services import Services
from imgcore.texts import _


class SessionPages:
    """What a page asks of its own session, and the two plain pages for its password."""

    def __init__(self, clinic: Callable[[], Clinic]) -> None:
        self._clinic = clinic

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        both = {"methods": ["GET", "POST"], "max_body_size": FORM_BYTES}
        return [
            Route("/auth/session", self.session, **both),  # type: ignore[arg-type]
            Route("/auth/unlock", self.unlock, **both),  # type: ignore[arg-type]
            Route("/auth/password", self.password, **both),  # type: ignore[arg-type]
        ]

    async def session(self, request: Request) -> Response:
        """Say who is signed in and for how long, for a page that watches.

        Asking does not keep the session alive. Sending does: it says that somebody moves or types here.
        """
        actor = actor_of(request)
        if actor.session_id is None:
            return error_answer(Unauthenticated(_("Please sign in.")), actor.request_id)
        try:
            if request.method == "POST":
                await in_thread(partial(self._services.sign_in.use, actor))
            return JSONResponse(await self._state(actor), headers={"Cache-Control": "no-store"})
        except ImgcoreError as error:
            return error_answer(error, actor.request_id)

    async def unlock(self, request: Request) -> Response:
        """Ask for the password of who was here, or open their session again.

        A page that stays open under its lock asks for JSON, and gets the state of the session.
        """
        actor, in_page = actor_of(request), "application/json" in request.headers.get("accept", "")
        typed = await typed_in(request) if request.method == "POST" else {}
        target = local_target(typed.get("next") or request.query_params.get("next", "/"))
        if actor.session_id is None:
            gone = error_answer(Unauthenticated(_("Please sign in.")), actor.request_id)
            return gone if in_page else RedirectResponse("/auth/login", status_code=303)
        form = auth_forms.unlock_form(actor.name, target, self._services.settings.outer_name)
        try:
            if request.method == "POST":
                work = partial(self._services.sign_in.unlock, actor, typed.get("password", ""))
                await in_thread(work, passwords)
            state = await self._state(actor)
        except ImgcoreError as error:
            return error_answer(error, actor.request_id) if in_page else again(form, error)
        if in_page:
            return JSONResponse(state)
        return form.answer() if state["is_locked"] else RedirectResponse(target, status_code=303)

    async def password(self, request: Request) -> Response:
        """Show the page for a new password of one's own, or set it."""
        actor, account = actor_of(request), self._services.account
        if not await in_thread(partial(account.has_password, actor)):
            text = _("You sign in with {name}, and have no password here.")
            said = text.format(name=self._services.settings.outer_name or _("a one-time link"))
            return auth_forms.message(_("Change password"), said, "/account", _("Back"), status=200)
        form = auth_forms.password_form(actor.email, PASSWORD_LENGTH)
        if request.method != "POST":
            return form.answer()
        typed = await typed_in(request)
        try:
            new = chosen_password(typed)
            current, browser = typed.get("current", ""), browser_of(request)
            work = partial(account.change_password, actor, current, new, browser)
            opened = await in_thread(work, passwords)
        except ImgcoreError as error:
            return again(form, error)
        text = _("Every other browser is signed out, and your tokens have stopped working.")
        done = auth_forms.message(_("Your password is changed"), text, "/account", _("Go on"), status=200)
        identity.set_cookie(done, opened.token, self._services.settings, request.url.scheme)
        return done

    @property
    def _services(self) -> Services:
        return self._clinic().services

    async def _state(self, actor: Actor) -> dict[str, Any]:
        state = await in_thread(partial(self._services.sign_in.state, actor))
        who = {"name": actor.name, "email": actor.email, "role": actor.role.value}
        return who | asdict(state) | {"ends_at": state.ends_at.isoformat()}
