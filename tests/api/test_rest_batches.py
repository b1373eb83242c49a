"""Batches over REST, in both ways of naming their patient."""

from __future__ import annotations

from uuid import uuid4

from tests.api.desks import Desk, picture, problem

BATCHES = "/api/images/batches/"


def test_a_batch_is_added_in_either_form(desk: Desk) -> None:
    patient = desk.patient()
    named = {"name": "Feet", "content_type": "patients.patient", "object_id": patient["id"]}
    first = desk.client.post(BATCHES, json=named)
    assert first.status_code == 201
    assert {name: first.json()[name] for name in named} == named
    assert (first.json()["image_count"], first.json()["patient_id"]) == (0, patient["id"])
    second = desk.batch(patient["id"], name="Later", taken_on="2025-11-06")
    assert second["taken_on"] == "2025-11-06"
    listed = desk.client.get(BATCHES, params={"patient_id": patient["id"]}).json()
    assert {each["id"] for each in listed["items"]} == {first.json()["id"], second["id"]}
    assert desk.client.get(f"{BATCHES}{second['id']}/").json() == second


def test_a_batch_needs_one_patient(desk: Desk) -> None:
    patient_id = desk.patient()["id"]
    for wrong in (
        {"name": "x"},
        {"name": "x", "patient_id": patient_id, "object_id": patient_id},
        {"name": "x", "content_type": "visits.visit", "object_id": patient_id},
        {"name": "x" * 256, "patient_id": patient_id},
        {"name": "x", "patient_id": patient_id, "taken_on": "yesterday"},
        {"name": "x", "patient_id": patient_id, "colour": "red"},
    ):
        assert desk.client.post(BATCHES, json=wrong).status_code == 422, wrong
    missing = desk.client.post(BATCHES, json={"name": "x", "patient_id": str(uuid4())})
    assert (missing.status_code, problem(missing)["code"]) == (404, "not_found")


def test_a_batch_is_changed_in_part_or_as_a_whole(desk: Desk) -> None:
    batch = desk.batch(name="First", taken_on="2025-01-02")
    path = f"{BATCHES}{batch['id']}/"
    patched = desk.client.patch(path, json={"name": "Second"}, headers={"If-Match": '"1"'})
    assert (patched.json()["name"], patched.json()["taken_on"]) == ("Second", "2025-01-02")
    assert patched.headers["x-change-id"]
    assert "x-change-id" not in desk.client.patch(path, json={"name": "Second"}).headers
    assert desk.client.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'}).status_code == 412
    whole = {"name": "Third", "taken_on": "2025-02-03", "object_id": batch["patient_id"]}
    put = desk.client.put(path, json=whole, headers={"If-Match": patched.headers["etag"]})
    assert (put.json()["name"], put.json()["taken_on"], put.headers["etag"]) == ("Third", "2025-02-03", '"3"')
    assert desk.client.put(path, json={"taken_on": "2025-02-03"}).status_code == 422
    elsewhere = desk.client.put(path, json={"name": "x", "patient_id": desk.patient()["id"]})
    assert elsewhere.status_code == 409


def test_a_batch_goes_to_the_right_patient_only_for_a_reason_and_back_by_undo(desk: Desk) -> None:
    batch, right = desk.batch(), desk.patient()
    image = desk.image(batch["id"])
    path = f"{BATCHES}{batch['id']}/"
    assert (
        desk.client.post(path + "move/", json={"patient_id": right["id"], "reason": " "}).status_code == 422
    )
    moved = desk.client.post(path + "move/", json={"patient_id": right["id"], "reason": "mixed up"})
    assert moved.json()["patient_id"] == right["id"]
    assert desk.client.get(f"/api/images/{image['id']}/").json()["patient_id"] == right["id"]
    undone = desk.client.post("/api/undo/", json={"change_id": moved.headers["x-change-id"]})
    assert undone.json() == {"undone": "batch.move"}
    assert desk.client.get(path).json()["patient_id"] == batch["patient_id"]


def test_a_batch_goes_to_the_trash_with_its_images_and_comes_back(desk: Desk) -> None:
    batch = desk.batch()
    one, other = (desk.image(batch["id"], picture(seed)) for seed in (1, 2))
    desk.client.delete(f"/api/images/{other['id']}/")
    path = f"{BATCHES}{batch['id']}/"
    assert desk.client.delete(path).status_code == 204
    assert desk.client.get(f"/api/images/{one['id']}/").status_code == 404
    trashed = desk.client.get("/api/trash/", params={"patient_id": batch["patient_id"]}).json()["items"]
    assert [(each["kind"], each["id"], each["image_count"]) for each in trashed] == [
        ("batch", batch["id"], 1)
    ]
    assert desk.client.post(path + "restore/").json()["image_count"] == 1
    assert desk.client.get(f"/api/images/{other['id']}/").status_code == 404
