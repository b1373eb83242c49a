"""Jobs over REST: started, watched, cancelled and tried again, each by whom they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from imgcore.domain.access import Role, system
from tests.api.desks import Desk, Json, open_desk, picture, problem

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of photographs to import from."""
    folder = tmp_path / "scanner" / "november"
    folder.mkdir(parents=True)
    (folder / "left.jpg").write_bytes(picture(1))
    (folder / "notes.jpg").write_text("no picture")
    return folder.parent


@pytest.fixture
def clean_desk(tmp_path: Path, outside: Path) -> Iterator[Desk]:
    """A clinic of this test's own, which may import from there."""
    with open_desk(tmp_path / "clinic", import_folder=outside) as opened:
        yield opened


def run(desk: Desk, job: Json) -> None:
    """Do a job as a worker does."""
    desk.clinic.services.job_runs.run(system("worker"), UUID(job["id"]))


def test_a_job_is_started_watched_and_done(clean_desk: Desk) -> None:
    desk = clean_desk
    patient = desk.patient(mrn="4471")
    options = {"folder": "november", "patient": "4471", "batch": "Check-up"}
    answer = desk.admin.post("/api/jobs/", json={"kind": "import_folder", "options": options})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["state"], job["title"], job["progress"]) == ("waiting", "Import of a folder", 0)
    assert job["ids"]["patient_id"] == patient["id"]
    assert "Check-up" not in answer.text
    run(desk, job)
    done = desk.admin.get(f"/api/jobs/{job['id']}").json()
    assert (done["state"], done["progress"], done["total"]) == ("done", 2, 2)
    assert (done["result"]["stored"], done["result"]["not_stored"]) == (1, 1)
    assert done["result"]["refused"][0]["path"] == "notes.jpg"
    images = desk.client.get("/api/images/", params={"batch_id": job["ids"]["batch_id"]}).json()
    assert [each["original_name"] for each in images["items"]] == ["left.jpg"]


def test_a_job_is_cancelled_and_tried_again_and_neither_twice(clean_desk: Desk) -> None:
    desk = clean_desk
    job = desk.client.post("/api/jobs/", json={"kind": "renditions"}).json()
    path = f"/api/jobs/{job['id']}/"
    assert problem(desk.client.post(path + "retry/"))["code"] == "conflict"
    assert desk.client.post(path + "cancel/").json()["state"] == "cancelled"
    assert problem(desk.client.post(path + "cancel/"))["code"] == "conflict"
    assert desk.client.post(path + "retry/").json()["state"] == "waiting"


def test_each_sees_their_own_and_administrators_all(clean_desk: Desk) -> None:
    desk, other = clean_desk, clean_desk.signed_in(Role.CLINICIAN)
    job = desk.client.post("/api/jobs/", json={"kind": "renditions"}).json()
    path = f"/api/jobs/{job['id']}/"
    assert other.get("/api/jobs/").json()["items"] == []
    for answer in (other.get(path), other.post(path + "cancel/"), other.post(path + "retry/")):
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")
    assert desk.admin.get(f"/api/jobs/{NOBODY}/").status_code == 404
    listed = desk.admin.get("/api/jobs/").json()
    assert [each["id"] for each in listed["items"]] == [job["id"]]
    assert listed["items"][0]["created_by_name"] == "clinician"
    for role in (Role.REVIEWER, Role.PATIENT):
        fields = {"patient_id": desk.patient()["id"]} if role is Role.PATIENT else {}
        assert desk.signed_in(role, **fields).get("/api/jobs/").status_code == 403


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"kind": "nonsense"}, 422),
        ({"kind": "renditions", "options": {"colour": "red"}}, 422),
        ({"kind": "renditions", "options": {"batch_id": "x"}}, 422),
        ({"kind": "renditions", "options": {"batch_id": NOBODY}}, 404),
        ({"kind": "renditions", "options": []}, 422),
        ({"kind": "import_folder", "options": {"folder": "november", "patient": "4471"}}, 403),
        ({"options": {}}, 422),
        ({"kind": "renditions", "more": 1}, 422),
    ],
)
def test_what_cannot_be_started_is_said_and_starts_nothing(clean_desk: Desk, sent: Json, status: int) -> None:
    answer = clean_desk.client.post("/api/jobs/", json=sent)
    assert answer.status_code == status, answer.text
    problem(answer)
    assert clean_desk.admin.get("/api/jobs/").json()["total"] == 0


@pytest.mark.parametrize("folder", ["../clinic", "november/../..", "missing"])
def test_a_path_that_leads_out_is_refused_without_naming_it(clean_desk: Desk, folder: str) -> None:
    clean_desk.patient(mrn="4471")
    sent = {"kind": "import_folder", "options": {"folder": folder, "patient": "4471"}}
    answer = clean_desk.admin.post("/api/jobs/", json=sent)
    assert answer.status_code == 422
    assert "scanner" not in answer.text and folder not in answer.text
