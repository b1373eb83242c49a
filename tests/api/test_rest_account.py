"""One's own account by REST: only from a browser's session, whatever else a token may do."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.values import NewUser
from tests.api.desks import PASSWORD, Desk, problem
from tests.api.guarded import OURS

NEW = "another password"
TOKEN = {"name": "Export at night", "scopes": ["read"], "days": 30}
NOBODYS = "3f0c8f0e-40a5-4d0e-9b54-0c7c2f3f9a11"
ROUTES = [
    ("GET", "tokens/"),
    ("POST", "tokens/"),
    ("DELETE", f"tokens/{NOBODYS}/"),
    ("GET", "sessions/"),
    ("DELETE", f"sessions/{NOBODYS}/"),
    ("POST", "password/"),
]


def browser(desk: Desk, role: Role = Role.CLINICIAN, email: str = "") -> TestClient:
    """Return the browser of a new person, or one more of somebody's."""
    if not email:
        email = f"{uuid4().hex}@clinic.example"
        new = NewUser.model_validate({"email": email, "name": "Vera", "role": role, "password": PASSWORD})
        desk.clinic.services.accounts.create(system(), new)
    token = desk.clinic.services.sign_in.open(visitor(), email, PASSWORD).token
    return TestClient(desk.app, headers=OURS, cookies={SESSION_COOKIE: token})


def with_token(desk: Desk, secret: str) -> TestClient:
    return TestClient(desk.app, headers={"Authorization": f"Bearer {secret}"})


def make(client: TestClient, **fields: Any) -> str:
    answer = client.post("/api/v1/auth/tokens/", json=TOKEN | fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


def test_a_token_is_made_used_listed_and_revoked(desk: Desk) -> None:
    vera = browser(desk)
    secret = make(vera)
    assert secret.startswith("imgc_")
    program = with_token(desk, secret)
    assert program.get("/api/patients/").status_code == 200
    refused = program.post("/api/patients/", json={"name": "Ada"})
    assert (refused.status_code, problem(refused)["code"]) == (403, "forbidden")
    (listed,) = vera.get("/api/v1/auth/tokens/").json()
    assert (listed["name"], listed["scopes"]) == ("Export at night", ["read"])
    assert listed["used_at"]
    assert secret not in str(listed)
    assert vera.delete(f"/api/v1/auth/tokens/{listed['id']}/").status_code == 204
    assert program.get("/api/patients/").status_code == 401
    assert vera.get("/api/v1/auth/tokens/").json() == []


@pytest.mark.parametrize(
    "fields", [{"days": 0}, {"days": 366}, {"scopes": []}, {"scopes": ["all"]}, {"name": ""}], ids=str
)
def test_a_token_that_will_not_do_is_refused(desk: Desk, fields: dict[str, Any]) -> None:
    answer = browser(desk).post("/api/v1/auth/tokens/", json=TOKEN | fields)
    assert (answer.status_code, problem(answer)["code"]) == (422, "invalid")


def test_only_administrators_make_tokens_that_administer(desk: Desk) -> None:
    wish = TOKEN | {"scopes": ["read", "admin"]}
    assert browser(desk).post("/api/v1/auth/tokens/", json=wish).status_code == 403
    secret = make(browser(desk, Role.ADMIN), scopes=["read", "admin"])
    assert with_token(desk, secret).get("/api/users/").status_code == 200
    plain = make(browser(desk, Role.ADMIN), scopes=["read", "write"])
    assert with_token(desk, plain).get("/api/users/").status_code == 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_token_reaches_the_account(desk: Desk, method: str, path: str) -> None:
    bodies: dict[str, Any] = {
        "tokens/": TOKEN,
        "password/": {"current_password": PASSWORD, "new_password": NEW},
    }
    every = make(browser(desk, Role.ADMIN), scopes=["read", "write", "admin"])
    for client in (with_token(desk, every), desk.admin):
        answer = client.request(method, f"/api/v1/auth/{path}", json=bodies.get(path))
        assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert desk.visitor.request(method, f"/api/v1/auth/{path}", json=bodies.get(path)).status_code == 401


def test_one_browser_signs_another_out(desk: Desk) -> None:
    vera = browser(desk)
    email = vera.get("/api/v1/auth/me").json()["email"]
    other = browser(desk, email=email)
    here, there = vera.get("/api/v1/auth/sessions/").json()
    assert (here["is_current"], there["is_current"]) == (True, False)
    assert vera.delete(f"/api/v1/auth/sessions/{there['id']}/").status_code == 204
    assert other.get("/api/v1/auth/me").status_code == 401
    assert vera.get("/api/v1/auth/me").status_code == 200
    assert browser(desk).delete(f"/api/v1/auth/sessions/{here['id']}/").status_code == 404


def test_a_new_password_brings_this_browser_a_new_session(desk: Desk) -> None:
    vera = browser(desk)
    email, before = vera.get("/api/v1/auth/me").json()["email"], vera.cookies[SESSION_COOKIE]
    other, secret = browser(desk, email=email), make(vera)
    change = {"current_password": "not it at all", "new_password": NEW}
    refused = vera.post("/api/v1/auth/password/", json=change)
    assert (refused.status_code, problem(refused)["message"]) == (403, "The password is wrong.")
    answer = vera.post("/api/v1/auth/password/", json=change | {"current_password": PASSWORD})
    assert answer.status_code == 204
    assert "httponly" in answer.headers["set-cookie"].lower()
    after = answer.cookies[SESSION_COOKIE]
    assert after != before
    vera = TestClient(desk.app, headers=OURS, cookies={SESSION_COOKIE: after})
    assert vera.get("/api/v1/auth/me").json()["email"] == email
    assert other.get("/api/v1/auth/me").status_code == 401
    assert with_token(desk, secret).get("/api/patients/").status_code == 401


def test_without_proof_of_our_page_nothing_is_changed(desk: Desk) -> None:
    vera = browser(desk)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert vera.post("/api/v1/auth/tokens/", json=TOKEN, headers=foreign).status_code == 403
    assert vera.get("/api/v1/auth/tokens/").json() == []
