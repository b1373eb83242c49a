from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from imgcore.db.journal import Event, Job
from imgcore.db.tables import Image
from imgcore.domain.access import Action, Role, system
from imgcore.domain.jobs import Job as JobRecord
from imgcore.domain.jobs import JobState
from imgcore.domain.progress import Stopped
from imgcore.errors import ConfigError, Forbidden, Invalid, NotFound, StoreUnavailable
from imgcore.services.folders import Folder, Outcome
from imgcore.services.images import Filter
from imgcore.storage import open_store
from tests.servers.seaweedfs import SeaweedFS
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """The folder for imports, with a folder of photographs in it, and a secret beside it."""
    folder = tmp_path / "scanner"
    (folder / "november" / "left").mkdir(parents=True)
    lay(folder / "november", 1, 2, 3)
    (folder / "november" / "left" / "toe.jpg").write_bytes(photo(4))
    (folder / "november" / ".thumbs").write_bytes(b"hidden")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "private.jpg").write_bytes(photo(5))
    return folder


@pytest.fixture
def house(open_clinic: Opens, outside: Path) -> House:
    """A clinic that may import from there."""
    return open_clinic(import_folder=outside)


def lay(folder: Path, *seeds: int) -> None:
    for seed in seeds:
        (folder / f"photo-{seed:02}.jpg").write_bytes(photo(seed))


def start(house: House, kind: str = "import_folder", **options: Any) -> JobRecord:
    return house.services.jobs.start(house.admin, kind, options)


def run(house: House, job_id: UUID) -> Job:
    house.services.job_runs.run(system("worker"), job_id)
    return house.rows(Job, Job.id == job_id)[0]


def names(house: House, batch_id: UUID) -> list[str]:
    return [
        each.original_name for each in house.services.images.list(system(), Filter(batch_id=batch_id)).items
    ]


def hashes(*seeds: int) -> set[str]:
    return {hashlib.sha256(photo(seed)).hexdigest() for seed in seeds}


@on_both
def test_a_folder_goes_to_a_patient_in_the_order_of_its_names(house: House) -> None:
    patient = house.patient(mrn="4471")
    job = start(house, folder="november", patient="4471")
    batch_id = UUID(job.ids["batch_id"])
    done = run(house, job.id)
    assert done.state == "done", done.error
    assert done.result == {"stored": 4, "already_there": 0, "not_stored": 0, "refused": []}
    assert (done.progress, done.total) == (4, 4)
    assert names(house, batch_id) == ["toe.jpg", "photo-01.jpg", "photo-02.jpg", "photo-03.jpg"]
    batch = house.services.batches.get(system(), batch_id)
    assert (batch.name, batch.patient_id) == ("november", patient.id)
    assert {each.sha256 for each in house.rows(Image)} == hashes(1, 2, 3, 4)
    assert house.waiting_files() == []
    uploads = house.events(Event.action == Action.IMAGE_UPLOAD)
    assert {(line.actor_id, line.request_id) for line in uploads} == {(house.admin.user_id, str(job.id))}


def test_the_same_folder_again_goes_on_in_its_batch_and_stores_nothing_twice(
    house: House, outside: Path
) -> None:
    house.patient(mrn="4471")
    first = start(house, folder="november", patient="4471", batch="Casts")
    run(house, first.id)
    lay(outside / "november", 6)
    again = start(house, folder="november", patient="4471", batch="Casts")
    assert again.ids["batch_id"] == first.ids["batch_id"]
    result = run(house, again.id).result
    assert result is not None and (result["stored"], result["already_there"]) == (1, 4)
    assert {each.sha256 for each in house.rows(Image)} == hashes(1, 2, 3, 4, 6)


