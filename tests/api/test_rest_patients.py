"""Patients over REST: found, added, changed, put away and brought back."""

from __future__ import annotations

from tests.api.desks import Desk, problem


def test_only_a_name_is_needed(desk: Desk) -> None:
    patient = desk.patient(name="  Zoë\u0000 Klein ")
    assert patient["name"] == "Zoë Klein"
    assert patient["consent_record"] == {"given_on": None, "withdrawn_on": None}
    answer = desk.client.get(f"/api/patients/{patient['id']}/")
    assert answer.json() == patient
    assert answer.headers["etag"] == '"1"'


def test_paths_answer_without_their_last_slash_too(desk: Desk) -> None:
    patient = desk.patient()
    bare = desk.client.get(f"/api/patients/{patient['id']}", follow_redirects=False)
    assert (bare.status_code, bare.json()) == (200, patient)
    assert desk.client.get("/api/patients", follow_redirects=False).status_code == 200
    assert desk.client.post("/api/patients", json={"name": "X"}, follow_redirects=False).status_code == 201


def test_an_external_id_stands_wherever_an_id_does(desk: Desk) -> None:
    patient = desk.patient(external_id="his-77", mrn="MRN 5")
    assert desk.client.get("/api/patients/his-77/").json() == patient
    assert desk.client.get("/api/patients/his-77/counts/").json()["batches"] == 0
    batch = desk.batch("his-77")
    assert batch["patient_id"] == batch["object_id"] == patient["id"]
    listed = desk.client.get("/api/images/batches/", params={"patient_id": "his-77"}).json()
    assert [each["id"] for each in listed["items"]] == [batch["id"]]


def test_a_number_that_is_taken_is_a_conflict(desk: Desk) -> None:
    desk.patient(mrn="taken")
    answer = desk.client.post("/api/patients/", json={"name": "Other", "mrn": "taken"})
    assert answer.status_code == 409
    assert problem(answer)["code"] == "conflict"


def test_a_stale_change_is_refused_and_the_first_one_stays(desk: Desk) -> None:
    path = f"/api/patients/{desk.patient()['id']}/"
    first = desk.client.patch(path, json={"notes": "mine"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert first.headers["x-change-id"]
    second = desk.client.patch(path, json={"notes": "theirs"}, headers={"If-Match": "1"})
    assert second.status_code == 412
    assert problem(second)["code"] == "stale"
    assert desk.client.get(path).json()["notes"] == "mine"
    assert desk.client.patch(path, json={"notes": "late"}).json()["version"] == 3
    assert desk.client.patch(path, json={"notes": "any"}, headers={"If-Match": "*"}).status_code == 200
    assert desk.client.patch(path, json={"notes": "x"}, headers={"If-Match": "three"}).status_code == 422


def test_lists_are_turned_by_page_and_by_cursor(desk: Desk) -> None:
    names = [f"Turning {letter}" for letter in "abcde"]
    for name in names:
        desk.patient(name=name)
    asked: dict[str, str | int] = {"q": "turning", "page_size": 2}
    first = desk.client.get("/api/patients/", params=asked).json()
    assert (first["total"], first["total_is_exact"], first["total_pages"]) == (5, True, 3)
    assert (first["page"], first["page_size"]) == (1, 2)
    second = desk.client.get("/api/patients/", params={**asked, "cursor": first["next_cursor"]}).json()
    assert second["items"] == desk.client.get("/api/patients/", params={**asked, "page": 2}).json()["items"]
    last = desk.client.get("/api/patients/", params={**asked, "page": 3}).json()
    assert last["next_cursor"] is None
    seen = [each["name"] for page in (first, second, last) for each in page["items"]]
    assert seen == names


def test_the_trash_takes_all_of_a_patient_and_gives_it_back(desk: Desk) -> None:
    patient = desk.patient(name="Away")
    batch = desk.batch(patient["id"])
    path = f"/api/patients/{patient['id']}/"
    gone = desk.client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["x-change-id"]
    assert problem(desk.client.get(path))["code"] == "not_found"
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").status_code == 404
    listed = desk.client.get("/api/trash/", params={"kind": "patient", "patient_id": patient["id"]}).json()
    assert [each["name"] for each in listed["items"]] == ["Away"]
    restored = desk.client.post(path + "restore/")
    assert (restored.status_code, restored.json()["trashed_at"]) == (200, None)
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").status_code == 200
    assert desk.client.post(path + "restore/").status_code == 404


def test_counts_follow_what_is_kept(desk: Desk) -> None:
    patient = desk.patient()
    image = desk.image(desk.batch(patient["id"])["id"])
    path = f"/api/patients/{patient['id']}/counts/"
    counts = desk.client.get(path).json()
    assert (counts["batches"], counts["images"], counts["uncategorised"]) == (1, 1, 1)
    assert counts["file_size"] == image["file_size"]
    desk.client.delete(f"/api/images/{image['id']}/")
    assert desk.client.get(path).json()["images"] == 0
