"""The reference says of every route what it takes, answers and refuses, and needs no other host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from imgcore.api.rest import build_api
from imgcore.api.sections import Route
from tests.api.desks import Desk

Json = dict[str, Any]


class Documented(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    content: Json


def _never() -> object:
    raise AssertionError("no clinic is asked for while routes are declared")


API = build_api(_never)  # type: ignore[arg-type]
DOCUMENT: Json = API.openapi()
WITH_A_BODY = {"json", "multipart/form-data", "application/x-www-form-urlencoded"}


def operations() -> Iterator[Documented]:
    for path, methods in DOCUMENT["paths"].items():
        for method, content in methods.items():
            yield Documented(method.upper(), path, content)


ALL = list(operations())
each = pytest.mark.parametrize("operation", ALL, ids=lambda one: f"{one.method} {one.path}")


def resolved(schema: Json) -> Json:
    found = schema
    while "$ref" in found:
        found = DOCUMENT["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return found


def has_example(schema: Json) -> bool:
    """Tell whether the page can show an example: of the schema, of its items, or of each of its fields."""
    found = resolved(schema)
    if found.get("examples") or "example" in found:
        return True
    if found.get("type") == "array":
        return has_example(found["items"])
    if found.get("type") in ("integer", "boolean") or "enum" in found or "const" in found:
        return True
    if "anyOf" in found:
        return any(has_example(one) or one.get("type") in ("string", "null") for one in found["anyOf"])
    fields = found.get("properties", {})
    return bool(fields) and all(has_example(field) for field in fields.values())


def test_every_route_is_in_the_reference() -> None:
    real = {
        (method, route.path_format)
        for route in API.routes
        if isinstance(route, Route) and route.include_in_schema
        for method in route.methods or ()
    }
    assert real == {(one.method, one.path) for one in ALL}
    hidden = [route for route in API.routes if isinstance(route, Route) and not route.include_in_schema]
    for route in hidden:
        assert (
            route.path_format.startswith("/api/docs")
            or route.path_format == "/api/openapi.json"
            or (route.methods == {"HEAD"} and ("GET", route.path_format) in real)
        )


@each
def test_an_operation_says_what_it_is(operation: Documented) -> None:
    content = operation.content
    assert re.fullmatch(r"[a-z_]{3,40}", content["operationId"])
    assert len(content["tags"]) == 1
    assert 5 < len(content["summary"]) < 60
    assert content["description"].endswith((".", ")"))


def test_operation_ids_are_names_that_occur_once() -> None:
    ids = [one.content["operationId"] for one in ALL]
    assert len(set(ids)) == len(ids)


@each
def test_an_operation_says_how_it_fails(operation: Documented) -> None:
    answers = operation.content["responses"]
    is_open = operation.path in ("/healthz", "/readyz", "/api/v1/auth/token", "/files/{image_id}/{kind}")
    wanted = {"500", "503"} if is_open else {"401", "403", "422", "500", "503"}
    if "{" in operation.path:
        wanted |= {"401", "404"}
    if "application/json" in operation.content.get("requestBody", {}).get("content", {}):
        wanted |= {"400", "413", "422"}
    if any(field["name"] == "If-Match" for field in operation.content.get("parameters", [])):
        wanted |= {"412"}
    assert wanted <= set(answers)
    for status, answer in answers.items():
        if status[0] in "45":
            schema = answer["content"]["application/json"]["schema"]
            shapes = {each["$ref"].rpartition("/")[2] for each in schema.get("anyOf", [schema])}
            is_upload = operation.content["operationId"] == "upload_images" and status == "422"
            assert shapes == ({"UploadAnswer", "ErrorAnswer"} if is_upload else {"ErrorAnswer"})


@each
def test_an_operation_shows_examples(operation: Documented) -> None:
    for kind, body in operation.content.get("requestBody", {}).get("content", {}).items():
        if kind != "application/x-www-form-urlencoded":
            assert body.get("examples") or body.get("example"), kind
    for status, answer in operation.content["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind == "application/json":
                assert content.get("example") or has_example(content["schema"]), (status, content)


def test_examples_are_what_the_routes_take() -> None:
    fields = [route.body_field for route in API.routes if isinstance(route, Route)]
    examples = [
        (field, example["value"])
        for field in fields
        if field is not None
        for example in (getattr(field.field_info, "openapi_examples", None) or {}).values()
    ]
    assert len(examples) > 15
    for field, value in examples:
        assert field.validate(value, {}, loc=("body",))[1] == [], value


def test_the_upload_is_a_form_of_files() -> None:
    upload = DOCUMENT["paths"]["/api/images/batches/{batch_id}/upload/"]["post"]
    schema = upload["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["properties"]["images"]["items"] == {"type": "string", "format": "binary"}
    assert set(schema["properties"]) >= {"categories", "captions", "body_location", "laterality"}


def test_the_page_needs_no_other_host_and_no_script_inside_it(desk: Desk) -> None:
    page = desk.client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert desk.client.get("/api/docs/").text == page.text
    assert re.findall(r"<script[^>]*>([^<]+)</script>", page.text) == []
    assert "onload" not in page.text and "http:" not in page.text and "https:" not in page.text
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links.pop(0) == "data:,"
    assert len(links) == 3
    for link in links:
        answer = desk.client.get(link)
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")
    assert "SwaggerUIBundle" in desk.client.get(links[1]).text
    assert '"/api/openapi.json"' in desk.client.get(links[2]).text
    assert desk.client.get("/api/openapi.json").json() == DOCUMENT
    assert desk.client.get("/api/docs/favicon.png").status_code == 404
