"""Signing in as a program, and who one is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Form, Request, Response

from imgcore.api import schemas
from imgcore.api.calls import Asked
from imgcore.api.errors import documented
from imgcore.api.identity import clear_cookie
from imgcore.api.sections import section
from imgcore.domain.values import Line
from imgcore.services.credentials import TOKEN_SECONDS

public = section("Sign-in", is_public=True)
router = section("Sign-in")


@public.post(
    "/api/v1/auth/token", summary="Get a token for a program", response_model=schemas.Token,
    responses=documented(400, 401, 403, 413, 422, 429),
)  # fmt: skip
def get_token(
    call: Asked,
    username: Annotated[Line, Form(max_length=254, description="The e-mail address.")],
    password: Annotated[str, Form(max_length=1000, json_schema_extra={"format": "password"})],
    grant_type: Annotated[Literal["password"], Form()] = "password",
) -> schemas.Token:
    """The password form of OAuth2. At most 10 wrong tries in 15 minutes, then 429."""
    token = call.services.sign_in.token(call.actor, username, password)
    return schemas.Token(access_token=token, expires_in=TOKEN_SECONDS)


@router.post("/api/v1/auth/logout", summary="Sign out", status_code=204)
def sign_out(call: Asked, request: Request, response: Response) -> None:
    """Ends this session, or this personal token; with a token of an hour, all of that kind of the person."""
    call.services.sign_in.end(call.actor)
    clear_cookie(response, call.services.settings, request.url.scheme)


@router.get("/api/v1/auth/me", summary="Who is signed in", response_model=schemas.Me)
async def get_me(call: Asked) -> schemas.Me:
    """The person that the token or the session belongs to."""
    actor = call.actor
    return schemas.Me(
        id=actor.user_id, email=actor.email, name=actor.name, role=actor.role, patient_id=actor.patient_id
    )
