"""Odd input is refused in words, changes nothing, and never makes the server fail."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.desks import Desk, problem

HUGE = "1" + "0" * 400
ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "🦶" * 300,
    "x" * 100_000,
    "' OR 1=1 --",
    "%",
    "_",
    "\\",
    "\u202e",
    "\r\nX: y",
]
LISTS = ["/api/patients/", "/api/images/", "/api/trash/", "/api/users/"]


def cursor_of(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


CURSORS = [
    "x", "é", "=", "a" * 5000, HUGE, cursor_of(), cursor_of("a"), cursor_of(1, 2), cursor_of("a", "b"),
    cursor_of(None, None), cursor_of({}, []), cursor_of("2025-01-01", "00000000-0000-4000-8000-000000000000"),
    cursor_of("2025-01-01T00:00:00", "00000000-0000-4000-8000-000000000000"),
    cursor_of(10**30, "00000000-0000-4000-8000-000000000000"),
    cursor_of(str(10**30), "00000000-0000-4000-8000-000000000000"),
    cursor_of("\x00", "00000000-0000-4000-8000-000000000000"),
    cursor_of("\ud800", "00000000-0000-4000-8000-000000000000"),
    base64.urlsafe_b64encode(b"[" * 30_000).decode(),
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "asked",
    [
        {"page": "0"}, {"page": "-1"}, {"page": HUGE}, {"page": "9999999999"}, {"page": "1.5"},
        {"page_size": "0"}, {"page_size": "-5"}, {"page_size": "101"}, {"page_size": HUGE}, {"page_size": ""},
    ],
    ids=str,
)  # fmt: skip
def test_pages_that_no_list_has_are_refused(desk: Desk, path: str, asked: dict[str, str]) -> None:
    answer = desk.admin.get(path, params=asked)
    assert (answer.status_code, problem(answer)["code"]) == (422, "invalid")


@pytest.mark.parametrize("path", LISTS[:3])
def test_a_cursor_that_was_made_up_is_refused(desk: Desk, path: str) -> None:
    for cursor in CURSORS:
        answer = desk.admin.get(path, params={"cursor": cursor})
        assert answer.status_code in (200, 422), cursor[:60]
        if answer.status_code == 422:
            problem(answer)


def test_cursors_of_one_list_lead_nowhere_in_another(desk: Desk) -> None:
    batch_id = desk.batch()["id"]
    for cursor in CURSORS:
        asked = {"batch_id": batch_id, "cursor": cursor}
        assert desk.client.get("/api/images/", params=asked).status_code in (200, 422), cursor[:60]


@pytest.mark.parametrize(
    "asked",
    [
        {"batch_id": "x"}, {"batch_id": HUGE}, {"taken_from": "soon"}, {"taken_from": "0001-01-01"},
        {"taken_to": "9999-12-31"}, {"category": "x" * 65}, {"body_location": "x" * 101}, {"q": "x" * 201},
        {"patient_id": ""}, {"patient_id": "x" * 65},
    ],
    ids=str,
)  # fmt: skip
def test_filters_that_nothing_can_match_are_refused(desk: Desk, asked: dict[str, str]) -> None:
    answer = desk.client.get("/api/images/", params=asked)
    assert (answer.status_code, problem(answer)["code"]) == (422, "invalid")


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_words_are_searched_for_or_refused(desk: Desk, odd: str) -> None:
    encoded = quote(odd.encode("utf-8", "surrogatepass"))[:30_000]
    for path in ("patients/?q=", "images/?q=", "images/?category=", "images/?patient_id=", "trash/?kind="):
        answer = desk.client.get(f"/api/{path}{encoded}")
        assert answer.status_code in (200, 404, 422), (path, answer.text)
    if odd.strip():
        assert desk.client.get(f"/api/patients/{encoded[:3000]}/").status_code in (200, 404, 422)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_texts_are_kept_tidy_or_refused(desk: Desk, odd: str) -> None:
    image = desk.image()
    content = json.dumps({"caption": odd, "description": odd, "body_location": odd})
    headers = {"Content-Type": "application/json"}
    answer = desk.client.patch(f"/api/images/{image['id']}/", content=content, headers=headers)
    assert answer.status_code in (200, 422), answer.text
    told = desk.client.get(f"/api/images/{image['id']}/").json()
    assert "\x00" not in told["caption"] and len(told["caption"]) <= 2000
    if answer.status_code == 422:
        assert (told["caption"], told["version"]) == ("", 1)
        problem(answer)
    for path in ("/api/patients/", "/api/users/"):
        person = json.dumps({"name": odd, "mrn": odd, "email": odd, "role": odd, "password": odd})
        assert desk.admin.post(path, content=person, headers=headers).status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"category": 5}, {"category": None}, {"caption": None}, {"caption": ["x"]}, {"version": 3},
        {"date_taken": "2025-02-30"}, {"date_taken": 10**20}, {"laterality": "left"}, {"id": "x"},
        {"is_primary": "perhaps"}, {"order": 0}, {"order": 10**30}, {"order": 1.5}, {"order": None},
        {"sha256": "0"}, {"trashed_at": None},
        {"is_primary": None}, {"description": {}},
    ],
    ids=str,
)  # fmt: skip
def test_fields_of_the_wrong_kind_change_nothing(desk: Desk, fields: dict[str, object]) -> None:
    image = desk.image()
    path = f"/api/images/{image['id']}/"
    answer = desk.client.patch(path, json={"image_type": "changed", **fields})
    assert (answer.status_code, problem(answer)["code"]) == (422, "invalid")
    assert desk.client.get(path).json()["image_type"] == ""


@pytest.mark.parametrize("odd", [*ODD, HUGE, '"1', "W/", '"1", "2"', "-1", "1.0", "²"], ids=str)
def test_odd_versions_are_no_match(desk: Desk, odd: str) -> None:
    path = f"/api/images/{desk.image()['id']}/"
    given = odd.encode("utf-8", "replace").replace(b"\r\n", b"").replace(b"\x00", b"")[:9000]
    answer = desk.client.patch(path, json={"caption": "x"}, headers={b"If-Match": given})
    assert answer.status_code in (412, 422)
    assert desk.client.get(path).json()["caption"] == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["name", "mrn", "birth_on", "sex", "notes", "consent_record", "external_id", "x"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.dictionaries(NAMES, JSON, min_size=1))
def test_no_json_makes_the_server_fail(desk: Desk, body: object) -> None:
    content = json.dumps(body)
    headers = {"Content-Type": "application/json"}
    patient = desk.patient()
    for method, path in (("POST", "/api/patients/"), ("PATCH", f"/api/patients/{patient['id']}/")):
        answer = desk.client.request(method, path, content=content, headers=headers)
        assert answer.status_code in (200, 201, 409, 422), answer.text
