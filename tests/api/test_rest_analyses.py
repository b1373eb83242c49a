"""Analyses over REST: stored first, kept as history, and shown to nobody else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from imgcore.domain.access import Role
from tests.api.desks import Desk, Json, open_desk, picture, problem
from tests.services.models import AWAY, Counting
from tests.services.past_records import export, record

ANALYZE, IMPORT = "/api/ai/analyze", "/api/ai/import"
RUN = "skin-check"


@pytest.fixture(scope="module")
def model() -> Counting:
    """The one model of the clinic."""
    return Counting()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, model: Counting) -> Iterator[Desk]:
    """One clinic for the tests of this module."""
    folder: Path = tmp_path_factory.mktemp("clinic")
    with open_desk(folder, {model.name: model}, max_file_bytes=200_000) as opened:
        yield opened


@pytest.fixture(autouse=True)
def whole(model: Counting) -> Iterator[None]:
    """Let a model that was broken by a test work again."""
    yield
    model.fault = None


def analyze(
    desk: Desk, patient: str, content: bytes, client: TestClient | None = None, **options: Any
) -> Any:
    data = {"patient_id": patient, "analyser": RUN} | options.pop("data", {})
    data = {name: value for name, value in data.items() if value is not None}
    sender = client or desk.client
    return sender.post(ANALYZE, files={"file": ("mole.jpg", content)}, data=data, **options)


def test_an_image_is_stored_first_and_its_result_is_kept(desk: Desk) -> None:
    patient, content = desk.patient(external_id=uuid4().hex), picture(1)
    answer = analyze(desk, patient["external_id"], content, data={"body_region": "Left heel"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert set(made) >= {"analysis_id", "image_url", "ai_result"}
    assert made["ai_result"]["analyser"] == RUN
    assert (made["ai_result"]["body_region"], made["error"]) == ("Left heel", None)
    image = desk.client.get(f"/api/images/{made['image_id']}").json()
    assert image["sha256"] == hashlib.sha256(content).hexdigest()
    batch = desk.client.get(f"/api/images/batches/{image['batch']}").json()
    assert (batch["object_id"], batch["name"].startswith("Analyses ")) == (patient["id"], True)
    assert desk.visitor.get(made["image_url"]).status_code == 200, "the link carries its own proof"
    assert desk.visitor.get(made["image_url"].partition("?")[0]).status_code == 401
    history = desk.client.get(f"/api/ai/history/{patient['id']}").json()
    (item,) = history["items"]
    assert (item["id"], item["predictions"]) == (made["analysis_id"], made["ai_result"]["predictions"])
    assert desk.visitor.get(item["thumbnail_url"]).status_code == 200
    one = desk.client.get(f"/api/ai/analyses/{made['analysis_id']}").json()
    assert {name: one[name] for name in ("id", "image_id", "created_at")} == {
        name: item[name] for name in ("id", "image_id", "created_at")
    }
    second = analyze(desk, patient["id"], picture(2)).json()
    again = desk.client.get(f"/api/images/{second['image_id']}").json()
    assert again["batch"] == image["batch"], "one batch a day"


def test_the_same_request_again_makes_nothing_twice(desk: Desk, model: Counting) -> None:
    patient, key = desk.patient()["id"], {"Idempotency-Key": uuid4().hex}
    first = analyze(desk, patient, picture(3), headers=key).json()
    asked = len(model.asked)
    second = analyze(desk, patient, picture(3), headers=key).json()
    assert (second["analysis_id"], second["image_id"]) == (first["analysis_id"], first["image_id"])
    assert len(model.asked) == asked
    for content, data in ((picture(4), {}), (picture(3), {"body_region": "Left heel"})):
        problem(other := analyze(desk, patient, content, headers=key, data=data))
        assert other.status_code == 409


def test_when_the_model_fails_the_image_stays_and_can_be_run_again(desk: Desk, model: Counting) -> None:
    patient = desk.patient()["id"]
    model.fault = AWAY
    answer = analyze(desk, patient, picture(5))
    made = answer.json()
    assert (answer.status_code, made["ai_result"], made["error"]) == (201, None, AWAY.message)
    assert desk.client.get(f"/api/images/{made['image_id']}").status_code == 200
    model.fault = None
    mended = desk.client.post(f"/api/ai/analyses/{made['analysis_id']}/again/").json()
    assert (mended["id"], mended["error"], mended["label"] != "") == (made["analysis_id"], None, True)


def test_what_cannot_be_analysed_is_refused_with_a_reason(desk: Desk, model: Counting) -> None:
    patient, asked = desk.patient()["id"], len(model.asked)
    for answer, status in (
        (analyze(desk, str(uuid4()), picture()), 404),
        (analyze(desk, patient, b"no picture"), 415),
        (analyze(desk, patient, b"\xff\xd8" + b"x" * 300_000), 413),
        (analyze(desk, patient, picture(), data={"analyser": "other"}), 422),
        (analyze(desk, patient, picture(), data={"patient_id": None}), 422),
        (analyze(desk, patient, picture(), data={"external_id": "1"}), 422),
        (analyze(desk, patient, picture(), data={"name": "x"}), 422),
        (desk.client.post(ANALYZE, data={"patient_id": patient}, files={"other": b"x"}), 422),
        (desk.client.post(ANALYZE, json={}), 415),
        (analyze(desk, patient, picture(), desk.signed_in(Role.REVIEWER)), 403),
        (analyze(desk, patient, picture(), desk.visitor), 401),
    ):
        problem(answer)
        assert answer.status_code == status, answer.text
    assert len(model.asked) == asked
    assert desk.client.get(f"/api/ai/history/{patient}").json()["items"] == []
    assert desk.incoming == []


def test_a_patient_gets_what_was_released_alone(desk: Desk) -> None:
    patient = desk.patient()
    shown, kept = (analyze(desk, patient["id"], picture(n)).json()["analysis_id"] for n in (6, 7))
    own = desk.signed_in(Role.PATIENT, patient_id=patient["id"])
    stranger = desk.signed_in(Role.PATIENT, patient_id=desk.patient()["id"])
    path = f"/api/ai/history/{patient['id']}"
    assert own.get(path).json()["items"] == []
    assert desk.client.post(f"/api/results/{shown}/release/").status_code == 200
    (item,) = own.get(path).json()["items"]
    assert item["id"] == shown
    assert own.get(item["image_url"]).status_code == 200
    assert own.get(f"/api/ai/analyses/{kept}").status_code == 404
    assert own.get("/api/ai/analyses/").json()["total"] == 1
    for answer in (stranger.get(path), stranger.get(f"/api/ai/analyses/{shown}")):
        assert answer.status_code == 404
    assert own.get(f"/api/ai/images/{item['image_id']}/impressions/").status_code == 403


def test_lists_over_all_patients_are_narrowed(desk: Desk) -> None:
    made = [analyze(desk, desk.patient()["id"], picture(n)).json() for n in range(20, 24)]
    listed = desk.client.get("/api/ai/analyses/", params={"page_size": 100}).json()
    assert [each["id"] for each in listed["items"]][:4] == [each["analysis_id"] for each in reversed(made)]
    risk = made[0]["ai_result"]["risk_level"]
    params = {"risk_level": risk, "analyser": RUN, "page_size": 100}
    found = desk.client.get("/api/ai/analyses/", params=params).json()["items"]
    assert {each["risk_level"] for each in found} == {risk}
    assert desk.client.get("/api/ai/analyses/", params={"image_id": made[1]["image_id"]}).json()["total"] == 1
    assert desk.client.get("/api/ai/analyses/", params={"to_on": "2001-01-01"}).json()["items"] == []
    assert desk.client.get("/api/ai/models/").json()["items"][0]["name"] == RUN


def test_a_reviewer_reads_results_of_a_given_set_under_pseudonyms(desk: Desk, model: Counting) -> None:
    patient = desk.patient(name="Zebulon Quartz", consent_record={"given_on": "2025-11-06"})
    made = [analyze(desk, patient["id"], picture(n)).json() for n in range(30, 33)]
    body = {"name": "Set", "purpose": "record", "image_ids": [each["image_id"] for each in made]}
    set_id = desk.client.post("/api/image-sets/", json=body).json()["id"]
    client = desk.signed_in(Role.REVIEWER)
    params = {"image_set_id": set_id}
    assert client.get("/api/ai/analyses/", params=params).status_code == 404
    user_id = client.get("/api/v1/auth/me").json()["id"]
    desk.client.post(f"/api/image-sets/{set_id}/given/", json={"user_id": user_id})
    answer = client.get("/api/ai/analyses/", params=params)
    items = answer.json()["items"]
    assert sorted(each["place"] for each in items) == [1, 2, 3]
    for told in ("Zebulon", patient["id"], *(each["image_id"] for each in made)):
        assert told not in answer.text
    assert client.get(items[0]["image_url"]).headers["content-type"] == "image/jpeg"
    assert client.get(f"/api/ai/image-sets/{set_id}/agreement/").status_code == 409
    model.version = "2.0"
    for each in made:
        desk.client.post(f"/api/ai/analyses/{each['analysis_id']}/again/")
    model.version = "1.0"
    found = client.get(f"/api/ai/image-sets/{set_id}/agreement/").json()
    assert (found["images"], found["agreeing"], found["share"]) == (3, 3, 1.0)
    named = {"first": f"{RUN}@1.0", "second": f"{RUN}@9"}
    assert client.get(f"/api/ai/image-sets/{set_id}/agreement/", params=named).json()["images"] == 0


def test_an_impression_is_kept_beside_what_the_model_says(desk: Desk) -> None:
    made = analyze(desk, desk.patient()["id"], picture(40)).json()
    path = f"/api/ai/images/{made['image_id']}/impressions/"
    answer = desk.client.post(path, json={"text": "Looks harmless", "risk_level": "low"})
    assert answer.status_code == 201, answer.text
    assert desk.admin.get(path).json()["items"] == [answer.json()]
    problem(empty := desk.client.post(path, json={}))
    assert empty.status_code == 422


def test_records_that_a_browser_kept_are_taken_in(desk: Desk) -> None:
    number = uuid4().int % 10**9
    patient = desk.patient(external_id=str(number))
    records: list[Any] = [record(n, number, with_image=n != 2) for n in range(4)]
    records.append(record(9, number) | {"image": records[0]["image"][:99]})
    answer = desk.client.post(IMPORT, json=records)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["imported"], report["refused"]) == (4, 1)
    assert [each["outcome"] for each in report["records"]] == [*["imported"] * 4, "refused"]
    assert report["records"][4]["code"] == "damaged"
    again = desk.client.post(IMPORT, json={"records": records}).json()
    assert (again["imported"], again["already_there"], again["refused"]) == (0, 4, 1)
    history: Json = desk.client.get(f"/api/ai/history/{patient['id']}").json()
    assert history["total"] == 4
    assert sorted(each["image_url"] is None for each in history["items"]) == [False, False, False, True]
    assert {each["record_id"] for each in history["items"]} == {str(each["id"]) for each in records[:4]}
    results = desk.client.get(f"/api/patients/{patient['id']}/results/").json()["items"]
    assert [each["id"] for each in results] == [each["id"] for each in history["items"]]
    nameless = [{name: value for name, value in record(20, 0).items() if name != "patientId"}]
    body = {"records": nameless, "patient_id": patient["id"]}
    assert desk.client.post(IMPORT, json=body).json()["imported"] == 1
    assert desk.client.post(IMPORT, json=body | {"patient_id": str(uuid4())}).status_code == 404


def test_an_import_that_is_none_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from imgcore.api.routes import analyses

    for sent, status in ((b"no json", 400), (b'"text"', 422), (b"{}", 422), (b"[" * 100_000, 400)):
        answer = desk.client.post(IMPORT, content=sent)
        problem(answer)
        assert answer.status_code == status
    monkeypatch.setattr(analyses, "MOST_RECORDS_BYTES", 1000)
    problem(large := desk.client.post(IMPORT, json=export([1], 50)[0]))
    assert large.status_code == 413
    assert desk.signed_in(Role.REVIEWER).post(IMPORT, json=[]).status_code == 403


def test_a_refused_file_leaves_no_empty_batch(desk: Desk) -> None:
    patient = desk.patient()["id"]
    for content, status in ((picture()[:-200], 422), (b"no picture", 415), (b"x" * 300_000, 413)):
        answer = analyze(desk, patient, content)
        problem(answer)
        assert answer.status_code == status, answer.text
    assert desk.client.get(f"/api/patients/{patient}/counts/").json()["batches"] == 0
    assert desk.incoming == []


def test_no_record_breaks_the_report_or_a_list(desk: Desk) -> None:
    number = uuid4().int % 10**9
    patient = desk.patient(external_id=str(number))
    given = record(0, number, with_image=False)
    odd = [
        given | {"id": "\ud800"},
        given | {"id": 2, "predictions": {"a\ud800": 0.5}},
        given | {"confidence": 10**400},
    ]
    answer = desk.client.post(IMPORT, content=json.dumps(odd))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["imported"], answer.json()["refused"]) == (2, 1)
    assert desk.client.get(f"/api/ai/history/{patient['id']}").json()["total"] == 2
