"""One's own account: sessions, personal access tokens and password; for browsers alone, never by a token."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from imgcore.api import account_schemas as schemas
from imgcore.api.account_schemas import PasswordBody, TokenBody
from imgcore.api.calls import Asked
from imgcore.api.errors import documented
from imgcore.api.identity import set_cookie
from imgcore.api.sections import section
from imgcore.domain import accounts

router = section("Account")


@router.get("/api/v1/auth/tokens/", summary="List your tokens", response_model=list[schemas.AccessToken])
def list_tokens(call: Asked) -> tuple[accounts.AccessToken, ...]:
    """Those that still work, the newest first. From a browser's session only."""
    return call.services.account.tokens(call.actor)


@router.post(
    "/api/v1/auth/tokens/", summary="Make a token", status_code=201, response_model=schemas.AddedToken,
    responses=documented(400, 409, 413),
)  # fmt: skip
def add_token(call: Asked, new: TokenBody) -> schemas.AddedToken:
    """For a program of your own, for 1 to 365 days. `admin` is for administrators. It is shown this once."""
    token, secret = call.services.account.add_token(call.actor, new)
    return schemas.AddedToken(token=schemas.AccessToken.model_validate(token), secret=secret)


@router.delete(
    "/api/v1/auth/tokens/{token_id:uuid}/", summary="Revoke a token", status_code=204,
    responses=documented(404),
)  # fmt: skip
def revoke_token(call: Asked, token_id: UUID) -> None:
    """It stops working at once."""
    call.services.account.revoke_token(call.actor, token_id)


@router.get(
    "/api/v1/auth/sessions/", summary="Where you are signed in", response_model=list[schemas.OwnSession]
)
def list_sessions(call: Asked) -> tuple[accounts.OwnSession, ...]:
    """This browser first, then by last use. From a browser's session only."""
    return call.services.account.sessions(call.actor)


@router.delete(
    "/api/v1/auth/sessions/{session_id:uuid}/", summary="Sign a browser out", status_code=204,
    responses=documented(404),
)  # fmt: skip
def end_session(call: Asked, session_id: UUID) -> None:
    """Its open pages are cut off at once."""
    call.services.account.end_session(call.actor, session_id)


@router.post(
    "/api/v1/auth/password/", summary="Change your password", status_code=204,
    responses=documented(400, 413, 429),
)  # fmt: skip
def change_password(call: Asked, request: Request, response: Response, change: PasswordBody) -> None:
    """Ends every other session and every token; the answer sets a new session cookie for this browser.

    403 for a wrong current password. At most 10 wrong tries in 15 minutes, then 429.
    """
    browser = request.headers.get("user-agent", "")
    account = call.services.account
    opened = account.change_password(call.actor, change.current_password, change.new_password, browser)
    set_cookie(response, opened.token, call.services.settings, request.url.scheme)
