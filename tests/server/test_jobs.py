"""Jobs in the processes that do them: killed, told to end, side by side, and done all the same."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest
from sqlmodel import select

from imgcore.bootstrap import Clinic
from imgcore.db.journal import Event, Job
from imgcore.db.tables import Image
from imgcore.domain.access import Action, system
from imgcore.domain.values import NewBatch, NewPatient
from tests.server.visits import WITH_ADMIN, beside
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.worker import Worker
from tests.services.clinics import photo

SECONDS = 60
FILES = 120  # some seconds of work
Json = dict[str, Any]


@dataclass
class Site:
    """A clinic at work: its server, what is seen beside it, and a folder to import from."""

    clinic: Clinic
    client: httpx2.Client
    outside: Path

    def start(self, kind: str, **options: object) -> str:
        answer = self.client.post("/api/jobs/", json={"kind": kind, "options": options})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> Json:
        return cast("Json", self.client.get(f"/api/jobs/{job_id}/").json())

    def wait(self, job_id: str, *states: str) -> Json:
        return wait_for(lambda: self.job(job_id), lambda job: job["state"] in states)

    def wait_for_progress(self, job_id: str) -> Json:
        return wait_for(lambda: self.job(job_id), lambda job: job["progress"] > 5)

    def images(self) -> list[Image]:
        with self.clinic.database.read() as session:
            return list(session.exec(select(Image).where(Image.state == "ready")))

    def lines(self) -> Counter[tuple[str, str]]:
        """Count the audit lines of each job: its id, and what happened to it."""
        wanted = select(Event).where(Event.action == Action.JOB_MANAGE, Event.entity == "job")
        with self.clinic.database.read() as session:
            return Counter((line.entity_ids[0], line.field_names[1]) for line in session.exec(wanted))


def wait_for(look: Callable[[], Json], is_so: Callable[[Json], bool]) -> Json:
    deadline = time.monotonic() + SECONDS
    while not is_so(seen := look()):
        assert time.monotonic() < deadline, f"it never came: {seen}"
        time.sleep(0.05)
    return seen


def lay(folder: Path, count: int) -> set[str]:
    """Lay photographs into a folder, each with a remark of its own; return their hashes."""
    folder.mkdir(parents=True)
    picture, hashes = photo(0, (1600, 1200)), set()
    for number in range(count):
        content = picture[:2] + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + picture[2:]
        (folder / f"photo-{number:04}.jpg").write_bytes(content)
        hashes.add(hashlib.sha256(content).hexdigest())
    return hashes


def settings(outside: Path) -> dict[str, str]:
    return WITH_ADMIN | {"IMGCORE_IMPORT_FOLDER": str(outside)}


@contextmanager
def site(server: ImgcoreServer, outside: Path) -> Iterator[Site]:
    """Sit down at a server as its administrator."""
    with beside(server) as visits, visits.client(visits.session()) as client:
        yield Site(visits.clinic, client, outside)


def add_patient(at: Site, mrn: str = "4471") -> UUID:
    return at.clinic.services.patients.create(system(), NewPatient(name="Mary Kowalski", mrn=mrn)).id


def test_an_import_goes_on_after_a_kill_and_ends_when_it_is_cancelled(
    start_server: Callable[..., ImgcoreServer], tmp_path: Path
) -> None:
    outside = tmp_path / "scanner"
    hashes = lay(outside / "november", FILES)
    server = start_server(env=settings(outside), kind="serve")
    with site(server, outside) as at:
        add_patient(at)
        job_id = at.start("import_folder", folder="november", patient="4471")
        at.wait_for_progress(job_id)
        server.kill()
        assert 0 < len(at.images()) < FILES
    server.start()
    with site(server, outside) as at:
        done = at.wait(job_id, "done", "failed")
        assert done["state"] == "done", done["error"]
        assert done["attempts"] == 2
        assert done["result"]["stored"] + done["result"]["already_there"] == FILES
        assert Counter(each.sha256 for each in at.images()) == Counter(hashes)

        other = at.start("import_folder", folder="november", patient="4471", batch="Again")
        at.wait_for_progress(other)
        assert at.client.post(f"/api/jobs/{other}/cancel/").json()["is_cancelling"]
        assert at.wait(other, "cancelled", "done")["progress"] < 100
        assert at.client.post(f"/api/jobs/{other}/retry/").json()["state"] == "waiting"
        result = at.wait(other, "done")["result"]
        assert result["already_there"] > 0
        assert result["stored"] + result["already_there"] == FILES
        assert at.lines()[job_id, "done"] == at.lines()[other, "done"] == 1

        third = at.start("import_folder", folder="november", patient="4471", batch="Third")
        at.wait_for_progress(third)
        assert server.stop() == 0
        given_back = at.clinic.services.jobs.get(system(), UUID(third))
        assert (given_back.state, given_back.attempts) == ("waiting", 0)


@pytest.fixture
def outer(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings of processes that share a database and a folder of objects, none of which is a server."""
    objects = (tmp_path / "objects").as_uri()
    secret = {"IMGCORE_SECRET_KEY": "a key that all processes share, long enough"}
    stores = {"IMGCORE_DATABASE_URL": postgres_url, "IMGCORE_STORAGE_URL": objects}
    return settings(tmp_path / "scanner") | stores | secret | {"IMGCORE_WORKERS": "0"}


