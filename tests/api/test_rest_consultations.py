"""Consultations over REST: a doctor's, beside a colleague, an administrator, patients and a reviewer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from starlette.testclient import TestClient

from imgcore.domain.access import Role
from tests.api.desks import Desk, Json, picture, problem

CONSULTATIONS = "/api/v1/consultations/"


def added(client: TestClient, patient_id: str, **fields: object) -> Json:
    answer = client.post(CONSULTATIONS, json={"patient_id": patient_id, **fields})
    assert answer.status_code == 201, answer.text
    return cast("Json", answer.json())


def send(client: TestClient, visit: Json, content: bytes, name: str = "foot.jpg", **options: Any) -> Any:
    path = f"{CONSULTATIONS}{visit['id']}/images"
    return client.post(path, files={"file": (name, content)}, **options)


def stored(client: TestClient, visit: Json, seed: int = 1, **data: object) -> str:
    answer = send(client, visit, picture(seed), data=data)
    assert answer.status_code == 201, answer.text
    return cast("str", answer.json()["id"])


def test_a_consultation_needs_only_its_patient(desk: Desk) -> None:
    patient = desk.patient(external_id=f"his-{uuid4()}")
    visit = added(desk.client, patient["external_id"])
    me = desk.client.get("/api/v1/auth/me").json()
    assert (visit["patient_id"], visit["clinician_id"]) == (patient["id"], me["id"])
    assert (visit["images_taken"], visit["image_count"], visit["note"]) == (False, 0, "")
    later = added(desk.client, patient["id"], visited_on="2025-11-06", note="**Heel** pain")
    assert (later["visited_on"], later["note"]) == ("2025-11-06", "**Heel** pain")
    for path in (CONSULTATIONS, CONSULTATIONS.rstrip("/")):
        listed = desk.client.get(path, params={"patient_id": patient["id"]}).json()
        assert [each["id"] for each in listed["items"]] == [visit["id"], later["id"]]
    for path in (f"{CONSULTATIONS}{later['id']}", f"{CONSULTATIONS}{later['id']}/"):
        assert desk.client.get(path).json() == later
    assert visit["id"] in [each["id"] for each in desk.client.get(CONSULTATIONS).json()["items"]]
    for wrong in ({}, {"patient_id": patient["id"], "visited_on": "soon"}, {"patient_id": ""}):
        assert desk.client.post(CONSULTATIONS, json=wrong).status_code == 422
    assert desk.client.post(CONSULTATIONS, json={"patient_id": "nobody"}).status_code == 404


def test_a_note_is_not_overwritten_unseen(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    path = f"{CONSULTATIONS}{visit['id']}"
    changed = desk.client.patch(path, json={"note": "One"}, headers={"If-Match": '"1"'})
    assert (changed.json()["note"], changed.headers["etag"]) == ("One", '"2"')
    stale = desk.client.patch(path, json={"note": "Two"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, problem(stale)["code"]) == (412, "stale")
    change = {"change_id": changed.headers["x-change-id"]}
    assert desk.client.post("/api/undo/", json=change).json() == {"undone": "visit.edit"}
    assert desk.client.get(path).json()["note"] == ""


def test_an_image_is_stored_with_what_is_said_of_it(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    content = picture(5)
    data = {"image_type": "Close-up", "body_location": "Heel", "description": "Skin", "is_primary": "true"}
    answer = send(desk.client, visit, content, "Ferse.jpg", data=data)
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "image_url", "thumbnail_url", "message"}
    image = desk.client.get(f"{CONSULTATIONS}images/{answer.json()['id']}").json()
    assert image["consultation_id"] == visit["id"]
    assert {name: image[name] for name in data} == {**data, "is_primary": True}
    assert (image["original_filename"], image["mime_type"]) == ("Ferse.jpg", "image/jpeg")
    assert {"captured_at", "camera_model", "created_at"} <= set(image)
    assert image["created_at"] == image["uploaded_at"]
    assert image["sha256"] == hashlib.sha256(content).hexdigest()
    assert desk.client.get(answer.json()["image_url"]).content == content
    small = desk.client.get(answer.json()["thumbnail_url"])
    assert small.headers["content-type"] == "image/jpeg"
    told = desk.client.get(f"{CONSULTATIONS}{visit['id']}").json()
    assert (told["images_taken"], told["image_count"], told["batch_ids"]) == (True, 1, [image["batch_id"]])
    batch = desk.client.get(f"/api/images/batches/{image['batch_id']}/").json()
    assert (batch["visit_id"], batch["image_count"]) == (visit["id"], 1)
    again = send(desk.client, visit, content)
    assert (again.status_code, again.json()["id"]) == (201, image["id"])
    assert "already" in again.json()["message"]
    assert desk.incoming == []


def test_the_primary_image_comes_first_and_there_is_one(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    ids = [stored(desk.client, visit, seed) for seed in range(4)]
    path = f"{CONSULTATIONS}{visit['id']}/images"
    assert [each["id"] for each in desk.client.get(path).json()["images"]] == ids[::-1]
    for primary in (ids[1], ids[2]):
        edited = desk.client.patch(f"{CONSULTATIONS}images/{primary}", json={"is_primary": True})
        assert (edited.status_code, edited.json()["is_primary"]) == (200, True)
    newest = stored(desk.client, visit, 9)
    page = desk.client.get(path, params={"page_size": 3}).json()
    assert [each["id"] for each in page["images"]] == [ids[2], newest, ids[3]]
    assert [each["is_primary"] for each in page["images"]] == [True, False, False]
    assert {name: page[name] for name in page if name != "images"} == {
        "total": 5, "page": 1, "page_size": 3, "total_pages": 2,
    }  # fmt: skip
    rest = desk.client.get(path + "/", params={"page": 2, "page_size": 3}).json()
    assert [each["id"] for each in rest["images"]] == [ids[1], ids[0]]
    for wrong in ({"page_size": 101}, {"page": 0}, {"page_size": 0}):
        assert desk.client.get(path, params=wrong).status_code == 422


def test_an_image_is_changed_and_put_into_the_trash(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    path = f"{CONSULTATIONS}images/{stored(desk.client, visit)}"
    edited = desk.client.patch(path, json={"body_location": "Toe"}, headers={"If-Match": '"1"'})
    assert (edited.json()["body_location"], edited.headers["etag"]) == ("Toe", '"2"')
    assert desk.client.patch(path, json={"caption": "x"}, headers={"If-Match": '"1"'}).status_code == 412
    assert desk.client.patch(path, json={"category": "elbow"}).status_code == 422
    gone = desk.client.delete(path + "/")
    assert (gone.status_code, gone.content) == (204, b"")
    assert desk.client.get(path).status_code == 404
    told = desk.client.get(f"{CONSULTATIONS}{visit['id']}").json()
    assert (told["image_count"], told["images_taken"]) == (0, True)
    desk.client.post("/api/undo/", json={"change_id": gone.headers["x-change-id"]})
    assert desk.client.get(path).status_code == 200


def test_all_images_come_as_one_zip(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    path = f"{CONSULTATIONS}{visit['id']}/images/download-all"
    assert desk.client.get(path).status_code == 404
    for seed in (1, 2):
        stored(desk.client, visit, seed)
    answer = desk.client.get(path)
    assert answer.headers["content-type"] == "application/zip"
    assert len(answer.content) == int(answer.headers["content-length"])
    archive = ZipFile(BytesIO(answer.content))
    contents = {archive.read(name) for name in archive.namelist() if name.endswith(".jpg")}
    assert contents == {picture(1), picture(2)}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<html>no picture</html>", 415, "unsupported_type"),
        (b"", 422, "damaged"),
        (picture(900, size=(300, 200))[:-400], 422, "damaged"),
        (b"\xff\xd8" + b"x" * 200_000, 413, "too_large"),
    ],
)
def test_a_file_that_cannot_be_stored_is_an_error(desk: Desk, content: bytes, status: int, code: str) -> None:
    visit = added(desk.client, desk.patient()["id"])
    answer = send(desk.client, visit, content)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert desk.client.get(f"{CONSULTATIONS}{visit['id']}").json()["images_taken"] is False
    assert desk.incoming == []


def test_a_form_that_does_not_fit_is_refused(desk: Desk) -> None:
    visit = added(desk.client, desk.patient()["id"])
    path = f"{CONSULTATIONS}{visit['id']}/images"
    for data, status in (
        ({"colour": "red"}, 422),
        ({"is_primary": "perhaps"}, 422),
        ({"body_location": "x" * 101}, 422),
    ):
        answer = send(desk.client, visit, picture(1), data=data)
        assert (answer.status_code, problem(answer)["code"]) == (status, "invalid")
    assert desk.client.post(path, json={"file": "x"}).status_code == 415
    assert desk.client.post(path, files={"images": ("a.jpg", picture(1))}).status_code == 422
    two = [("file", (f"{seed}.jpg", picture(seed))) for seed in (1, 2)]
    assert desk.client.post(path, files=two).status_code == 413
    most = desk.clinic.services.settings.max_request_bytes
    huge = desk.client.post(path, content=b"", headers={"Content-Length": str(most + 1)})
    assert huge.status_code == 413
    assert desk.incoming == []


def test_the_same_key_gives_the_same_image(desk: Desk) -> None:
    visit, key = added(desk.client, desk.patient()["id"]), {"Idempotency-Key": f"one {uuid4()}"}
    first, again = (send(desk.client, visit, picture(3), headers=key) for _ in range(2))
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = send(desk.client, visit, picture(4), headers=key)
    assert other.status_code == 409, other.text


@dataclass(frozen=True)
class Matrix:
    """A doctor's consultation with an image, and everybody who may ask for it."""

    visit: Json
    image_id: str
    clients: dict[str, TestClient]