def test_an_import_that_was_cut_off_goes_on_where_it_ended(
    house: House, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(outside / "november", *range(10, 40))
    house.patient(mrn="4471")
    job = start(house, folder="november", patient="4471")
    monkeypatch.setattr("imgcore.services.job_watches.Watch.progress", _stop_after(7))
    assert run(house, job.id).state == "waiting"
    there = len(house.rows(Image, Image.state == "ready"))
    assert 7 <= there < 34
    monkeypatch.undo()
    done = run(house, job.id)
    assert done.result is not None
    assert (done.result["stored"], done.result["already_there"]) == (34 - there, there)
    listed = names(house, UUID(job.ids["batch_id"]))
    assert listed == ["toe.jpg", *sorted(listed[1:])]
    assert house.waiting_files() == []


def _stop_after(count: int) -> Any:
    def progress(_self: object, done: int, _total: int) -> None:
        if done >= count:
            raise Stopped

    return progress


def test_a_bad_file_is_named_and_its_neighbours_are_stored(house: House, outside: Path) -> None:
    (outside / "november" / "left" / "notes.jpg").write_text("no picture")
    house.patient(mrn="4471")
    done = run(house, start(house, folder="november", patient="4471").id)
    assert done.state == "done" and done.result is not None
    assert (done.result["stored"], done.result["not_stored"]) == (4, 1)
    (refused,) = done.result["refused"]
    assert refused["path"] == "left/notes.jpg"
    assert "photograph" in refused["message"]


@pytest.mark.parametrize(
    "folder", ["../secret", "november/../../secret", "{outside}/../secret", "way", "no-such", "\0", "loop"]
)
def test_nothing_outside_of_the_folder_for_imports_is_reached(
    house: House, outside: Path, folder: str
) -> None:
    (outside / "way").symlink_to(outside.parent / "secret")
    (outside / "loop").symlink_to(outside / "loop")
    house.patient(mrn="4471")
    with pytest.raises(Invalid, match="no such folder below"):
        start(house, folder=folder.format(outside=outside), patient="4471")
    assert house.rows(Job) == []


def test_a_link_that_leads_out_is_refused_and_not_read(house: House, outside: Path) -> None:
    (outside / "november" / "link.jpg").symlink_to(outside.parent / "secret" / "private.jpg")
    house.patient(mrn="4471")
    done = run(house, start(house, folder="november", patient="4471").id)
    assert done.result is not None and done.result["refused"][0]["path"] == "link.jpg"
    assert {each.sha256 for each in house.rows(Image)} == hashes(1, 2, 3, 4)


def test_a_patient_who_is_not_there_and_a_clinician_start_nothing(house: House) -> None:
    with pytest.raises(NotFound):
        start(house, folder="november", patient="4471")
    house.patient(mrn="4471")
    with pytest.raises(Forbidden):
        house.services.jobs.start(
            house.person(Role.CLINICIAN), "import_folder", {"folder": "november", "patient": "4471"}
        )
    assert house.rows(Job) == []


def test_without_a_folder_for_imports_there_are_none(clinic: House) -> None:
    clinic.patient(mrn="4471")
    for kind, options in (("import_folder", {"folder": "november"}), ("import_prefix", {})):
        with pytest.raises(Invalid) as refused:
            start(clinic, kind, patient="4471", **options)
        assert "IMGCORE_IMPORT_" in refused.value.hint


def test_a_part_of_another_store_goes_to_a_patient(open_clinic: Opens, outside: Path) -> None:
    house = open_clinic(import_url=outside.as_uri())
    house.patient(mrn="4471")
    job = start(house, "import_prefix", prefix="november/left/", patient="4471")
    assert job.ids["prefix"] == "november/left"
    done = run(house, job.id)
    assert done.result is not None and done.result["stored"] == 1
    whole = run(house, start(house, "import_prefix", patient="4471", batch="left").id)
    assert whole.result is not None and (whole.result["stored"], whole.result["already_there"]) == (3, 1)
    for prefix in ("../secret", "nov", "november//left"):
        with pytest.raises(Invalid, match="no files below this prefix"):
            start(house, "import_prefix", prefix=prefix, patient="4471")


@pytest.mark.xdist_group("seaweedfs")
def test_a_prefix_of_a_bucket_goes_to_a_patient(
    open_clinic: Opens, seaweedfs: SeaweedFS, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    url = seaweedfs.storage_url(uuid4().hex)
    bucket = open_store(url)
    for seed in range(12):
        content = photo(seed)
        file = outside / "sent"
        file.write_bytes(content)
        key, sha256 = f"november/photo-{seed:02}.jpg", hashlib.sha256(content).hexdigest()
        bucket.put(key, file, content_type="image/jpeg", sha256=sha256)
    before = sorted(info.key for info in bucket.walk())
    house = open_clinic(import_url=url)
    house.patient(mrn="4471")
    job = start(house, "import_prefix", prefix="november", patient="4471")
    done = run(house, job.id)
    assert done.result is not None and done.result["stored"] == 12, done.error
    assert names(house, UUID(job.ids["batch_id"])) == [f"photo-{seed:02}.jpg" for seed in range(12)]
    assert sorted(info.key for info in bucket.walk()) == before
    bucket.close()


@pytest.mark.parametrize("inside", ["", "/objects", "/objects/images"])
def test_imgcores_own_data_are_never_imported(open_clinic: Opens, tmp_path: Path, inside: str) -> None:
    own = f"{tmp_path / 'clinic'}{inside}"
    with pytest.raises(ConfigError, match="IMGCORE_IMPORT_URL"):
        open_clinic(import_url=own)
    with pytest.raises(ConfigError, match="IMGCORE_IMPORT_FOLDER"):
        open_clinic(import_folder=own)


def test_a_store_that_is_away_stops_the_import_and_not_one_file_after_the_other(
    house: House, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(outside / "november", *range(10, 90))
    house.patient(mrn="4471")
    tries: list[str] = []

    def put(key: str, *_: object, **__: object) -> None:
        tries.append(key)
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr(house.clinic.store, "put", put)
    job = start(house, folder="november", patient="4471")
    broken = run(house, job.id)
    assert (broken.state, broken.error) == ("waiting", "The store does not answer.")
    assert len(tries) < 40
    monkeypatch.undo()
    house.clock.forward(seconds=60)
    assert run(house, job.id).state == JobState.DONE
    assert len(house.rows(Image, Image.state == "ready")) == 84


def test_each_file_is_told_in_its_order(house: House, outside: Path) -> None:
    lay(outside / "november", *range(10, 40))
    told: list[Outcome] = []
    steps: list[tuple[int, int]] = []
    batch = house.batch()
    brought = house.services.folders.bring(
        house.admin, batch.id, Folder(outside / "november"), lambda *step: steps.append(step), told.append
    )
    assert [each.path for each in told] == Folder(outside / "november").files()
    assert steps == [(done, 34) for done in range(35)]
    assert brought.stored == 34
    assert open_store(str(outside)).info("november/photo-10.jpg") is not None
