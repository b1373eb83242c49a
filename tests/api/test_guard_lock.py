"""A locked session is good for nothing but to be opened again, and knows it to the second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

from imgcore.config import SESSION_COOKIE
from imgcore.db.tables import UserSession
from imgcore.domain.access import Role
from imgcore.services.work import utc_now
from tests.api.guarded import AS_PAGE, ORIGIN, OURS, PASSWORD, House, open_house_with_pages
from tests.api.test_guard import CLOSED, OPEN

EMAIL = "anna@clinic.example"
JSON = {**OURS, "Accept": "application/json"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A clinic whose administrator has been away from her browser for twenty minutes."""
    with open_house_with_pages(tmp_path) as house:
        house.add(EMAIL, Role.ADMIN)
        house.client.cookies.set(SESSION_COOKIE, house.open_session(EMAIL))
        leave_alone(house)
        yield house


def leave_alone(house: House, minutes: float = 20) -> None:
    with house.clinic.database.write() as session:
        session.execute(sa.update(UserSession).values(seen_at=utc_now() - timedelta(minutes=minutes)))


def seen_at(house: House) -> datetime:
    with house.clinic.database.read() as session:
        return session.exec(select(UserSession)).one().seen_at


def state(house: House) -> dict[str, object]:
    answer: dict[str, object] = house.client.get("/auth/session").json()
    return answer


def unlock(house: House, password: str = PASSWORD, **fields: str) -> httpx2.Response:
    """Send the password as the sheet over a page does."""
    form = {"password": password, **fields}
    answer: httpx2.Response = house.client.post("/auth/unlock", data=form, headers=JSON)
    return answer


def test_nothing_answers_a_locked_session(house: House) -> None:
    for path in CLOSED:
        for method in ("GET", "POST", "DELETE"):
            answer = house.client.request(method, path, headers=OURS)
            found = (answer.status_code, answer.json()["error"]["code"])
            assert (method, path, *found) == (method, path, 401, "locked")
    before = seen_at(house)
    assert state(house)["is_locked"] is True
    assert seen_at(house) == before


def test_what_is_for_anyone_takes_a_locked_session_for_nobody(house: House) -> None:
    for path in OPEN:
        assert house.client.get(path).json()["who"] == ""
    assert house.client.get("/api/v1/auth/token").json()["who"] == ""


def test_a_signed_link_is_no_way_around(house: House) -> None:
    answer = house.client.get("/files/1/original", params={"exp": "1", "sig": "2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "locked")


def test_a_page_load_asks_for_the_password_and_comes_back(house: House) -> None:
    answer = house.client.get("/images?patient=5", headers=AS_PAGE)
    target = urlsplit(answer.headers["location"])
    assert (answer.status_code, target.path) == (303, "/auth/unlock")
    assert parse_qs(target.query) == {"next": ["/images?patient=5"]}
    page = house.client.get(answer.headers["location"])
    assert "Signed in as anna." in page.text
    assert "<script" not in page.text
    wrong = house.client.post("/auth/unlock", data={"password": "x", "next": "/images"}, headers=OURS)
    assert wrong.status_code == 403
    assert "The password is wrong." in wrong.text
    form = {"password": PASSWORD, "next": "/images?patient=5"}
    answer = house.client.post("/auth/unlock", data=form, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/images?patient=5")
    assert house.client.get("/images").json()["who"] == EMAIL


def test_the_sheet_opens_the_same_session_again(house: House) -> None:
    token = house.client.cookies[SESSION_COOKIE]
    answer = unlock(house, "wrong password")
    assert (answer.status_code, answer.json()["error"]["message"]) == (403, "The password is wrong.")
    assert state(house)["is_locked"] is True
    answer = unlock(house)
    assert (answer.status_code, answer.json()["is_locked"], answer.json()["email"]) == (200, False, EMAIL)
    assert house.client.cookies[SESSION_COOKIE] == token
    assert house.client.get("/api/patients/").json()["who"] == EMAIL


def test_a_foreign_page_cannot_try_passwords_or_keep_a_session_open(house: House) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = house.client.post("/auth/unlock", data={"password": PASSWORD}, headers=foreign)
    assert answer.status_code == 403
    assert state(house)["is_locked"] is True
    leave_alone(house, minutes=10)
    before = seen_at(house)
    assert house.client.post("/auth/session", headers=foreign).status_code == 403
    assert seen_at(house) == before


def test_ten_wrong_passwords_are_enough(house: House) -> None:
    for _ in range(10):
        assert unlock(house, "wrong password").status_code == 403
    answer = unlock(house)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_tries")
    assert int(answer.headers["retry-after"]) == 900


def test_one_can_still_sign_out_or_leave_the_place_to_somebody_else(house: House) -> None:
    assert "Sign out?" in house.client.get("/auth/logout").text
    answer = house.client.post("/auth/logout", headers=OURS)
    assert answer.status_code == 303
    assert unlock(house).status_code == 401


def test_input_at_the_screen_counts_as_use_and_looking_does_not(house: House) -> None:
    leave_alone(house, minutes=10)
    before = seen_at(house)
    house.client.get("/auth/session")
    assert seen_at(house) == before
    answer = house.client.post("/auth/session", headers=OURS)
    assert answer.status_code == 200
    assert 890 < answer.json()["locks_in"] <= 900
    assert seen_at(house) > before


def test_input_does_not_open_what_is_locked(house: House) -> None:
    assert house.client.post("/auth/session", headers=OURS).json()["is_locked"] is True
    assert state(house)["is_locked"] is True


def test_a_websocket_stays_and_hears_nothing_while_locked(house: House) -> None:
    leave_alone(house, minutes=0)
    with house.client.websocket_connect("/_stcore/stream", headers={"Origin": ORIGIN}) as socket:
        socket.send_bytes(b"before")
        assert socket.receive_bytes() == b"drawn: before"
        leave_alone(house)
        socket.send_bytes(b"while locked")
        assert unlock(house).status_code == 200
        socket.send_bytes(b"after")
        assert socket.receive_bytes() == b"drawn: after"


def test_no_websocket_opens_while_locked(house: House) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        house.client.websocket_connect("/_stcore/stream", headers={"Origin": ORIGIN}),
    ):
        pass


def test_a_program_with_a_token_of_its_own_goes_on(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.bearer(EMAIL)}"}
    assert house.client.get("/api/patients/", headers=headers).json()["who"] == EMAIL
