"""How long records are kept, over REST."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Role
from tests.api.desks import Desk, Json, problem


@pytest.fixture
def rule(desk: Desk) -> Iterator[Json]:
    """The rule of ten years for everything."""
    answer = desk.admin.post("/api/retention/rules/", json={"years": 10})
    assert answer.status_code == 201
    yield answer.json()
    desk.admin.delete(f"/api/retention/rules/{answer.json()['id']}/")


LONG_AGO = datetime(2001, 2, 3, 10, tzinfo=UTC)


def old_patient(desk: Desk) -> str:
    """Add a patient whose only image was uploaded long ago; return their id."""
    image = desk.image()
    with desk.clinic.database.write() as session:
        session.get_one(Image, UUID(image["id"])).uploaded_at = LONG_AGO
        session.get_one(Batch, UUID(image["batch"])).taken_on = LONG_AGO.date()
        session.get_one(Patient, UUID(image["patient_id"])).created_at = LONG_AGO
    return str(image["patient_id"])


def test_rules_are_added_changed_and_removed(desk: Desk, rule: Json) -> None:
    path = f"/api/retention/rules/{rule['id']}/"
    assert desk.admin.patch(path, json={"years": 12}).json()["years"] == 12
    assert [each["years"] for each in desk.admin.get("/api/retention/rules/").json()] == [12]
    assert problem(desk.admin.post("/api/retention/rules/", json={"years": 1}))["code"] == "conflict"
    for body in ({}, {"years": 0}, {"years": 151}, {"years": 3, "category": "fly"}):
        assert desk.admin.post("/api/retention/rules/", json=body).status_code == 422
    assert desk.admin.delete(path).status_code == 204
    assert problem(desk.admin.delete(path))["code"] == "not_found"


def test_what_is_due_is_told_run_and_taken_back(desk: Desk, rule: Json) -> None:
    patient_id = old_patient(desk)
    report = desk.admin.get("/api/retention/due/").json()
    (due,) = [each for each in report["due"] if each["patient_id"] == patient_id]
    assert (due["last_visit_on"], due["since"], due["is_whole"], due["images"]) == (
        "2001-02-03", "2011-02-03", True, 1
    )  # fmt: skip
    sheet = desk.admin.get("/api/retention/due/csv/")
    lines = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"), newline="")))
    assert patient_id in {line["Patient id"] for line in lines}
    run = desk.admin.post("/api/retention/run/", json={"patient_ids": [patient_id]}).json()
    assert (list(run["changes"]), run["images"]) == ([patient_id], 1)
    assert desk.client.get(f"/api/patients/{patient_id}/").status_code == 404
    undone = desk.admin.post("/api/undo/", json={"change_id": run["changes"][patient_id]})
    assert undone.json() == {"undone": "retention.run"}
    assert desk.client.get(f"/api/patients/{patient_id}/").status_code == 200
    assert desk.admin.put(f"/api/patients/{patient_id}/retention/", json={"years": 90}).status_code == 204
    assert patient_id not in desk.admin.get("/api/retention/due/").text


def test_a_hold_stops_every_way_to_remove(desk: Desk) -> None:
    image = desk.image()
    patient_id = image["patient_id"]
    path = f"/api/patients/{patient_id}/hold/"
    assert problem(desk.admin.put(path, json={"reason": " "}))["code"] == "invalid"
    held = desk.admin.put(path, json={"reason": "claim"}).json()
    assert (held["patient_id"], held["reason"], held["is_trashed"]) == (patient_id, "claim", False)
    assert held in desk.admin.get("/api/retention/holds/").json()["items"]
    for removal in (f"/api/images/{image['id']}/", f"/api/images/batches/{image['batch']}/",
                    f"/api/patients/{patient_id}/"):  # fmt: skip
        answer = desk.client.delete(removal)
        assert answer.status_code == 409
        assert "legal hold" in problem(answer)["message"]
    assert desk.client.delete(path).status_code == 403
    assert desk.admin.delete(path).status_code == 204
    assert desk.client.delete(f"/api/images/{image['id']}/").status_code == 204


def test_the_trash_is_emptied(desk: Desk) -> None:
    image = desk.image()
    patient_id = image["patient_id"]
    desk.client.delete(f"/api/images/{image['id']}/")
    query = {"patient_id": patient_id}
    counted = desk.admin.get("/api/trash/purge/", params=query).json()
    assert (counted["images"], counted["file_size"], counted["held"]) == (1, image["file_size"], 0)
    assert desk.admin.get("/api/trash/purge/", params={**query, "older_than_days": 1}).json()["images"] == 0
    assert desk.admin.post("/api/trash/purge/", json=query).json() == counted
    assert desk.admin.get("/api/trash/purge/", params=query).json()["images"] == 0


def test_a_patient_is_erased_when_named_once_more(desk: Desk) -> None:
    image = desk.image()
    patient = desk.client.get(f"/api/patients/{image['patient_id']}/").json()
    path = f"/api/patients/{patient['id']}/erase/"
    wrong = desk.admin.post(path, json={"confirmation": "Somebody else", "reason": "asked"})
    assert problem(wrong)["code"] == "invalid"
    for body in ({"confirmation": patient["name"]}, {"confirmation": patient["name"], "reason": "because"}):
        assert desk.admin.post(path, json=body).status_code == 422
    asked = {"confirmation": patient["name"], "reason": "asked"}
    assert desk.client.post(path, json=asked).status_code == 403
    erased = desk.admin.post(path, json=asked).json()
    assert erased == {"patient_id": patient["id"], "images": 1, "is_finished": True}
    assert desk.client.get(f"/api/images/{image['id']}/").status_code == 404
    audit = desk.admin.get("/api/audit/", params={"patient_id": patient["id"], "action": "patient.erase"})
    (line,) = [each for each in audit.json()["items"] if each["outcome"] == "done"]
    assert (line["is_patient_gone"], line["patient_name"]) == (True, None)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER])
def test_it_is_for_administrators(desk: Desk, role: Role) -> None:
    client = desk.signed_in(role)
    for path in ("rules/", "due/", "due/csv/", "holds/"):
        assert problem(client.get(f"/api/retention/{path}"))["code"] == "forbidden"
        assert desk.visitor.get(f"/api/retention/{path}").status_code == 401