@contextmanager
def workers(tmp_path: Path, env: dict[str, str], count: int) -> Iterator[list[Worker]]:
    """Have some workers."""
    crew = [Worker(tmp_path / f"worker{number}", env) for number in range(count)]
    try:
        yield [worker.start() for worker in crew]
    finally:
        for worker in crew:
            worker.kill()
            print(worker.said())


def test_two_workers_do_each_of_forty_jobs_once(
    start_server: Callable[..., ImgcoreServer], outer: dict[str, str], tmp_path: Path
) -> None:
    server = start_server(env=outer, kind="serve")
    with site(server, tmp_path) as at:
        patient_id = add_patient(at)
        batch = at.clinic.services.batches.create(system(), patient_id, NewBatch(name="Empty"))
        ids = [at.start("renditions", batch_id=str(batch.id)) for _ in range(40)]
        assert {at.job(each)["state"] for each in ids} == {"waiting"}  # the server leaves them to others
        with workers(tmp_path, outer, 2) as crew:
            for each in ids:
                assert at.wait(each, "done", "failed")["state"] == "done"
            assert {at.job(each)["attempts"] for each in ids} == {1}
            assert {worker.stop() for worker in crew} == {0}
        lines = at.lines()
        assert {lines[each, "done"] for each in ids} == {1}


def test_a_worker_that_is_told_to_end_gives_its_job_back_and_one_that_is_killed_loses_none(
    start_server: Callable[..., ImgcoreServer], outer: dict[str, str], tmp_path: Path
) -> None:
    outside = tmp_path / "scanner"
    hashes = lay(outside / "november", FILES)
    server = start_server(env=outer, kind="serve")
    with site(server, outside) as at:
        add_patient(at)
        job_id = at.start("import_folder", folder="november", patient="4471")
        with workers(tmp_path, outer, 1) as (told,):
            at.wait_for_progress(job_id)
            assert told.stop() == 0
            given_back = at.job(job_id)
            assert (given_back["state"], given_back["attempts"]) == ("waiting", 0)
        with workers(tmp_path, outer, 1) as (killed,):
            at.wait(job_id, "running")
            there = len(at.images())
            wait_for(lambda: {"images": len(at.images())}, lambda seen: seen["images"] > there)
            killed.kill()
        with workers(tmp_path, outer, 2) as _crew:
            time.sleep(2)
            assert at.job(job_id)["attempts"] == 1  # nobody takes it while the dead one's lease runs
            with at.clinic.database.write() as session:
                session.get_one(Job, UUID(job_id)).leased_until = datetime.now(UTC)
            assert at.wait(job_id, "done", "failed")["state"] == "done"
        assert at.job(job_id)["attempts"] == 2
        assert Counter(each.sha256 for each in at.images()) == Counter(hashes)


def test_a_worker_has_no_business_with_sqlite(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="With SQLite the server itself does the jobs"):
        Worker(tmp_path / "alone", {}).start()
