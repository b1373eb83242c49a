"""Every route fails in the one shape: a walk over the routes that the application really has."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.convertors import IntegerConvertor

from imgcore import errors
from imgcore.api.errors import STATUS, status_of
from imgcore.api.rest import build_api
from imgcore.api.sections import MOST_BODY_BYTES, Route
from imgcore.domain.access import Role
from imgcore.errors import ImgcoreError
from tests.api.desks import Desk, problem
from tests.server import operations as documents
from tests.server.doctors import browser, send
from tests.server.operations import Request

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
OPEN = {"/healthz", "/readyz", "/api/v1/auth/token"}


class Operation(NamedTuple):
    """One method of one address, with ids that nothing has."""

    method: str
    path: str
    route: Route


def _never() -> object:
    raise AssertionError("no clinic is asked for while routes are declared")


def api() -> FastAPI:
    return build_api(_never)  # type: ignore[arg-type]


def operations() -> Iterator[Operation]:
    for route in api().routes:
        assert isinstance(route, Route), route
        path = route.path_format
        for name, convertor in route.param_convertors.items():
            value = "1" if isinstance(convertor, IntegerConvertor) else str(uuid4())
            path = path.replace(f"{{{name}}}", value)
        for method in sorted(route.methods or ()):
            yield Operation(method, path, route)


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.route.path_format}"


ALL = list(operations())
each = pytest.mark.parametrize("operation", ALL, ids=named)
with_ids = pytest.mark.parametrize(
    "operation",
    [
        one
        for one in ALL
        if set(one.route.param_convertors) - {"form"}  # that of a table
        and one.method != "HEAD"
        and not one.path.startswith(("/files/", "/api/docs/"))
    ],
    ids=named,
)
with_json = pytest.mark.parametrize(
    "operation", [one for one in ALL if one.route.body_field and one.path not in OPEN], ids=named
)


@each
def test_nobody_gets_anything_without_signing_in(desk: Desk, operation: Operation) -> None:
    answer = desk.visitor.request(operation.method, operation.path)
    if operation.path in OPEN:
        assert answer.status_code in (200, 422)
    else:
        assert answer.status_code == 401
    if operation.method != "HEAD" and answer.status_code != 200:
        problem(answer)


@each
def test_a_method_that_is_not_taken_is_named_as_such(desk: Desk, operation: Operation) -> None:
    answer = desk.admin.request("TRACE", operation.path)
    assert answer.status_code == 405
    assert problem(answer)["code"] == "method_not_allowed"
    allowed = set(answer.headers["allow"].split(", "))
    assert operation.method in allowed
    assert allowed <= METHODS


@with_ids
def test_what_nobody_knows_is_not_found(desk: Desk, operation: Operation) -> None:
    sent = request_of(desk, operation)
    answer = send(browser(desk, Role.ADMIN)[0], sent)
    # Where nobody works in teams, the answer is that.
    expected = (409, "conflict") if "/team/" in operation.path else (404, "not_found")
    assert (answer.status_code, problem(answer)["code"]) == expected


def request_of(desk: Desk, operation: Operation) -> Request:
    """Return what the document shows as an example of this call, with ids that nothing has."""
    wanted = (operation.method, operation.route.path_format)
    documented = documents.operations(desk.admin.get("/api/openapi.json").json())
    found = next(each for each in documented if (each.method, each.path) == wanted)
    return next(documents.filled(found, documents.NOTHING))[1]


@with_json
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1'], ids=range(4))
def test_a_body_that_is_no_json_is_malformed(desk: Desk, operation: Operation, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = desk.admin.request(operation.method, operation.path, content=content, headers=headers)
    assert answer.status_code == 400
    assert problem(answer)["code"] == "malformed"


@with_json
def test_a_body_of_another_kind_is_invalid(desk: Desk, operation: Operation) -> None:
    for body in (7, "text", [1], {"unknown": 1}, True):
        answer = desk.admin.request(operation.method, operation.path, json=body)
        assert (body, answer.status_code) == (body, 422)
        assert problem(answer)["code"] == "invalid"


@with_json
def test_a_body_that_is_too_large_is_not_read(desk: Desk, operation: Operation) -> None:
    content = b'{"name": "' + b"x" * MOST_BODY_BYTES + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = desk.admin.request(operation.method, operation.path, content=content, headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing/", "/api/images/not-an-id/", "/files/", "/api/images/1"]
)
def test_an_address_where_nothing_is_has_the_shape_too(desk: Desk, path: str) -> None:
    answer = desk.client.get(path)
    assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")


def test_every_error_has_a_status() -> None:
    kinds = [
        kind for _name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ImgcoreError)
    ]
    own = {kind: next(STATUS[each] for each in kind.__mro__ if each in STATUS) for kind in kinds}
    assert {kind.__name__ for kind, status in own.items() if status == 500} == {"ImgcoreError"}
    assert own[errors.Stale] == 412
    assert own[errors.ObjectExists] == own[errors.Conflict] == 409
    assert status_of(errors.DatabaseUnavailable("x")) == 503


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (errors.DatabaseUnavailable("The database is busy."), 503, {"retry-after": "5"}),
        (errors.StorageFull("No space is left."), 507, {}),
        (errors.TooManyTries("Too many.", retry_after=17), 429, {"retry-after": "17"}),
        (errors.Stale("It has changed.", hint="Reload."), 412, {}),
    ],
)
def test_what_a_service_raises_is_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: ImgcoreError, status: int, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(type(desk.clinic.services.patients), "find", _raising(error))
    answer = desk.client.get("/api/patients/")
    assert answer.status_code == status
    told = problem(answer)
    assert (told["code"], told["message"], told["hint"]) == (error.code, error.message, error.hint)
    assert answer.headers["cache-control"] == "no-store"
    assert headers.items() <= dict(answer.headers).items()


def test_a_fault_that_nobody_foresaw_is_noted_and_not_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(desk.clinic.services.patients), "find", _raising(ValueError("Ada Novak")))
    with caplog.at_level(logging.ERROR):
        answer = desk.client.get("/api/patients/")
    assert answer.status_code == 500
    told = problem(answer)
    assert (told["code"], "Ada" in answer.text, "ValueError" in answer.text) == ("error", False, False)
    assert told["request_id"] in told["hint"]
    assert told["request_id"] in caplog.text


def test_readiness_tells_what_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    health = desk.clinic.services.health
    monkeypatch.setattr(health, "_last", None)
    away = _raising(errors.StoreUnavailable("The store does not answer."))
    monkeypatch.setattr(type(desk.clinic.store), "check", away)
    answer = desk.visitor.get("/readyz")
    monkeypatch.setattr(health, "_last", None)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert problem(answer)["message"] == "The store does not answer."
    assert desk.visitor.get("/healthz").status_code == 200


def _raising(error: Exception) -> object:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail
