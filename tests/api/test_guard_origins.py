"""A page of somebody else can neither write in a person's name nor open their websocket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from imgcore.config import SESSION_COOKIE
from tests.api.guarded import ORIGIN, House, open_house

FRIEND = "https://programs.example"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, cors_origins=FRIEND) as house:
        yield house


PROVEN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": ORIGIN},
    # A proxy ends HTTPS in front of the server.
    {"Origin": "https://testserver"},
    {"Origin": "https://testserver", "Host": "testserver:443"},
    {"Origin": "http://testserver:8501", "Host": "testserver:8501"},
    {"Origin": "http://TestServer"},
]
UNPROVEN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.testserver"},
    {"Sec-Fetch-Site": "none"},
    # The browser's own verdict counts more than an origin.
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://evil.example/testserver"},
    {"Origin": "http://testserver:9999"},
    {"Origin": "http://testserver:port"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": FRIEND},
    {"Referer": f"{ORIGIN}/page"},
]
WRITES = ["POST", "PUT", "PATCH", "DELETE"]


@pytest.mark.parametrize("method", WRITES)
def test_a_write_with_a_cookie_needs_proof_that_our_page_sent_it(house: House, method: str) -> None:
    house.sign_in()
    for headers in PROVEN:
        assert house.client.request(method, "/api/patients/", headers=headers).status_code == 200, headers
    for headers in UNPROVEN:
        answer = house.client.request(method, "/api/patients/", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), headers


def test_reading_needs_no_proof(house: House) -> None:
    house.sign_in()
    for headers in PROVEN + UNPROVEN:
        assert house.client.get("/api/patients/", headers=headers).status_code == 200


def test_a_program_needs_no_proof(house: House) -> None:
    token = {"Authorization": f"Bearer {house.bearer()}"}
    for headers in PROVEN + UNPROVEN:
        assert house.client.post("/api/patients/", headers={**headers, **token}).status_code == 200


def test_nobody_can_be_signed_in_by_a_page_of_somebody_else(house: House) -> None:
    for path in ["/auth/login", "/auth/setup", "/auth/logout", "/auth/link/abc"]:
        for headers in UNPROVEN:
            assert house.client.post(path, headers=headers).status_code == 403
        assert house.client.post(path, headers=PROVEN[0]).status_code == 200


def test_a_token_is_given_to_programs_without_proof(house: House) -> None:
    assert house.client.post("/api/v1/auth/token").status_code == 200


def test_a_websocket_opens_for_our_page_in_a_session(house: House) -> None:
    house.sign_in()
    with house.client.websocket_connect("/_stcore/stream", headers={"Origin": ORIGIN}) as socket:
        socket.send_bytes(b"click")
        assert socket.receive_bytes() == b"drawn: click"


@pytest.mark.parametrize("headers", [{}, *({"Origin": each.get("Origin", "")} for each in UNPROVEN[4:-1])])
def test_a_websocket_stays_closed_for_other_pages(house: House, headers: dict[str, str]) -> None:
    house.sign_in()
    headers = headers if headers.get("Origin") != ORIGIN else {}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        house.client.websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass
    assert refused.value.code == 1008


@pytest.mark.parametrize("cookie", ["", "wrong"])
def test_a_websocket_stays_closed_without_a_session(house: House, cookie: str) -> None:
    house.client.cookies.set(SESSION_COOKIE, cookie)
    for path in ["/_stcore/stream", "/", "/healthz", "/api/x"]:
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            house.client.websocket_connect(path, headers={"Origin": ORIGIN}),
        ):
            pass
        assert refused.value.code == 1008


def test_a_program_on_a_page_of_an_allowed_origin_may_read(house: House) -> None:
    answer = house.client.options(
        "/api/patients/", headers={"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    token = {"Authorization": f"Bearer {house.bearer()}"}
    answer = house.client.get("/api/patients/", headers={"Origin": FRIEND, **token})
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_a_page_of_another_origin_may_not(house: House) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in house.client.options("/api/x", headers=headers).headers
    assert "access-control-allow-origin" not in house.client.get("/api/x", headers=headers).headers
    # Screens and Streamlit's own paths are for no other origin, allowed or not.
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    answer = house.client.options("/_stcore/metrics", headers=headers)
    assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (401, None)
