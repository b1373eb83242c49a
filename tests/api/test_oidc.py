"""The outer sign-in against a real provider: who is let in, and every answer that is not believed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgcore.api.auth_oidc import COOKIE
from imgcore.config import SESSION_COOKIE
from imgcore.db.journal import Event
from imgcore.db.tables import User, UserSession
from imgcore.domain.access import Role, system
from imgcore.domain.values import UserFields
from imgcore.services.work import utc_now
from tests.api.guarded import OURS, PASSWORD, House, open_house_with_pages
from tests.servers.oidc_provider import OidcProvider

pytestmark = pytest.mark.xdist_group("oidc")

EMAIL = "ines@clinic.example"
SUBJECT = "ines-4711"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def house(tmp_path: Path, provider: OidcProvider) -> Iterator[House]:
    """A clinic that trusts the provider, with one clinician, whom the provider knows."""
    provider.know(SUBJECT, email=EMAIL, email_verified=True)
    with open_at(tmp_path, provider) as house:
        yield house


def open_at(folder: Path, provider: OidcProvider) -> AbstractContextManager[House]:
    settings = {"oidc_issuer": provider.url, "oidc_client_id": "imgcore", "oidc_name": "Clinic ID"}
    return _open(folder, {**settings, "oidc_client_secret": "s3cret"})


@contextmanager
def _open(folder: Path, settings: dict[str, Any]) -> Iterator[House]:
    with open_house_with_pages(folder, **settings) as house:
        house.add("anna@clinic.example", Role.ADMIN)
        house.add(EMAIL, Role.CLINICIAN)
        yield house


def go(house: House, target: str = "/images?patient=5") -> str:
    """Ask for the outer sign-in, and return where it sends the browser."""
    answer = house.client.get("/auth/oidc", params={"next": target})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(house: House, location: str) -> httpx2.Response:
    """Follow the provider back to the clinic."""
    found = urlsplit(location)
    assert f"{found.scheme}://{found.netloc}{found.path}" == "http://testserver/auth/oidc/callback"
    answer: httpx2.Response = house.client.get(
        f"{found.path}?{found.query}", headers={"Sec-Fetch-Site": "cross-site"}
    )
    return answer


def sign_in(house: House, provider: OidcProvider, subject: str = SUBJECT) -> httpx2.Response:
    """Go the whole way."""
    return come_back(house, provider.consent(go(house), subject))


def who(house: House) -> str:
    answer = house.client.get("/auth/session")
    return str(answer.json()["email"]) if answer.status_code == 200 else ""


def users(house: House) -> list[User]:
    with house.clinic.database.read() as session:
        return list(session.exec(select(User)).all())


def notes(house: House) -> list[tuple[str, list[str]]]:
    """Return how each outer sign-in ended, and whom it was about."""
    with house.clinic.database.read() as session:
        lines = session.exec(select(Event).where(Event.action == "sign_in").order_by(sa.column("id"))).all()
        return [(each.outcome, each.entity_ids) for each in lines if each.field_names == ["outer sign-in"]]


def assert_refused(house: House, answer: httpx2.Response, said: str, status: int = 401) -> None:
    assert (answer.status_code, who(house)) == (status, "")
    assert said in re.sub("<.*?>", " ", answer.text)
    assert 'href="/auth/login"' in answer.text
    assert SESSION_COOKIE not in house.client.cookies


def test_the_sign_in_page_offers_it(house: House) -> None:
    page = house.client.get("/auth/login", params={"next": "/images"}).text
    assert "Sign in with Clinic ID" in page
    assert 'href="/auth/oidc?next=%2Fimages"' in page
    assert "<script" not in page


def test_a_person_with_a_verified_address_is_let_in_and_known_from_then_on(
    house: House, provider: OidcProvider
) -> None:
    answer = sign_in(house, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/images?patient=5")
    assert who(house) == EMAIL
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert COOKIE not in house.client.cookies
    # The address may change there; the number does not.
    house.client.cookies.clear()
    provider.know(SUBJECT, email="married@clinic.example", email_verified=False)
    assert sign_in(house, provider).status_code == 303
    assert who(house) == EMAIL
    assert [outcome for outcome, _who in notes(house)] == ["done", "done"]
    assert len(users(house)) == 2


def test_the_way_there_is_protected(house: House) -> None:
    query = parse_qs(urlsplit(go(house)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == ["http://testserver/auth/oidc/callback"]
    assert query["response_type"] == ["code"]
    assert set(query["scope"][0].split()) == {"openid", "email"}
    again = parse_qs(urlsplit(go(house)).query)
    for name in ("state", "nonce", "code_challenge"):
        assert query[name] != again[name]
    cookie = house.client.get("/auth/oidc").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/auth/oidc", "max-age=600"} <= set(cookie.split("; "))


def test_it_leads_to_no_other_server(house: House, provider: OidcProvider) -> None:
    location = provider.consent(go(house, "https://evil.example/"), SUBJECT)
    assert come_back(house, location).headers["location"] == "/"


def test_nobody_is_made_an_account(house: House, provider: OidcProvider) -> None:
    provider.know("stranger", email="stranger@clinic.example", email_verified=True)
    assert_refused(house, sign_in(house, provider, "stranger"), "There is no open account for you here.")
    assert len(users(house)) == 2
    assert notes(house) == [("refused", [])]


def test_an_address_that_nobody_verified_opens_nothing(house: House, provider: OidcProvider) -> None:
    for verified in (False, None, "true"):
        provider.know("pretender", email=EMAIL, email_verified=verified)
        assert_refused(house, sign_in(house, provider, "pretender"), "There is no open account")
    assert {user.oidc_subject for user in users(house)} == {None}


def test_an_account_that_is_tied_to_somebody_is_not_tied_to_another(
    house: House, provider: OidcProvider
) -> None:
    sign_in(house, provider)
    house.client.cookies.clear()
    provider.know("namesake", email=EMAIL, email_verified=True)
    assert_refused(house, sign_in(house, provider, "namesake"), "There is no open account")


def test_a_closed_account_stays_closed(house: House, provider: OidcProvider) -> None:
    ines = next(user for user in users(house) if user.email == EMAIL)
    house.clinic.services.accounts.edit(system(), ines.id, UserFields(is_active=False))
    assert_refused(house, sign_in(house, provider), "There is no open account")
    assert notes(house) == [("refused", [str(ines.id)])]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-program"},
        {"aud": ["imgcore", "another-program"], "azp": "another-program"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=lambda claims: list(claims)[-1],
)
def test_an_answer_that_is_not_for_us_is_not_believed(
    house: House, provider: OidcProvider, claims: dict[str, object]
) -> None:
    provider.know(SUBJECT, email=EMAIL, email_verified=True, **claims)
    assert_refused(house, sign_in(house, provider), "The answer of Clinic ID cannot be trusted.")
    assert notes(house) == [("refused", [])]


def test_a_state_that_is_not_ours_is_refused(house: House, provider: OidcProvider) -> None:
    """Nobody can make a browser sign in as somebody else by sending it to the end of the way."""
    location = provider.consent(go(house), SUBJECT)
    found = parse_qs(urlsplit(location).query)
    changed = urlencode({"code": found["code"][0], "state": "x" * 43})
    assert_refused(house, house.client.get(f"/auth/oidc/callback?{changed}"), "was not begun here")
    # The cookie is good for one try.
    assert_refused(house, come_back(house, location), "was not begun here")


@pytest.mark.parametrize("cookie", ["", "x", "e30=.00", "e30="])
def test_without_our_cookie_nothing_comes_back(house: House, provider: OidcProvider, cookie: str) -> None:
    location = provider.consent(go(house), SUBJECT)
    house.client.cookies.clear()
    house.client.cookies.set(COOKIE, cookie, path="/auth/oidc")
    assert_refused(house, come_back(house, location), "was not begun here")


def test_a_way_that_took_too_long_has_ended(
    house: House, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = provider.consent(go(house), SUBJECT)
    monkeypatch.setattr("imgcore.api.auth_oidc.time", lambda: time.time() + 601)
    assert_refused(house, come_back(house, location), "took too long")


def test_a_code_works_once(house: House, provider: OidcProvider) -> None:
    authorization = go(house)
    cookie = house.client.cookies[COOKIE]
    location = provider.consent(authorization, SUBJECT)
    assert come_back(house, location).status_code == 303
    house.client.cookies.clear()
    house.client.cookies.set(COOKIE, cookie, path="/auth/oidc")
    assert_refused(house, come_back(house, location), "cannot be trusted")


def test_who_says_no_there_is_led_back(house: House) -> None:
    state = parse_qs(urlsplit(go(house)).query)["state"][0]
    answer = house.client.get("/auth/oidc/callback", params={"error": "access_denied", "state": state})
    assert_refused(house, answer, "You were not signed in there.")


def test_when_the_provider_is_away_the_password_still_works(tmp_path: Path) -> None:
    with OidcProvider() as gone:
        pass
    with open_at(tmp_path, gone) as house:
        answer = house.client.get("/auth/oidc")
        assert_refused(house, answer, "Clinic ID does not answer as it should.", 503)
        assert "sign in with your password" in answer.text
        form = {"email": EMAIL, "password": PASSWORD}
        assert house.client.post("/auth/login", data=form, headers=OURS).status_code == 303
        assert who(house) == EMAIL


def test_without_its_settings_there_is_nothing(tmp_path: Path) -> None:
    with _open(tmp_path, {}) as house:
        assert "Sign in with" not in house.client.get("/auth/login").text
        for path in ("/auth/oidc", "/auth/oidc/callback?code=1&state=2"):
            assert house.client.get(path).status_code == 404


def test_it_opens_a_locked_session_again_and_keeps_it(house: House, provider: OidcProvider) -> None:
    sign_in(house, provider)
    token = house.client.cookies[SESSION_COOKIE]
    with house.clinic.database.write() as session:
        session.execute(sa.update(UserSession).values(seen_at=utc_now() - timedelta(minutes=20)))
    assert house.client.get("/api/patients/").status_code == 401
    assert sign_in(house, provider).status_code == 303
    assert house.client.cookies[SESSION_COOKIE] == token
    assert house.client.get("/api/patients/").status_code == 200


def test_it_never_goes_on_with_the_session_of_another(house: House, provider: OidcProvider) -> None:
    form = {"email": "anna@clinic.example", "password": PASSWORD}
    house.client.post("/auth/login", data=form, headers=OURS)
    planted = house.client.cookies[SESSION_COOKIE]
    sign_in(house, provider)
    assert who(house) == EMAIL
    house.client.cookies.clear()
    house.client.cookies.set(SESSION_COOKIE, planted)
    assert who(house) == ""
