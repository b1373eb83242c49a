"""Errors as answers: the one error shape, and the HTTP status of each error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from imgcore import errors
from imgcore.domain.values import explain
from imgcore.errors import ImgcoreError, Invalid
from imgcore.texts import _

if TYPE_CHECKING:  # the pages around the REST interface answer errors too, and start without it
    from fastapi import FastAPI

RETRY_SECONDS = 5
STATUS: dict[type[ImgcoreError], int] = {
    ImgcoreError: 500,
    errors.ConfigError: 503,
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.FileRefused: 422,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.TooManyTries: 429,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
    errors.ObjectMissing: 404,
}

# What the server says for itself, and the examples of the reference: code and message.
SAYINGS: dict[int, tuple[str, str]] = {
    400: ("malformed", _("What was sent cannot be read.")),
    401: ("not_signed_in", _("Please sign in.")),
    403: ("forbidden", _("Your role does not allow this.")),
    404: ("not_found", _("There is nothing at this address.")),
    405: ("method_not_allowed", _("This address does not take this kind of request.")),
    409: ("conflict", _("This contradicts what is already stored; nothing was changed.")),
    412: ("stale", _("Somebody else has changed this in the meantime; your change was not saved.")),
    413: ("too_large", _("What was sent is larger than allowed.")),
    415: ("unsupported_type", _("This is not sent in a form that this address takes.")),
    416: ("no_such_range", _("The file has no such bytes.")),
    422: ("invalid", _("What was sent cannot be used; nothing was changed.")),
    429: ("too_many_tries", _("Too many wrong passwords.")),
    500: ("error", _("Something went wrong on the server; it has been noted.")),
    503: ("unavailable", _("A part of the server does not answer. Please try again in a moment.")),
    507: ("storage_full", _("There is no space left on the server; nothing was stored.")),
}

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong: ``code`` for programs, ``message`` and ``hint``, the next step, for people."""

    code: str = Field(description="Stable name of the error.")
    message: str = Field(description="A sentence to show to a person.")
    hint: str = Field(description="What the person can do about it; empty when there is nothing to add.")
    request_id: str = Field(description="Number of the request, as in the header X-Request-ID.")


class ErrorAnswer(BaseModel):
    """The one shape of every answer that is an error."""

    error: Problem


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the reference says of a route's error answers."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    code, message = SAYINGS[status]
    example = shape(code, message, "", "9c0f6a52c5d74b0c8f4e7b1d2a3c4e5f")
    content = {"application/json": {"example": example}}
    return {"model": ErrorAnswer, "description": message, "content": content}


def status_of(error: ImgcoreError) -> int:
    """Return the HTTP status of an error, which is that of its nearest ancestor in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def shape(code: str, message: str, hint: str, request_id: str) -> dict[str, dict[str, str]]:
    """Return the body of an error answer."""
    return {"error": {"code": code, "message": message, "hint": hint, "request_id": request_id}}


def request_id_of(request: Request) -> str:
    """Return the number that the guard gave the request."""
    return getattr(request.scope.get("state", {}).get("imgcore_actor"), "request_id", "")


def error_headers(error: ImgcoreError) -> dict[str, str]:
    """Return what HTTP wants to be said along with an error."""
    status = status_of(error)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, errors.TooManyTries):
        headers["Retry-After"] = str(error.retry_after)
    elif status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    elif status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def error_answer(error: ImgcoreError, request_id: str) -> JSONResponse:
    """Return an error in the one shape, with what HTTP says of its kind in the headers."""
    body = shape(error.code, error.message, error.hint, request_id)
    return JSONResponse(body, status_code=status_of(error), headers=error_headers(error))


def unexpected_answer(request: Request, error: Exception) -> JSONResponse:
    """Note an error that nobody foresaw, and answer without a word of what it was."""
    request_id = request_id_of(request)
    logger.error("Request %s failed", request_id, exc_info=error)
    hint = _("If it happens again, give your administrator this number: {number}").format(number=request_id)
    return _said(500, hint, request_id, {})


def install(api: FastAPI) -> None:
    """Make every error of the application answer in the one shape."""
    from fastapi.exceptions import RequestValidationError

    api.add_exception_handler(ImgcoreError, _on_error)
    api.add_exception_handler(RequestValidationError, _on_validation)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(Exception, _on_unexpected)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, ImgcoreError) else ImgcoreError(str(error))
    return error_answer(known, request_id_of(request))


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    from fastapi.exceptions import RequestValidationError

    problems = list(error.errors()) if isinstance(error, RequestValidationError) else []
    request_id = request_id_of(request)
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _said(400, _("The body must be JSON."), request_id, {})
    if any(problem["loc"][0] == "path" for problem in problems):
        return _said(404, "", request_id, {})
    return error_answer(Invalid(explain(problems)), request_id)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return unexpected_answer(request, error)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_here(request)))
    return _said(error.status_code, "", request_id_of(request), headers)


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    return unexpected_answer(request, error)


def _said(status: int, hint: str, request_id: str, headers: Mapping[str, str]) -> JSONResponse:
    code, message = SAYINGS.get(status, SAYINGS[400])
    body = shape(code, message, hint, request_id)
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store", **headers})


def _methods_here(request: Request) -> set[str]:
    """Return what the address of a request does take."""
    path = request.scope["path"]
    here = [route for route in request.app.routes if route.path_regex.match(path)]
    return {method for route in here for method in route.methods}
