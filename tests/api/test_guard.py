"""Nobody gets past the guard without a session, and whoever does is known to what answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgcore.api.frontend import asset_paths
from imgcore.config import SESSION_COOKIE
from imgcore.db.tables import UserSession
from imgcore.domain.access import Role, system
from imgcore.domain.values import UserFields
from imgcore.errors import DatabaseUnavailable
from imgcore.services.work import utc_now
from tests.api.guarded import AS_PAGE, OURS, House, open_house

ASSET = next(path for path in sorted(asset_paths()) if path.endswith(".js"))
OPEN = ["/healthz", "/readyz", "/_stcore/health", "/favicon.png", ASSET]
AUTH = [
    "/auth/login",
    "/auth/logout",
    "/auth/setup",
    "/auth/session",
    "/auth/unlock",
    "/auth/link/abc",
    "/auth/oidc",
    "/auth/oidc/callback",
]
CLOSED = [
    "/",
    "/images",
    "/static/index.html",
    "/static/js/none.js",
    "/media/abc.jpg",
    "/component/streamlit_image_select.streamlit_image_select/index.html",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/script-health-check",
    "/_stcore/health/x",
    "/_stcore/bidi-components/grid/grid.js",
    "/_stcore/agent/openapi.json",
    "/oauth2callback",
    "/api/patients/",
    "/api/docs",
    "/apix",
    "/files/1/original",
    "/auth",
    "/auth/other",
    "/auth/password",
    "/STATIC/js",
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def test_a_visitor_reaches_what_is_open(house: House) -> None:
    answers = {path: house.client.get(path).json() for path in OPEN + AUTH}
    assert {path: (answer["reached"], answer["who"]) for path, answer in answers.items()} == {
        path: (path, "") for path in OPEN + AUTH
    }


def test_a_visitor_reaches_nothing_else(house: House) -> None:
    for path in CLOSED:
        answer = house.client.get(path)
        assert (path, answer.status_code) == (path, 401)
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "hint", "request_id"}
        assert error["code"] == "not_signed_in"
        assert error["request_id"] == answer.headers["x-request-id"]


def test_a_page_load_is_led_to_sign_in_and_back(house: House) -> None:
    for path in CLOSED:
        answer = house.client.get(path, params={"patient": "7"}, headers=AS_PAGE)
        assert (path, answer.status_code) == (path, 303)
        target = urlsplit(answer.headers["location"])
        assert target.path == "/auth/login"
        assert parse_qs(target.query) == {"next": [f"{path}?patient=7"]}


def test_only_page_loads_are_led_to_sign_in(house: House) -> None:
    assert house.client.post("/images", headers=AS_PAGE).status_code == 401
    assert house.client.get("/images", headers={"Accept": "image/*"}).status_code == 401
    assert house.client.get("/images", headers={**AS_PAGE, "Sec-Fetch-Dest": "iframe"}).status_code == 401


def test_who_is_signed_in_is_known_to_what_answers(house: House) -> None:
    house.sign_in()
    for path in [*CLOSED, *AUTH]:
        answer = house.client.get(path)
        assert (path, answer.json()["who"]) == (path, "admin@clinic.example")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_each_request_has_a_number_of_its_own(house: House) -> None:
    one, two = house.client.get("/healthz"), house.client.get("/healthz", headers={"X-Request-ID": "mine"})
    assert len({one.headers["x-request-id"], two.headers["x-request-id"], "mine"}) == 3


def _bad(house: House) -> str:
    house.open_session()
    return "x" * 43


def _empty(house: House) -> str:
    return ""


def _endless(house: House) -> str:
    return "x" * 100_000


def _ended(house: House) -> str:
    token = house.sign_in()
    actor = house.clinic.services.sign_in.by_cookie(system(), token)
    assert actor is not None
    house.clinic.services.sign_in.end(actor)
    return token


def _deactivated(house: House) -> str:
    user = house.add("leaver@clinic.example", Role.CLINICIAN)
    token = house.open_session("leaver@clinic.example")
    house.clinic.services.accounts.edit(system(), user.id, UserFields(is_active=False))
    return token


def _idle(house: House) -> str:
    token = house.open_session()
    move_sessions(house, seen_at=utc_now() - timedelta(minutes=61))
    return token


def _expired(house: House) -> str:
    token = house.open_session()
    move_sessions(house, expires_at=utc_now() - timedelta(seconds=1))
    return token


@pytest.mark.parametrize("make", [_bad, _empty, _endless, _ended, _deactivated, _idle, _expired])
def test_a_cookie_that_no_longer_counts_opens_nothing(house: House, make: Callable[[House], str]) -> None:
    headers = {"Cookie": f"{SESSION_COOKIE}={make(house)}"}
    house.client.cookies.clear()
    for path in CLOSED:
        assert house.client.get(path, headers=headers).status_code == 401
        assert house.client.put(path, headers={**headers, "Sec-Fetch-Site": "same-origin"}).status_code == 401


def test_a_program_comes_in_with_a_token_where_programs_may(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.bearer()}"}
    assert house.client.get("/api/patients/", headers=headers).json()["who"] == "admin@clinic.example"
    assert house.client.get("/files/1/original", headers=headers).json()["who"] == "admin@clinic.example"
    for path in ["/", "/media/x", "/_stcore/metrics", "/_stcore/upload_file/a/b"]:
        assert house.client.get(path, headers=headers).status_code == 401


def test_a_wrong_token_opens_nothing(house: House) -> None:
    for value in ["Bearer wrong", "Bearer ", "Basic YTpi", "bearer", "Bearer a b c"]:
        answer = house.client.get("/api/patients/", headers={"Authorization": value})
        assert (value, answer.status_code) == (value, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_token_is_not_made_good_by_a_cookie(house: House) -> None:
    house.sign_in()
    answer = house.client.get("/api/patients/", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_a_signed_link_reaches_the_route_that_checks_it(house: House) -> None:
    answer = house.client.get("/files/1/original", params={"exp": "1", "sig": "2"})
    assert answer.json()["who"] == ""
    assert house.client.get("/api/patients/", params={"exp": "1", "sig": "2"}).status_code == 401


def test_a_path_with_two_meanings_is_refused(house: House) -> None:
    house.sign_in()
    for path in ["/static/../media/x", "/static/./x", "/auth/..", "//evil", "/a//b", "/a\\b", "/a\nb", "x"]:
        assert (path, house.status_of_raw(path)) == (path, 404)


def test_an_open_tab_that_only_watches_does_not_keep_a_session_alive(house: House) -> None:
    house.sign_in()
    long_ago = utc_now() - timedelta(minutes=14)
    move_sessions(house, seen_at=long_ago)
    house.client.get("/auth/session")
    assert seen_at(house) == long_ago
    house.client.get("/api/patients/")
    assert seen_at(house) > long_ago


def test_an_error_that_nobody_expected_says_nothing_of_its_cause(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.sign_in()
    answer = house.client.get("/api/fault")
    assert answer.status_code == 500
    assert "patient" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


def test_an_answer_that_fails_halfway_is_cut(house: House) -> None:
    house.sign_in()
    with pytest.raises(ValueError, match="middle"):
        house.client.get("/api/cut")


def test_a_browser_that_goes_away_in_the_middle_is_no_fault(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.sign_in()
    with pytest.raises(AssertionError, match="did not receive any response"):
        house.client.post("/api/gone", headers=OURS)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_database_that_is_away_closes_the_door_and_says_when_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **options: object) -> None:
        raise DatabaseUnavailable("The database does not answer.")

    house.sign_in()
    monkeypatch.setattr(house.clinic.services.sign_in, "by_cookie", away)
    answer = house.client.get("/api/patients/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert house.client.get("/healthz").status_code == 200


def move_sessions(house: House, **values: object) -> None:
    """Set the times of every session."""
    with house.clinic.database.write() as session:
        session.execute(sa.update(UserSession).values(**values))


def seen_at(house: House) -> datetime:
    """Return when the only session was last used."""
    with house.clinic.database.read() as session:
        return session.exec(select(UserSession)).one().seen_at
