from __future__ import annotations

import os
import random
import threading
import tracemalloc
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from imgcore.config import load_settings
from imgcore.db.journal import Setting
from imgcore.db.tables import Analysis, Image, Impression, User
from imgcore.domain import records
from imgcore.domain.access import Actor, Role, system
from imgcore.errors import Conflict, ImgcoreError, Invalid, StorageFull, Unavailable
from imgcore.services import leases
from tests.servers.postgres import Postgres
from tests.servers.seaweedfs import SeaweedFS
from tests.services import copying
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both
from tests.services.places import Buckets, findings, furnished, originals, people, restore, restored

FROM_TO = pytest.mark.parametrize(
    ("database_url", "to"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=["database_url"]
)


@pytest.fixture
def bucket(seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Buckets:
    """Gives the URL of an empty store in S3."""
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    return lambda: seaweedfs.storage_url(uuid4().hex)


@pytest.fixture
def other_url(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[str]:
    """URL of a database where nothing is yet: of PostgreSQL when the test says so, otherwise SQLite."""
    if request.node.callspec.params.get("to") != "postgresql":
        yield ""
        return
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def backup(house: House, file: Path) -> Path:
    house.services.backups.make(system(), file)
    return file


def busy(house: House, stop: threading.Event) -> None:
    """Upload, trash and purge until told to stop."""
    patient = house.patient("Busy")
    batch = house.batch(patient)
    for seed in count(2000):
        if stop.is_set():
            return
        image = house.images(batch.id, 1, first=seed)[0]
        if seed % 2:
            house.services.trash.images(system(), [image.id])
            house.services.purges.run(system(), patient.id)


def backed_up_under_load(house: House, file: Path) -> None:
    stop, faults = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            busy(house, stop)
        except BaseException as error:  # told by the test
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(2):
            house.services.backups.make(system(), file.with_suffix(f".{number}"))
    finally:
        stop.set()
        thread.join()
    assert faults == []


@FROM_TO
def test_a_backup_under_load_comes_back_whole_on_the_other_database(
    open_clinic: Opens, tmp_path: Path, other_url: str, to: str
) -> None:
    house = furnished(open_clinic())
    known, file = originals(house), tmp_path / f"to-{to}.tar"
    backed_up_under_load(house, file)
    for number in range(2):
        if number and other_url:
            break  # one database, one clinic
        with restored(tmp_path / f"there{number}", file.with_suffix(f".{number}"), other_url) as there:
            assert findings(there) == []
            found = originals(there)
            assert {key: found.get(key) for key in known} == known
            assert set(found) == there.stored_keys() == {row.key for row in there.rows(Image)}
            assert {name for name, _mrn in people(there)} >= {"Ada Novak", "Жанна Д'Арк", "王小明 / con"}


@pytest.mark.xdist_group("seaweedfs")
@pytest.mark.parametrize(
    ("database_url", "to"), [("postgresql", "sqlite"), ("sqlite", "postgresql")], indirect=["database_url"]
)
def test_a_backup_under_load_comes_back_whole_from_s3(
    open_clinic: Opens, tmp_path: Path, bucket: Buckets, other_url: str, to: str
) -> None:
    house = furnished(open_clinic(storage_url=bucket()))
    known, file = originals(house), tmp_path / f"to-{to}.tar"
    backed_up_under_load(house, file)
    with restored(tmp_path / "there", file.with_suffix(".0"), other_url, bucket()) as there:
        assert findings(there) == []
        found = originals(there)
        assert {key: found.get(key) for key in known} == known
        assert set(found) == there.stored_keys() == {row.key for row in there.rows(Image)}


@on_both
def test_nothing_that_a_backup_names_goes_while_it_is_made(clinic: House, tmp_path: Path) -> None:
    images = clinic.images(clinic.batch().id, 30)
    purged = list[int]()

    def meanwhile(done: int, _total: int) -> None:
        if done == 0:
            clinic.services.trash.images(clinic.admin, [each.id for each in images])
            clinic.services.purges.run(system())
            purged.append(len(clinic.rows(Image, Image.state == "deleting")))

    copied = clinic.services.backups.make(system(), tmp_path / "a.tar", meanwhile)
    assert purged == [30]
    assert (copied.images, copied.faults) == (30, ())
    assert clinic.services.sweeps.run(system()).removed == 30
    assert clinic.stored_keys() == set()
    with restored(tmp_path / "there", tmp_path / "a.tar") as there:
        assert findings(there) == []
        assert set(originals(there)) == {each.key for each in images}


def test_a_lease_ends_by_itself_when_its_backup_dies(clinic: House, tmp_path: Path) -> None:
    image = clinic.image()
    died = copying.run("backup", clinic.folder, "", tmp_path / "a.tar", "1")
    assert died.returncode == copying.DIED, died.stderr
    clinic.services.trash.images(clinic.admin, [image.id])
    clinic.services.purges.run(system())
    assert clinic.stored_keys() != set()
    clinic.clock.forward(minutes=leases.LEASE_MINUTES + 1)
    clinic.services.sweeps.run(system())
    assert clinic.stored_keys() == set()


def test_a_backup_that_was_held_up_for_too_long_is_none(clinic: House, tmp_path: Path) -> None:
    clinic.images(clinic.batch().id, 20)

    def held_up(done: int, _total: int) -> None:
        if done == 1:
            clinic.clock.forward(minutes=leases.LEASE_MINUTES + 1)

    with pytest.raises(Unavailable, match="held up"):
        clinic.services.backups.make(system(), tmp_path / "a.tar", held_up)
    assert list(tmp_path.glob("a.tar*")) == []


def test_a_backup_that_is_killed_never_looks_whole(clinic: House, tmp_path: Path) -> None:
    clinic.images(clinic.batch().id, 5)
    died = copying.run("backup", clinic.folder, "", tmp_path / "a.tar", "3")
    assert died.returncode == copying.DIED, died.stderr
    (left,) = tmp_path.glob("a.tar*")
    assert left.name.endswith(".part")
    with pytest.raises(Invalid, match="not whole"), restored(tmp_path / "there", left):
        pass
    assert clinic.services.backups.last(clinic.admin) is None
    backup(clinic, tmp_path / "a.tar")


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_full_disk_leaves_no_backup(
    open_clinic: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    from pyrage import x25519  # type: ignore[import-untyped]

    if encrypted:
        recipient = x25519.Identity.generate().to_public()
        monkeypatch.setenv("IMGCORE_BACKUP_RECIPIENTS", str(recipient))
    clinic = open_clinic()
    noise = random.Random(1)
    batch = clinic.batch()
    for seed in range(5):
        content = photo(seed)  # what follows the end of a JPEG is kept with it
        clinic.upload(batch.id, content + noise.randbytes(2_500_000))
    (tmp_path / "target").mkdir()
    full = copying.run("backup", clinic.folder, "", tmp_path / "target" / "a.tar", "full")
    assert full.stderr.startswith(StorageFull.code), full.stderr
    assert list((tmp_path / "target").iterdir()) == []
    assert clinic.services.backups.last(clinic.admin) is None


def test_a_backup_that_is_cancelled_leaves_nothing(clinic: House, tmp_path: Path) -> None:
    clinic.images(clinic.batch().id, 3)

    class Cancelled(Exception):
        pass

    def cancel(done: int, _total: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        clinic.services.backups.make(clinic.admin, tmp_path / "a.tar", cancel)
    assert list(tmp_path.glob("a.tar*")) == []
    assert clinic.waiting_files() == []
    assert clinic.rows(Setting, Setting.name.startswith("lease:")) == []


def test_a_file_that_is_there_is_never_overwritten(clinic: House, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("mine")
    with pytest.raises(Conflict):
        backup(clinic, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_text() == "mine"
    with pytest.raises(Invalid):
        backup(clinic, tmp_path / "nowhere" / "a.tar")


@on_both
def test_what_must_not_leave_the_house_is_not_in_it(clinic: House, tmp_path: Path) -> None:
    furnished(clinic)
    clinic.person(Role.CLINICIAN, "ann@clinic.example")
    content = backup(clinic, tmp_path / "a.tar").read_bytes()
    for name in ("session", "one_time_link", "sign_in_try", "idempotency", "job", "setting", "rendition"):
        assert f"tables/{name}.jsonl".encode() not in content
    fingerprint = clinic.rows(Setting, Setting.name == "secret_fingerprint")[0].value
    assert fingerprint.encode() not in content
    hashes = [row.password_hash for row in clinic.rows(User) if row.password_hash]
    assert hashes and all(each.encode() in content for each in hashes)
    assert (tmp_path / "a.tar").stat().st_mode & 0o777 == 0o600


@on_both
def test_uploads_under_way_and_what_is_being_removed_stay_at_home(clinic: House, tmp_path: Path) -> None:
    batch = clinic.batch()
    coming, going, kept = clinic.images(batch.id, 3)
    with clinic.clinic.database.write() as session:
        session.get_one(Image, coming.id).state = "pending"
        session.get_one(Image, going.id).state = "deleting"
        for image in (coming, kept):
            session.add(_said(image))
        session.add(_said(kept, image_id=None, record_id="1741168871000"))
        session.add(_thought(kept, clinic.admin))
    assert clinic.services.backups.make(system(), tmp_path / "a.tar").images == 1
    with restored(tmp_path / "there", tmp_path / "a.tar") as there:
        assert [row.id for row in there.rows(Image)] == [kept.id]
        assert {row.image_id for row in there.rows(Analysis)} == {kept.id, None}
        assert [(row.image_id, row.text) for row in there.rows(Impression)] == [(kept.id, "A mole")]


def _thought(image: records.Image, actor: Actor) -> Impression:
    about = {"image_id": image.id, "patient_id": image.patient_id, "created_at": image.uploaded_at}
    return Impression.model_validate({**about, "user_id": actor.user_id, "text": "A mole"})


def _said(image: records.Image, **fields: Any) -> Analysis:
    now = image.uploaded_at
    about: dict[str, Any] = {"image_id": image.id, **fields}
    return Analysis(
        patient_id=image.patient_id,
        **about,
        analyser="a",
        analyser_version="1",
        input_sha256="",
        predictions={"ulcer": 0.1 + 0.2},
        created_at=now,
        updated_at=now,
    )


def test_the_last_backup_is_known_and_in_the_audit(clinic: House, tmp_path: Path) -> None:
    clinic.images(clinic.batch().id, 2)
    backup(clinic, tmp_path / "a.tar")
    last = clinic.services.backups.last(clinic.admin)
    assert last is not None and (last.images, last.faults, last.is_encrypted) == (2, 0, False)
    lines = [line for line in clinic.events() if line.action == "data.export"]
    assert [(line.outcome, line.count) for line in lines] == [("begun", 0), ("done", 2)]


def test_a_damaged_original_is_copied_as_it_is_and_named(clinic: House, tmp_path: Path) -> None:
    changed, lost, whole = clinic.images(clinic.batch().id, 3)
    objects = clinic.folder / "objects"
    (objects / changed.key).write_bytes(b"rotten" * 10)
    (objects / lost.key).unlink()
    copied = clinic.services.backups.make(clinic.admin, tmp_path / "a.tar")
    assert {(fault.id, fault.sha256 is None) for fault in copied.faults} == {
        (str(changed.id), False),
        (str(lost.id), True),
    }
    with restored(tmp_path / "there", tmp_path / "a.tar") as there:
        marked = {row.id: row.damaged_at is not None for row in there.rows(Image)}
        assert marked == {changed.id: True, lost.id: True, whole.id: False}
        assert (there.folder / "objects" / changed.key).read_bytes() == b"rotten" * 10
        found = {(each.kind, each.image_id) for each in findings(there)}
        assert found == {("changed", changed.id), ("missing", lost.id)}


def test_the_whole_backup_is_never_in_memory(clinic: House, tmp_path: Path) -> None:
    batch, noise = clinic.batch(), random.Random(1)
    for seed in range(60):
        clinic.upload(batch.id, photo(seed) + noise.randbytes(1_000_000))
    tracemalloc.start()
    try:
        backup(clinic, tmp_path / "a.tar")
        restore(tmp_path / "there", tmp_path / "a.tar")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a.tar").stat().st_size > 60_000_000
    assert peak < 25_000_000


def test_a_key_that_is_none_is_said_before_anything_is_written(open_clinic: Opens, tmp_path: Path) -> None:
    clinic = open_clinic(backup_recipients=("age1nonsense",))
    with pytest.raises(ImgcoreError, match="IMGCORE_BACKUP_RECIPIENTS"):
        backup(clinic, tmp_path / "a.tar")
    assert list(tmp_path.glob("a.tar*")) == []


def test_recipients_are_separated_by_commas_or_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGCORE_BACKUP_RECIPIENTS", "age1a, age1b age1c")
    assert load_settings(data_dir=tmp_path).backup_recipients == ("age1a", "age1b", "age1c")
    assert os.environ["IMGCORE_BACKUP_RECIPIENTS"]
