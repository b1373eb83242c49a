"""What guests open by a link and a PIN: plain pages under ``/share`` that need no script and no account."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from imgcore.api import share_forms
from imgcore.api.auth_requests import passwords, typed_in
from imgcore.api.errors import status_of
from imgcore.api.identity import actor_of, in_thread
from imgcore.api.sending import send_file
from imgcore.bootstrap import Clinic
from imgcore.domain.access import Actor
from imgcore.domain.sets import Comment, Shared, Ticket
from imgcore.domain.values import parse
from imgcore.errors import Conflict, ImgcoreError, Invalid, NotFound
from imgcore.services import Services
from imgcore.services.files import File
from imgcore.services.guests import MOST_LOOKING
from imgcore.texts import _

OPENED = "/share/opened/{share_id:uuid}"
FORM_BYTES = 64 * 1024
_COOKIE = "imgcore_share_"
_GONE = 410
_LONGEST_PIN = 20
_LONGEST_TICKET = 200


class SharePages:
    """The pages for guests of one server."""

    def __init__(self, clinic: Callable[[], Clinic]) -> None:
        self._clinic = clinic

    def routes(self) -> list[Route]:
        """Return the routes; after the PIN no address holds the link's secret any more."""
        picture = f"{OPENED}/{{place:int}}"
        return [
            Route(OPENED, self.gallery, methods=["GET"]),
            Route(f"{OPENED}/answer", self.answer, methods=["POST"], max_body_size=FORM_BYTES),
            Route(picture, self.large, methods=["GET"]),
            Route(f"{picture}/thumbnail", self.thumbnail, methods=["GET"]),
            Route(f"{picture}/picture", self.picture, methods=["GET"]),
            Route("/share/{token}", self.door, methods=["GET", "POST"], max_body_size=FORM_BYTES),
            Route("/share/{rest:path}", self.nothing, methods=["GET"]),
        ]

    async def door(self, request: Request) -> Response:
        """Ask for the PIN, or let the guest in who typed it."""
        actor, token, guests = actor_of(request), request.path_params["token"], self._services.guests
        path = f"/share/{quote(token, safe='')}"
        try:
            if request.method != "POST":
                await in_thread(partial(guests.knock, actor, token))
                return share_forms.pin_form(path)
            pin = "".join((await typed_in(request)).get("pin", "").split())[:_LONGEST_PIN]
            ticket = await in_thread(partial(guests.open, actor, token, pin), passwords)
        except Invalid as error:
            return share_forms.closed(error, _GONE)
        except ImgcoreError as error:
            return share_forms.pin_form(path, error, status_of(error))
        answer = RedirectResponse(OPENED.replace("{share_id:uuid}", str(ticket.share_id)), status_code=303)
        self._keep(answer, ticket, request.url.scheme)
        return answer

    async def nothing(self, request: Request) -> Response:
        """Say that there is nothing here; the screens behind are for people who are signed in."""
        return share_forms.closed(NotFound(_("There is nothing at this address.")), 404)

    async def gallery(self, request: Request) -> Response:
        """Show all pictures of the set."""
        return await self._shown(request, share_forms.gallery)

    async def large(self, request: Request) -> Response:
        """Show one picture."""
        place = request.path_params["place"]

        def page(shared: Shared) -> Response:
            for item in shared.items:
                if item.place == place:
                    return share_forms.large(shared, item)
            return share_forms.closed(NotFound(_("This picture is not shown any more.")), 404)

        return await self._shown(request, page)

    async def thumbnail(self, request: Request) -> Response:
        """Give a small picture."""
        return await self._file(request, self._services.guests.thumbnail)

    async def picture(self, request: Request) -> Response:
        """Give a large picture."""
        return await self._file(request, self._services.guests.picture)

    async def answer(self, request: Request) -> Response:
        """Take the guest's answer."""
        typed = await typed_in(request)
        name, text = typed.get("name", ""), typed.get("text", "")
        try:
            comment = parse(Comment, name=name, text=text.replace("\r\n", "\n"))
            await in_thread(partial(self._services.guests.answer, *self._asked(request), comment))
        except (Invalid, Conflict) as error:
            page = partial(share_forms.gallery, error=error, status=status_of(error), name=name, text=text)
            return await self._shown(request, page)
        except ImgcoreError as error:
            return share_forms.closed(error, status_of(error))
        return RedirectResponse(request.url.path.removesuffix("/answer"), status_code=303)

    @property
    def _services(self) -> Services:
        return self._clinic().services

    def _asked(self, request: Request) -> tuple[Actor, UUID, str]:
        share_id: UUID = request.path_params["share_id"]
        ticket = request.cookies.get(_COOKIE + share_id.hex, "")[:_LONGEST_TICKET]
        return actor_of(request), share_id, ticket

    async def _shown(self, request: Request, page: Callable[[Shared], Response]) -> Response:
        try:
            return page(await in_thread(partial(self._services.guests.look, *self._asked(request))))
        except Invalid as error:
            return share_forms.closed(error, _GONE)
        except ImgcoreError as error:
            return share_forms.closed(error, status_of(error))

    async def _file(self, request: Request, give: Callable[..., File]) -> Response:
        try:
            place: int = request.path_params["place"]
            file = await in_thread(partial(give, *self._asked(request), place))
            answer = await in_thread(partial(send_file, request, file, keep="no-store"))
        except ImgcoreError as error:
            return PlainTextResponse(error.message, status_of(error), {"Cache-Control": "no-store"})
        return answer

    def _keep(self, answer: Response, ticket: Ticket, scheme: str) -> None:
        """Give the browser its ticket, which no page of another site can make it send."""
        answer.set_cookie(
            _COOKIE + ticket.share_id.hex,
            ticket.value,
            max_age=int(MOST_LOOKING.total_seconds()),
            path="/share/",
            secure=self._services.settings.secure_cookies or scheme == "https",
            httponly=True,
            samesite="strict",
        )
