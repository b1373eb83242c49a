"""Sign-in, sign-out, set-up and one-time links, as a browser uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role, system
from tests.api.guarded import OURS, PASSWORD, House, open_house_with_pages

EMAIL = "anna@clinic.example"
NEW_PASSWORD = "another good password"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house_with_pages(tmp_path) as house:
        house.add(EMAIL, Role.ADMIN)
        yield house


def post(house: House, path: str, **fields: str) -> httpx2.Response:
    """Send a form as our own page does."""
    answer: httpx2.Response = house.client.post(path, data=fields, headers=OURS)
    return answer


def sign_in(house: House, password: str = PASSWORD, **fields: str) -> httpx2.Response:
    """Send the sign-in form."""
    return post(house, "/auth/login", email=EMAIL, password=password, **fields)


def who(house: House) -> str:
    """Return whom the server takes the client for."""
    answer = house.client.get("/auth/session")
    return str(answer.json()["email"]) if answer.status_code == 200 else ""


def who_with(house: House, token: str) -> str:
    """Return whom the server takes a browser with this token for."""
    house.client.cookies.clear()
    house.client.cookies.set(SESSION_COOKIE, token)
    return who(house)


def problem(answer: httpx2.Response) -> str:
    """Return what a page says is wrong."""
    found = re.search(r'role="alert">(.*?)</p>', answer.text)
    return re.sub("<.*?>", " ", found[1]).strip() if found else ""


def test_sign_in_leads_to_where_one_wanted_to_be(house: House) -> None:
    page = house.client.get("/auth/login", params={"next": "/images?patient=5"})
    assert '<input type="hidden" name="next" value="/images?patient=5">' in page.text
    answer = sign_in(house, next="/images?patient=5")
    assert (answer.status_code, answer.headers["location"]) == (303, "/images?patient=5")
    assert who(house) == EMAIL


def test_sign_in_leads_to_no_other_server(house: House) -> None:
    for target in ["https://evil.example", "//evil.example", "/\\evil.example", "/auth/logout"]:
        page = house.client.get("/auth/login", params={"next": target})
        assert 'name="next" value="/"' in page.text
        assert sign_in(house, next=target).headers["location"] == "/"
        assert house.client.get("/auth/login", params={"next": target}).headers["location"] == "/"
        house.client.cookies.clear()


def test_a_wrong_password_is_said_in_place_and_the_address_stays(house: House) -> None:
    for fields in [
        {"email": EMAIL, "password": "open sesame"},
        {"email": "nobody@x.example", "password": PASSWORD},
    ]:
        answer = post(house, "/auth/login", next="/a", **fields)
        assert answer.status_code == 401
        assert problem(answer) == "The e-mail address or the password is wrong."
        assert f'value="{fields["email"]}"' in answer.text
        assert 'name="next" value="/a"' in answer.text
        assert fields["password"] not in answer.text
        assert "set-cookie" not in answer.headers


def test_what_was_typed_is_shown_escaped(house: House) -> None:
    answer = post(house, "/auth/login", email='"><script>alert(1)</script>', password="x", next='/"><script>')
    assert "<script>" not in answer.text


def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(house: House) -> None:
    for _ in range(10):
        assert sign_in(house, "wrong").status_code == 401
    answer = sign_in(house)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 15 * 60
    assert "15 minutes" in problem(answer)
    assert who(house) == ""


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    cookie = sign_in(house).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert "expires" not in cookie


def test_the_cookie_stays_on_https(tmp_path: Path) -> None:
    with open_house_with_pages(tmp_path, secure_cookies=True) as house:
        house.add(EMAIL, Role.ADMIN)
        assert "; secure" in sign_in(house).headers["set-cookie"].lower()
        answer = house.client.get("/auth/login")
        assert "max-age" in answer.headers["strict-transport-security"]


def test_the_cookie_stays_on_https_when_the_request_came_over_it(house: House) -> None:
    answer = house.client.post(
        "https://testserver/auth/login", data={"email": EMAIL, "password": PASSWORD}, headers=OURS
    )
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_sign_in_never_keeps_a_session_that_was_there_before(house: House) -> None:
    planted = {**OURS, "Cookie": f"{SESSION_COOKIE}=planted"}
    fields = {"email": EMAIL, "password": PASSWORD}
    house.client.post("/auth/login", data=fields, headers=planted)
    first = house.client.cookies[SESSION_COOKIE]
    sign_in(house)
    second = house.client.cookies[SESSION_COOKIE]
    assert len({"planted", first, second}) == 3
    assert who_with(house, first) == ""
    assert who_with(house, second) == EMAIL


def test_sign_out_asks_once_and_ends_the_session(house: House) -> None:
    sign_in(house)
    token = house.client.cookies[SESSION_COOKIE]
    page = house.client.get("/auth/logout")
    assert "Sign out?" in page.text
    assert who(house) == EMAIL
    answer = post(house, "/auth/logout")
    assert answer.status_code == 303
    assert SESSION_COOKIE not in house.client.cookies
    assert who_with(house, token) == ""
    assert "You are signed out." in house.client.get(answer.headers["location"]).text


def test_sign_out_is_no_error_for_a_visitor(house: House) -> None:
    assert post(house, "/auth/logout").status_code == 303
    assert house.client.get("/auth/logout").status_code == 303


def test_the_session_is_told_to_a_page_that_watches(house: House) -> None:
    answer = house.client.get("/auth/session")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")
    sign_in(house)
    session = house.client.get("/auth/session").json()
    assert (session["name"], session["email"], session["role"]) == ("anna", EMAIL, "admin")
    assert (session["is_locked"], session["locks_after"]) == (False, 900)
    assert 890 < session["locks_in"] <= 900
    assert 3590 < session["ends_in"] <= 3600
    assert datetime.fromisoformat(session["ends_at"]) > datetime.now(UTC)


def test_a_one_time_link_sets_a_password_once(house: House) -> None:
    sign_in(house)
    other = house.client.cookies[SESSION_COOKIE]
    house.client.cookies.clear()
    token = house.clinic.services.accounts.invite(system(), EMAIL)
    page = house.client.get(f"/auth/link/{token}")
    assert EMAIL in page.text
    assert house.client.get(f"/auth/link/{token}").status_code == 200
    answer = post(house, f"/auth/link/{token}", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert who(house) == EMAIL
    assert who_with(house, other) == ""
    for again in [
        house.client.get(f"/auth/link/{token}"),
        post(house, f"/auth/link/{token}", password=NEW_PASSWORD, again=NEW_PASSWORD),
    ]:
        assert again.status_code == 410
        assert "has been used or has expired" in again.text
    assert sign_in(house).status_code == 401
    assert sign_in(house, NEW_PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "at least 10 characters"),
        ("long enough 1", "long enough 2", "not the same"),
        ("x" * 201, "x" * 201, "too long"),
        ("", "", "at least 10 characters"),
    ],
)
def test_a_password_that_will_not_do_is_refused_and_the_link_stays(
    house: House, password: str, again: str, said: str
) -> None:
    token = house.clinic.services.accounts.invite(system(), EMAIL)
    answer = post(house, f"/auth/link/{token}", password=password, again=again)
    assert answer.status_code == 422
    assert said in problem(answer)
    assert house.client.get(f"/auth/link/{token}").status_code == 200


def test_a_link_that_was_never_made_is_gone(house: House) -> None:
    assert house.client.get("/auth/link/nothing").status_code == 410


def test_only_small_plain_forms_are_read(house: House) -> None:
    fields = {"email": EMAIL, "password": PASSWORD}
    assert house.client.post("/auth/login", json=fields, headers=OURS).status_code == 401
    uploaded = house.client.post("/auth/login", data=fields, files={"a": b"x"}, headers=OURS)
    assert uploaded.status_code == 401
    assert post(house, "/auth/login", **fields, more="x" * 20_000).status_code == 413


def test_the_pages_work_without_scripts_and_are_never_kept(house: House) -> None:
    page = house.client.get("/auth/login")
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    # Password managers go by these words.
    assert 'autocomplete="username"' in page.text
    assert 'autocomplete="current-password"' in page.text


def test_a_password_is_changed_against_the_old_one(house: House) -> None:
    sign_in(house)
    before = house.client.cookies[SESSION_COOKIE]
    page = house.client.get("/auth/password")
    assert 'autocomplete="current-password"' in page.text
    assert page.text.count('autocomplete="new-password"') == 2
    new = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    wrong = post(house, "/auth/password", current="open sesame", **new)
    assert (wrong.status_code, problem(wrong)) == (403, "The password is wrong.")
    assert post(house, "/auth/password", current=PASSWORD, password="short", again="short").status_code == 422
    answer = post(house, "/auth/password", current=PASSWORD, **new)
    assert answer.status_code == 200
    assert "Your password is changed" in answer.text
    after = house.client.cookies[SESSION_COOKIE]
    assert who(house) == EMAIL
    assert who_with(house, before) == ""
    assert after != before
    house.client.cookies.clear()
    assert sign_in(house).status_code == 401
    assert sign_in(house, NEW_PASSWORD).status_code == 303


def test_the_pages_say_which_language_they_are_in(house: House) -> None:
    assert '<html lang="en">' in house.client.get("/auth/login").text
