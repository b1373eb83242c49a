"""What the pages under ``/auth`` share: reading their forms, and answering with a session."""

from __future__ import annotations

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from imgcore.api import identity
from imgcore.api.auth_forms import Form
from imgcore.api.errors import status_of
from imgcore.config import Settings
from imgcore.domain.access import Actor, visitor
from imgcore.domain.values import PASSWORD_LENGTH
from imgcore.errors import ImgcoreError, Invalid
from imgcore.services.sign_in import Opened
from imgcore.texts import _

FORM_BYTES = 16 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"

# Each password costs 64 MiB of memory while it is checked.
passwords = CapacityLimiter(4)


async def typed_in(request: Request) -> dict[str, str]:
    """Return what stands in the form; anything but a small plain form is an empty one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        return {}
    form = await request.form(max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def again(form: Form, error: ImgcoreError) -> Response:
    """Show a form once more, with what was wrong."""
    return form.answer(error, status_of(error))


def chosen_password(typed: dict[str, str]) -> str:
    """Return the new password of a form, which was typed twice."""
    password = typed.get("password", "")
    if len(password) < PASSWORD_LENGTH:
        raise Invalid(_("The password needs at least {count} characters.").format(count=PASSWORD_LENGTH))
    if len(password) > 200:
        raise Invalid(_("The password is too long."))
    if password != typed.get("again", ""):
        raise Invalid(_("The two passwords are not the same."))
    return password


def browser_of(request: Request) -> str:
    """Return what the browser calls itself."""
    return request.headers.get("user-agent", "")


def signed_out(actor: Actor) -> Actor:
    """Return the asker as a visitor: whoever signs in was nobody before."""
    return visitor(actor.address, actor.request_id)


def welcome(request: Request, settings: Settings, opened: Opened, target: str) -> Response:
    """Lead on with the session that was just opened."""
    answer = RedirectResponse(target, status_code=303)
    identity.set_cookie(answer, opened.token, settings, request.url.scheme)
    return answer
