"""Image sets over REST: what staff make and give, and what leads no reviewer to a patient."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from imgcore.domain.access import Role
from tests.api.desks import Desk, Json, picture, problem

NAME, BORN, FILE, CAPTION = "Zebulon Quartz", "1951-02-03", "IMG-zq-7.jpg", "Quartz's heel"
AGREED = {f"consent_{purpose}": {"given_on": "2025-11-06"} for purpose in ("record", "teaching")}
_seeds = iter(range(100, 10_000))


@pytest.fixture
def images(desk: Desk) -> list[Json]:
    """Two images of a patient with a name, a number and a birth date."""
    patient = desk.patient(name=NAME, birth_on=BORN, mrn=uuid4().hex, external_id=uuid4().hex, **AGREED)
    batch = desk.batch(patient["id"], name=f"{NAME} left")
    found = [desk.image(batch["id"], picture(next(_seeds)), FILE) for _number in range(2)]
    for image in found:
        fields = {"caption": CAPTION, "description": CAPTION, "body_location": "Heel", "laterality": "L"}
        answer = desk.client.patch(f"/api/images/{image['id']}/", json=fields)
        assert answer.status_code == 200
    return [desk.client.get(f"/api/images/{image['id']}/").json() for image in found]


def make(desk: Desk, images: list[Json], **fields: Any) -> Json:
    body = {"name": "Heels", "purpose": "record", "image_ids": [image["id"] for image in images]} | fields
    answer = desk.client.post("/api/image-sets/", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def reviewer(desk: Desk, set_id: str) -> tuple[TestClient, str]:
    """Return a new reviewer who is given the set, and their id."""
    client = desk.signed_in(Role.REVIEWER)
    user_id = client.get("/api/v1/auth/me").json()["id"]
    answer = desk.client.post(f"/api/image-sets/{set_id}/given/", json={"user_id": user_id})
    assert answer.status_code == 201, answer.text
    assert [each["user_id"] for each in answer.json()] == [user_id]
    return client, user_id


def test_staff_make_a_set_and_see_what_is_in_it(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images, note="Surgery?")
    assert (made["size"], made["shown"], made["withheld"], made["left_out"]) == (2, 2, 0, 0)
    found = desk.client.get(f"/api/image-sets/{made['id']}").json()
    assert found["hash"] == made["hash"] and found["hash_state"] == "same"
    assert [item["image_id"] for item in found["images"]["items"]] == [image["id"] for image in images]
    assert found["images"]["items"][0]["urls"]["picture"] == f"/api/image-sets/{made['id']}/images/1/picture/"
    listed = desk.client.get("/api/image-sets/", params={"page_size": 100}).json()["items"]
    assert made["id"] in [each["id"] for each in listed]
    page = desk.client.get(f"/api/image-sets/{made['id']}/", params={"page": 2, "page_size": 1}).json()
    assert [item["place"] for item in page["images"]["items"]] == [2]


def test_a_missing_consent_is_said_with_what_to_do(desk: Desk, images: list[Json]) -> None:
    body = {"name": "x", "purpose": "publication", "image_ids": [images[0]["id"]]}
    answer = desk.client.post("/api/image-sets/", json=body)
    assert answer.status_code == 409
    said = problem(answer)
    assert said["message"] == "The patient's consent to publication is missing or withdrawn."
    assert said["hint"] == "Record the consent on the patient's page first."


@pytest.mark.parametrize(
    "fields",
    [{"purpose": "fun"}, {"image_ids": []}, {"name": ""}, {"image_ids": ["x"]}, {"extra": 1}],
)
def test_what_no_set_can_be_is_refused(desk: Desk, images: list[Json], fields: Json) -> None:
    body = {"name": "x", "purpose": "record", "image_ids": [images[0]["id"]]} | fields
    assert desk.client.post("/api/image-sets/", json=body).status_code == 422
    body = {"name": "x", "purpose": "record", "image_ids": [str(uuid4())]}
    assert desk.client.post("/api/image-sets/", json=body).status_code == 404


def everything(desk: Desk, client: TestClient, made: Json, places: list[int]) -> list[bytes]:
    """Return all that a client is told of a set: every body and every header."""
    root = f"/api/image-sets/{made['id']}/"
    paths = ["/api/image-sets/", root, root + "download/"]
    paths += [f"{root}images/{place}/{kind}/" for place in places for kind in ("thumbnail", "picture")]
    bodies = []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        bodies += [answer.content, str(answer.headers).encode()]
    archive = zipfile.ZipFile(io.BytesIO(client.get(root + "download/").content))
    return [*bodies, *(archive.read(name) + name.encode() for name in archive.namelist())]


def test_nothing_that_a_reviewer_gets_leads_to_the_patient(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images)
    client, _user_id = reviewer(desk, made["id"])
    patient = desk.client.get(f"/api/patients/{images[0]['patient_id']}/").json()
    words = [NAME, "Zebulon", "Quartz", patient["mrn"], BORN, FILE, "IMG-zq", CAPTION, "caption"]
    words += [patient["id"], patient["external_id"], images[0]["batch_id"], images[0]["key"]]
    words += [image[field] for image in images for field in ("id", "sha256", "uploaded_at")]
    for body in everything(desk, client, made, [1, 2]):
        assert [word for word in words if word.encode() in body] == []
    item = client.get(f"/api/image-sets/{made['id']}/").json()["images"]["items"][0]
    assert (item["body_location"], item["laterality"], item["image_id"], item["patient_id"]) == (
        "Heel", "L", None, None,
    )  # fmt: skip


def test_a_reviewer_gets_no_other_path_to_the_pictures(desk: Desk, images: list[Json]) -> None:
    made, other = make(desk, images[:1]), make(desk, images[1:])
    client, user_id = reviewer(desk, made["id"])
    root, hidden = f"/api/image-sets/{made['id']}/", f"/api/image-sets/{other['id']}/"
    for path in (hidden, hidden + "download/", hidden + "images/1/picture/", root + "images/2/thumbnail/"):
        assert client.get(path).status_code == 404, path
    for kind in ("", "thumbnail/", "display/", "compressed/", "download/"):
        assert client.get(f"/api/images/{images[0]['id']}/{kind}").status_code == 404
    for method, path in (
        ("GET", root + "given/"), ("GET", root + "shares/"), ("GET", "/api/image-sets/reviewers/"),
        ("DELETE", f"{root}given/{user_id}/"),
    ):  # fmt: skip
        assert client.request(method, path).status_code == 403, path
    assert client.post(root + "shares/", json={"label": "me"}).status_code == 403
    assert desk.visitor.get(root).status_code == 401


def test_a_set_that_is_taken_back_is_gone_at_once(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images)
    client, user_id = reviewer(desk, made["id"])
    place = f"/api/image-sets/{made['id']}/"
    thumbnail = client.get(place + "images/1/thumbnail/")
    assert thumbnail.headers["cache-control"] == "private, no-cache"
    assert desk.client.delete(f"{place}given/{user_id}/").status_code == 204
    assert client.get(place).status_code == 404
    known = {"If-None-Match": thumbnail.headers["etag"]}
    assert client.get(place + "images/1/thumbnail/", headers=known).status_code == 404
    assert client.get("/api/image-sets/").json()["items"] == []


def test_a_consent_withdrawn_on_the_way_takes_the_pictures_away(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images, purpose="teaching")
    client, _user_id = reviewer(desk, made["id"])
    assert client.get(f"/api/image-sets/{made['id']}/images/1/picture/").status_code == 200
    withdrawn = {"consent_teaching": {"given_on": "2025-11-06", "withdrawn_on": "2025-11-07"}}
    desk.client.patch(f"/api/patients/{images[0]['patient_id']}/", json=withdrawn)
    found = client.get(f"/api/image-sets/{made['id']}/").json()
    assert (found["shown"], found["withheld"], found["images"]["items"]) == (0, 2, [])
    for kind in ("images/1/picture/", "images/1/thumbnail/", "download/"):
        assert client.get(f"/api/image-sets/{made['id']}/{kind}").status_code == 404
    told = desk.client.get(f"/api/image-sets/{made['id']}/").json()["images"]["items"]
    assert [(item["withheld"], item["urls"]) for item in told] == [("consent", None)] * 2


def test_links_are_made_listed_and_revoked(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images)
    place = f"/api/image-sets/{made['id']}/shares/"
    new = desk.client.post(place, json={"label": "Dr Berg", "days": 3})
    assert new.status_code == 201
    assert set(new.json()) == {"share", "link", "pin"}
    assert new.json()["link"].startswith("/share/") and len(new.json()["pin"]) == 6
    (share,) = desk.client.get(place).json()
    assert (share["label"], share["state"]) == ("Dr Berg", "open")
    assert new.json()["pin"] not in desk.client.get(place).text
    for days in (0, 31):
        assert desk.client.post(place, json={"label": "x", "days": days}).status_code == 422
    assert desk.client.delete(f"/api/shares/{share['id']}/").status_code == 204
    assert desk.client.get(place).json()[0]["state"] == "revoked"
    assert desk.client.delete(f"/api/shares/{uuid4()}/").status_code == 404


def test_sets_are_given_to_reviewers_until_a_day_to_come(desk: Desk, images: list[Json]) -> None:
    made = make(desk, images)
    client, user_id = reviewer(desk, made["id"])
    place = f"/api/image-sets/{made['id']}/given/"
    assert user_id in [each["user_id"] for each in desk.client.get("/api/image-sets/reviewers/").json()]
    me = desk.client.get("/api/v1/auth/me").json()["id"]
    for body in ({"user_id": me}, {"user_id": user_id, "ends_at": "2020-01-01T00:00:00Z"},
                 {"user_id": user_id, "ends_at": "2100-01-01T00:00:00"}):  # fmt: skip
        assert desk.client.post(place, json=body).status_code == 422
    ending = {"user_id": user_id, "ends_at": "2100-01-01T00:00:00Z"}
    (given,) = desk.client.post(place, json=ending).json()
    assert given["ends_at"] == "2100-01-01T00:00:00Z"
    assert client.get(f"/api/image-sets/{made['id']}/").status_code == 200
