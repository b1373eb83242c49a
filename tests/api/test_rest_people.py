"""People over REST: tokens, accounts, and what each role may do."""

from __future__ import annotations

from starlette.testclient import TestClient

from imgcore.domain.access import Role
from tests.api.desks import PASSWORD, Desk, problem

TOKEN = "/api/v1/auth/token"


def test_a_password_gives_a_token_that_ends_with_sign_out(desk: Desk) -> None:
    new = {"email": "t@clinic.example", "name": "T", "role": "clinician", "password": PASSWORD}
    assert desk.admin.post("/api/users/", json=new).json()["link"] is None
    form = {"grant_type": "password", "username": "T@clinic.example", "password": PASSWORD}
    answer = desk.visitor.post(TOKEN, data=form).json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    client = TestClient(desk.app, headers={"Authorization": f"Bearer {answer['access_token']}"})
    me = client.get("/api/v1/auth/me").json()
    assert (me["email"], me["role"], me["patient_id"]) == ("t@clinic.example", "clinician", None)
    assert client.post("/api/v1/auth/logout").status_code == 204
    assert client.get("/api/v1/auth/me").status_code == 401


def test_a_wrong_password_says_no_more_than_that(desk: Desk) -> None:
    answers = [
        desk.visitor.post(TOKEN, data={"username": name, "password": "wrong wrong"})
        for name in ("nobody@clinic.example", "clinician")
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert problem(answers[0])["message"] == problem(answers[1])["message"]


def test_too_many_wrong_passwords_have_to_wait(desk: Desk) -> None:
    form = {"username": "guessed@clinic.example", "password": "wrong wrong"}
    last = [desk.visitor.post(TOKEN, data=form) for _ in range(11)][-1]
    assert (last.status_code, last.headers["retry-after"]) == (429, "900")
    assert problem(last)["code"] == "too_many_tries"


def test_the_form_must_be_whole(desk: Desk) -> None:
    for form in ({}, {"username": "a"}, {"username": "a", "password": "b", "grant_type": "implicit"}):
        assert desk.visitor.post(TOKEN, data=form).status_code == 422


def test_an_invited_person_gets_a_link(desk: Desk) -> None:
    new = {"email": "new@clinic.example", "name": "New", "role": "reviewer"}
    answer = desk.admin.post("/api/users/", json=new)
    assert answer.status_code == 201
    assert answer.json()["link"].startswith("/auth/link/")
    user = answer.json()["user"]
    assert (user["email"], user["has_password"], user["is_active"]) == ("new@clinic.example", False, True)
    assert desk.admin.post("/api/users/", json=new).status_code == 409
    closed = desk.admin.patch(f"/api/users/{user['id']}/", json={"is_active": False}).json()
    assert closed["is_active"] is False
    assert user["id"] in [each["id"] for each in desk.admin.get("/api/users/").json()["items"]]


def test_roles_reach_as_far_as_the_table_says(desk: Desk) -> None:
    assert problem(desk.client.get("/api/users/"))["code"] == "forbidden"
    own, other = desk.patient(), desk.patient()
    patient = desk.signed_in(Role.PATIENT, patient_id=own["id"])
    assert patient.get(f"/api/patients/{own['id']}/").status_code == 200
    assert patient.get(f"/api/patients/{other['id']}/").status_code == 404
    assert patient.post("/api/patients/", json={"name": "x"}).status_code == 403
    batch = desk.batch(own["id"])
    refused = patient.post(f"/api/images/batches/{batch['id']}/upload/", files={"images": ("a.jpg", b"x")})
    assert (refused.status_code, problem(refused)["code"]) == (403, "forbidden")


def test_health_needs_no_sign_in(desk: Desk) -> None:
    assert desk.visitor.get("/healthz").json() == {"status": "ok"}
    assert desk.visitor.get("/readyz").json() == {"status": "ok"}
