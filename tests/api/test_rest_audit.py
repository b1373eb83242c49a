"""The record of access over REST: the audit for administrators, and who looked at one patient."""

from __future__ import annotations

import csv
import io

import pytest
from starlette.testclient import TestClient

from imgcore.domain.access import Role, system
from tests.api.desks import Desk, Json, problem


def rows(client: TestClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["cache-control"] == "private, no-store"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def looks(desk: Desk, patient: Json) -> str:
    return f"/api/patients/{patient['id']}/looks/"


def test_who_looked_is_told_with_names_and_words(desk: Desk) -> None:
    image = desk.image()
    desk.admin.get(f"/api/images/{image['id']}/download/")
    page = desk.client.get(f"/api/patients/{image['patient_id']}/looks/").json()
    first = page["items"][0]
    assert (first["person"]["name"], first["what"], first["pictures"]) == ("admin", "downloaded 1 picture", 1)
    assert set(first["person"]) == {"kind", "id", "name", "email"}
    assert page["total"] >= 4
    one = desk.client.get(
        f"/api/patients/{image['patient_id']}/looks/", params={"image_id": image["id"]}
    ).json()
    assert {each["what"] for each in one["items"]} == {"downloaded 1 picture", "added 1 picture"}


def test_receipts_are_a_table_and_a_document(desk: Desk) -> None:
    patient = desk.patient(name="Привет 王", mrn="99-1", birth_on="1961-05-12")
    table = rows(desk.client, looks(desk, patient) + "csv/")
    assert table[-1]["What"] == "added the patient"
    answer = desk.client.get(looks(desk, patient) + "pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert "who looked 99-1" in answer.headers["content-disposition"]


def test_who_may_not_see_the_patient_may_not_know_who_looked(desk: Desk) -> None:
    patient = desk.patient()
    own = desk.signed_in(Role.PATIENT, patient_id=patient["id"])
    for path in ("", "csv/", "pdf/"):
        assert problem(own.get(looks(desk, patient) + path))["code"] == "forbidden"
        assert desk.signed_in(Role.REVIEWER).get(looks(desk, patient) + path).status_code == 403
        assert desk.visitor.get(looks(desk, patient) + path).status_code == 401
        assert desk.client.get("/api/patients/nobody/looks/" + path).status_code == 404


def test_the_audit_is_listed_and_filtered(desk: Desk) -> None:
    patient = desk.patient(external_id="audit-1")
    for ref in (patient["id"], "audit-1"):
        found = desk.admin.get("/api/audit/", params={"patient_id": ref, "action": "patient.create"}).json()
        (line,) = found["items"]
        assert (line["patient_name"], line["outcome"], line["entity_ids"]) == (
            "Ada Novak", "done", [patient["id"]]
        )  # fmt: skip
    who = line["person"]["id"]
    found = desk.admin.get("/api/audit/", params={"person": who, "from": line["at"], "to": line["at"]}).json()
    assert found["items"] == []
    found = desk.admin.get("/api/audit/", params={"person": who, "from": line["at"]}).json()
    assert found["items"][-1]["id"] == line["id"]
    table = rows(desk.admin, "/api/audit/csv/?action=patient.create&patient_id=audit-1")
    assert [row["Patient id"] for row in table] == [patient["id"]]


@pytest.mark.parametrize(
    "query",
    [
        {"person": "x"},
        {"action": "fly"},
        {"outcome": "x"},
        {"from": "2025-11-06"},
        {"from": "2025-11-06T00:00:00"},
        {"to": "0001-01-01T00:00:00+23:59"},
        {"to": "9999-12-31T23:59:59-23:59"},
        {"patient_id": ""},
        {"patient_id": "\x00"},
    ],
)
def test_a_filter_that_is_none_is_refused(desk: Desk, query: dict[str, str]) -> None:
    for path in ("/api/audit/", "/api/audit/csv/"):
        assert problem(desk.admin.get(path, params=query))["code"] in ("invalid", "not_found")


def test_the_chain_is_verified(desk: Desk) -> None:
    desk.patient()
    desk.clinic.services.seals.run(system())
    answer = desk.admin.get("/api/audit/verify/").json()
    assert (answer["holds"], answer["found"], answer["findings"]) == (True, 0, [])
    assert (
        answer["text"]
        == f"All {answer['lines']} lines hold; head {answer['lines']} {answer['head']['chain']}."
    )


def test_the_whole_audit_is_for_administrators(desk: Desk) -> None:
    for path in ("/api/audit/", "/api/audit/csv/", "/api/audit/verify/"):
        assert problem(desk.client.get(path))["code"] == "forbidden"
        assert desk.visitor.get(path).status_code == 401


def test_the_reference_has_an_example_for_each(desk: Desk) -> None:
    document = desk.client.get("/api/openapi.json").json()
    for path in ("/api/audit/", "/api/audit/csv/", "/api/audit/verify/", "/api/patients/{patient_id}/looks/"):
        assert document["paths"][path]["get"]["tags"] == ["Record of access"]
    for name in ("AuditLine", "Look", "Verdict", "Finding"):
        assert document["components"]["schemas"][name]["examples"]