@pytest.fixture(scope="module")
def matrix(desk: Desk) -> Iterator[Matrix]:
    doctor = desk.signed_in(Role.CLINICIAN)
    patient, other = desk.patient(), desk.patient()
    visit = added(doctor, patient["id"], note="For the clinic")
    image_id = stored(doctor, visit)
    for seed in range(10, 16):
        stored(doctor, visit, seed)
    yield Matrix(
        visit,
        image_id,
        {
            "doctor": doctor,
            "colleague": desk.client,
            "admin": desk.admin,
            "patient": desk.signed_in(Role.PATIENT, patient_id=patient["id"]),
            "stranger": desk.signed_in(Role.PATIENT, patient_id=other["id"]),
            "reviewer": desk.signed_in(Role.REVIEWER),
            "visitor": desk.visitor,
        },
    )


WHO = ("doctor", "colleague", "admin", "patient", "stranger", "reviewer", "visitor")
# Method, path below the consultations, body, and the status for each of WHO.
ROUTES: list[tuple[str, str, Json | None, str]] = [
    ("GET", "{visit}", None, "200 200 200 200 404 404 401"),
    ("PATCH", "{visit}", {"note": "For the clinic"}, "200 200 200 403 403 403 401"),
    ("GET", "{visit}/images", None, "200 200 200 200 404 404 401"),
    ("POST", "{visit}/images", None, "201 403 201 403 403 403 401"),
    ("GET", "{visit}/images/download-all", None, "200 200 200 200 404 404 401"),
    ("GET", "images/{image}", None, "200 200 200 200 404 404 401"),
    ("PATCH", "images/{image}", {"caption": "x"}, "200 403 200 403 403 403 401"),
    ("DELETE", "images/{image}", None, "204 403 204 403 403 403 401"),
    ("GET", "?patient_id={patient}", None, "200 200 200 200 404 404 401"),
    ("POST", "", {"patient_id": "{patient}"}, "201 201 201 403 403 403 401"),
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_everybody_may_do_what_the_table_says(desk: Desk, matrix: Matrix, route: Any) -> None:
    method, path, body, wanted = route
    names = {"visit": matrix.visit["id"], "patient": matrix.visit["patient_id"]}
    found = []
    for place, client in enumerate(matrix.clients.values()):
        image = matrix.image_id
        if method == "DELETE" and WHO[place] == "admin":
            image = stored(matrix.clients["doctor"], matrix.visit, 40)
        elif method == "DELETE" and WHO[place] == "doctor":
            image = stored(client, matrix.visit, 41)
        address = CONSULTATIONS + path.format(image=image, **names)
        options: Json = {"json": {k: v.format(**names) for k, v in body.items()}} if body else {}
        if method == "POST" and path:
            options = {"files": {"file": ("foot.jpg", picture(50 + place))}}
        answer = client.request(method, address, **options)
        found.append(answer.status_code)
        if answer.status_code >= 400:
            problem(answer)
    assert found == [int(status) for status in wanted.split()]
    assert desk.incoming == []


def test_lists_hold_what_each_may_see(matrix: Matrix) -> None:
    for who, sees in (("colleague", True), ("patient", True), ("stranger", False), ("reviewer", False)):
        items = matrix.clients[who].get(CONSULTATIONS, params={"page_size": 100}).json()["items"]
        assert (matrix.visit["id"] in [each["id"] for each in items]) is sees, who
    own = matrix.clients["patient"].get(CONSULTATIONS).json()["items"]
    assert {each["patient_id"] for each in own} == {matrix.visit["patient_id"]}


def test_a_patient_does_not_see_the_note(matrix: Matrix) -> None:
    path = f"{CONSULTATIONS}{matrix.visit['id']}"
    assert matrix.clients["doctor"].get(path).json()["note"] == "For the clinic"
    own = matrix.clients["patient"].get(path)
    assert own.json()["note"] == ""
    assert "For the clinic" not in matrix.clients["patient"].get(CONSULTATIONS).text + own.text


def test_what_does_not_exist_is_not_found(desk: Desk) -> None:
    image = desk.image()
    for method, path in (
        ("GET", f"{uuid4()}"),
        ("PATCH", f"{uuid4()}"),
        ("GET", f"{uuid4()}/images"),
        ("GET", f"{uuid4()}/images/download-all"),
        ("GET", f"images/{uuid4()}"),
        ("GET", f"images/{image['id']}"),  # of no consultation
        ("PATCH", f"images/{image['id']}"),
        ("DELETE", f"images/{image['id']}"),
        ("GET", "nonsense"),
    ):
        options: Json = {"json": {}} if method == "PATCH" else {}
        answer = desk.client.request(method, CONSULTATIONS + path, **options)
        assert (method, path, answer.status_code) == (method, path, 404)
        problem(answer)
    sent = desk.client.post(f"{CONSULTATIONS}{uuid4()}/images", files={"file": ("a.jpg", picture(1))})
    assert sent.status_code == 404


def test_a_batch_is_assigned_over_shape_one(desk: Desk) -> None:
    batch = desk.batch()
    visit = added(desk.client, batch["patient_id"])
    path = f"/api/images/batches/{batch['id']}/"
    assert desk.client.patch(path, json={"visit_id": visit["id"]}).json()["visit_id"] == visit["id"]
    elsewhere = added(desk.client, desk.patient()["id"])
    assert desk.client.patch(path, json={"visit_id": elsewhere["id"]}).status_code == 422
    assert desk.client.patch(path, json={"visit_id": str(UUID(int=0))}).status_code == 404
    assert desk.client.patch(path, json={"visit_id": None}).json()["visit_id"] is None
    inside = desk.batch(batch["patient_id"], visit_id=visit["id"])
    assert inside["visit_id"] == visit["id"]
