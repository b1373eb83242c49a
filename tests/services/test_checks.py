from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.journal import Setting
from imgcore.db.tables import Image, Rendition
from imgcore.domain import records
from imgcore.domain.access import system
from imgcore.domain.findings import KINDS, Finding
from imgcore.errors import StoreUnavailable
from imgcore.services import checks, leases
from imgcore.services.checks import Options
from imgcore.storage.file_keys import FileKey, write_keys
from tests.servers.seaweedfs import SeaweedFS
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.places import findings, restored, sha256

REPAIR = Options(repair=True)
Found = list[tuple[str, object]]


def kinds(found: list[Finding]) -> list[str]:
    return sorted(each.kind for each in found)


def path_of(clinic: House, key: str) -> Path:
    plain = clinic.folder / "objects" / key
    return next(plain.parent.glob(f"{plain.name}.*.encrypted"), plain)


def flip(path: Path) -> None:
    """Change one bit, and neither the size nor the time."""
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def lay(clinic: House, key: str, content: bytes = b"foreign", hours: float = 2) -> Path:
    """Lay a file into the store that came there some hours ago."""
    path = path_of(clinic, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    at = time.time() - hours * 3600
    os.utime(path, (at, at))
    return path


def later(clinic: House, **by: float) -> None:
    """Let time pass, in which the sealer does its work."""
    clinic.clock.forward(**by)
    clinic.services.seals.run(system())


def damaged(clinic: House) -> set[object]:
    return {row.id for row in clinic.rows(Image) if row.damaged_at}


@on_both
def test_a_whole_clinic_is_found_whole(clinic: House) -> None:
    images = clinic.images(clinic.batch().id, 5)
    clinic.services.trash.images(clinic.admin, [images[0].id])
    tally = clinic.services.checks.run(clinic.admin)
    assert (tally.images, tally.renditions, tally.objects, tally.left) == (5, 5, 10, 0)
    last = clinic.services.checks.last(clinic.admin)
    assert last is not None and last.tally == tally and not last.is_quick
    line = [each for each in clinic.events() if each.action == "data.check"][-1]
    assert (line.outcome, line.count) == ("done", 5)


@on_both
@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_damaged_original_is_named_and_marked_until_it_is_whole_again(clinic: House, harm: str) -> None:
    image, other = clinic.images(clinic.batch().id, 2)
    path = path_of(clinic, image.key)
    kept = path.read_bytes()
    flip(path) if harm == "changed" else path.unlink()
    (found,) = findings(clinic)
    assert (found.kind, found.image_id, found.patient_id, found.key, found.names) == (
        harm, image.id, image.patient_id, image.key, "",
    )  # fmt: skip
    assert str(image.id) in found.text and image.key in found.text
    assert damaged(clinic) == {image.id}
    assert clinic.services.images.get(clinic.admin, image.id).damaged_at is not None
    marked = [each for each in clinic.events() if each.outcome == "damaged"]
    assert [each.entity_ids for each in marked] == [[str(image.id)]]
    assert kinds(findings(clinic, REPAIR)) == [harm]  # nobody else has these bytes
    path.write_bytes(kept)
    assert findings(clinic) == []
    assert damaged(clinic) == set()
    assert other.id not in damaged(clinic)


@pytest.mark.parametrize("harm", ["cut", "empty"])
def test_another_size_is_found_by_a_quick_check_too(clinic: House, harm: str) -> None:
    image = clinic.image()
    path = path_of(clinic, image.key)
    path.write_bytes(path.read_bytes()[:100] if harm == "cut" else b"")
    assert kinds(findings(clinic, Options(quick=True))) == ["changed"]
    assert damaged(clinic) == {image.id}


def test_a_quick_check_looks_at_sizes_only_and_takes_no_mark_away(clinic: House) -> None:
    image = clinic.image()
    flip(path_of(clinic, image.key))
    assert findings(clinic, Options(quick=True)) == []
    assert kinds(findings(clinic)) == ["changed"]
    assert findings(clinic, Options(quick=True)) == []
    assert damaged(clinic) == {image.id}
    last = clinic.services.checks.last(clinic.admin)
    assert last is not None and last.is_quick


def test_names_are_told_only_when_they_are_asked_for(clinic: House) -> None:
    patient = clinic.patient("Zebulon Zack")
    image = clinic.images(clinic.batch(patient).id, 1)[0]
    path_of(clinic, image.key).unlink()
    assert "Zebulon" not in findings(clinic)[0].text
    assert "Zebulon Zack: foot.jpg" in findings(clinic, Options(names=True))[0].text


@on_both
def test_a_damaged_original_is_replaced_by_the_same_bytes_of_another_image(clinic: House) -> None:
    first, second = clinic.image(), clinic.image()
    assert first.sha256 == second.sha256
    flip(path_of(clinic, first.key))
    assert [(each.kind, each.is_mended) for each in findings(clinic)] == [("changed", False)]
    assert [(each.kind, each.is_mended) for each in findings(clinic, REPAIR)] == [("changed", True)]
    assert findings(clinic) == []
    assert damaged(clinic) == set()
    for image in (first, second):
        flip(path_of(clinic, image.key))
    assert [each.is_mended for each in findings(clinic, REPAIR)] == [False, False]


def test_nothing_is_replaced_while_a_copy_is_made(clinic: House) -> None:
    first, _second = clinic.image(), clinic.image()
    flip(path_of(clinic, first.key))
    with leases.Lease(clinic.clinic.services.checks._ledger, system()):
        assert [each.is_mended for each in findings(clinic, REPAIR)] == [False]
    assert [each.is_mended for each in findings(clinic, REPAIR)] == [True]


@on_both
@pytest.mark.parametrize("harm", ["rendition_missing", "rendition_changed"])
def test_a_rendition_is_made_again(clinic: House, harm: str) -> None:
    image = clinic.image()
    path = path_of(clinic, image.thumbnail_key)
    kept = path.read_bytes()
    flip(path) if harm == "rendition_changed" else path.unlink()
    assert kinds(findings(clinic)) == [harm]
    assert damaged(clinic) == set()
    assert [(each.kind, each.is_mended) for each in findings(clinic, REPAIR)] == [(harm, True)]
    assert path.read_bytes() == kept
    assert findings(clinic) == []


def test_a_rendition_of_a_damaged_original_is_all_that_is_left_and_stays(clinic: House) -> None:
    image = clinic.image()
    path_of(clinic, image.key).unlink()
    thumbnail = path_of(clinic, image.thumbnail_key)
    flip(thumbnail)
    found = findings(clinic, REPAIR)
    assert [(each.kind, each.is_mended) for each in found] == [
        ("missing", False),
        ("rendition_changed", False),
    ]
    assert thumbnail.exists() and len(clinic.rows(Rendition)) == 1


def test_a_rendition_in_the_trash_goes_until_somebody_looks(clinic: House) -> None:
    image = clinic.image()
    clinic.services.trash.images(clinic.admin, [image.id])
    path_of(clinic, image.thumbnail_key).unlink()
    assert [each.is_mended for each in findings(clinic, REPAIR)] == [True]
    assert findings(clinic) == []
    assert clinic.services.files.thumbnail(clinic.admin, image.id).size > 0


@on_both
def test_a_foreign_file_is_set_aside_and_goes_after_the_time_of_the_trash(clinic: House) -> None:
    image = clinic.image()
    key = f"images/{uuid4()}/{uuid4()}/{uuid4()}.jpg"
    lay(clinic, key, b"whose?")
    assert [(each.kind, each.key) for each in findings(clinic)] == [("foreign", key)]
    assert path_of(clinic, key).exists()
    assert [each.is_mended for each in findings(clinic, REPAIR)] == [True]
    assert not path_of(clinic, key).exists()
    aside = path_of(clinic, f"quarantine/{key}")
    assert aside.read_bytes() == b"whose?"
    assert findings(clinic, REPAIR) == [] and aside.exists()
    later(clinic, days=31)
    assert findings(clinic) == [] and aside.exists()
    assert findings(clinic, REPAIR) == [] and not aside.exists()
    assert path_of(clinic, image.key).exists()


@on_both
def test_an_upload_under_way_is_not_foreign(clinic: House) -> None:
    image = clinic.image()
    lay(clinic, "images/just/now/here.jpg", hours=0.5)
    with clinic.clinic.database.write() as session:
        session.execute(sa.update(Image).values(state="pending"))
        session.execute(sa.delete(Rendition))
    for key in (image.key, image.thumbnail_key):
        flip(path_of(clinic, key))
    assert findings(clinic) == []


@on_both
def test_an_upload_that_never_ended_is_named_and_taken_back(clinic: House) -> None:
    image = clinic.image()
    with clinic.clinic.database.write() as session:
        session.execute(sa.update(Image).values(state="pending"))
    later(clinic, minutes=45)
    assert [(each.kind, each.image_id) for each in findings(clinic)] == [("unfinished", image.id)]
    assert [each.is_mended for each in findings(clinic, REPAIR)] == [True]
    assert clinic.rows(Image) == [] and clinic.stored_keys() == set()
    assert findings(clinic) == []


def without_references(clinic: House, statement: str, *values: str) -> None:
    """Change the file of the database as nothing of ours would."""
    with closing(sqlite3.connect(clinic.folder / "imgcore.sqlite3")) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_an_image_whose_batch_is_gone_is_named(clinic: House) -> None:
    image = clinic.image()
    without_references(clinic, "DELETE FROM batch WHERE id = ?", image.batch_id.hex)
    found = findings(clinic)
    assert kinds(found) == ["database", "stray_image"]
    assert {each.image_id for each in found} == {None, image.id}


def test_a_rendition_without_an_image_is_forgotten(clinic: House) -> None:
    image = clinic.image()
    without_references(clinic, "DELETE FROM image WHERE id = ?", image.id.hex)
    assert kinds(findings(clinic)) == ["database", "stray_rendition"]
    at = time.time() - 7200
    for key in (image.key, image.thumbnail_key):
        os.utime(path_of(clinic, key), (at, at))
    assert kinds(findings(clinic, REPAIR)) == ["database", "foreign", "foreign", "stray_rendition"]
    assert findings(clinic) == []


def test_an_audit_line_that_was_altered_is_named(clinic: House) -> None:
    clinic.image()
    clinic.services.seals.run(system())
    without_references(clinic, "DROP TRIGGER event_is_unchanged")
    without_references(clinic, "UPDATE event SET count = 7 WHERE seal = 2")
    assert kinds(findings(clinic)) == ["audit"]


def test_every_kind_of_finding_has_its_words() -> None:
    texts = {Finding(kind).text for kind in KINDS}
    assert len(texts) == len(KINDS)
    assert Finding("foreign", "a/b", is_mended=True).text.endswith("a/b · mended")


def test_a_store_that_is_away_is_no_damage(clinic: House) -> None:
    clinic.image()
    shutil.move(clinic.folder / "objects", clinic.folder / "unplugged")
    with pytest.raises(StoreUnavailable):
        clinic.services.checks.run(clinic.admin)
    assert damaged(clinic) == set() and clinic.services.checks.last(clinic.admin) is None
    shutil.move(clinic.folder / "unplugged", clinic.folder / "objects")
    assert findings(clinic) == [] and damaged(clinic) == set()


def test_a_check_that_is_cancelled_leaves_no_trace(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "AT_ONCE", 2)
    clinic.images(clinic.batch().id, 5)
    seen = list[tuple[int, int]]()

    def cancel(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clinic.services.checks.run(clinic.admin, progress=cancel)
    assert seen == [(0, 5), (2, 5), (4, 5)]
    assert clinic.services.checks.last(clinic.admin) is None


@on_both
def test_what_goes_in_good_order_meanwhile_is_not_missing(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = clinic.images(clinic.batch().id, 6)
    look = clinic.clinic.store.info
    gone = list[records.Image](images[:3])

    def info(key: str) -> object:
        while gone:
            clinic.services.trash.images(system(), [gone.pop().id])
            clinic.services.purges.run(system())
        return look(key)

    monkeypatch.setattr(clinic.services.checks._store, "info", info)
    monkeypatch.setattr(checks, "THREADS", 1)
    assert findings(clinic) == []
    assert len(clinic.rows(Image)) == 3


def test_all_images_are_looked_at_and_a_few_at_a_time(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "AT_ONCE", 3)
    images = clinic.images(clinic.batch().id, 10)
    for image in images:
        path_of(clinic, image.key).unlink()
    found = findings(clinic)
    assert {each.image_id for each in found} == {image.id for image in images}
    assert len(found) == 10 and damaged(clinic) == {image.id for image in images}


def _s3(clinic: House) -> Callable[[str, bytes | None], None]:
    """Return a way to change an object behind the program's back."""

    def change(key: str, content: bytes | None) -> None:
        clinic.clinic.store.delete([key])
        if content is not None:
            source = clinic.folder / "harm"
            source.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            clinic.clinic.store.put(key, source, content_type="image/jpeg", sha256=sha256)

    return change


@pytest.mark.xdist_group("seaweedfs")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_damage_in_s3_is_found_too(
    open_clinic: Opens, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    clinic = open_clinic(storage_url=seaweedfs.storage_url(uuid4().hex))
    changed, lost, bare, whole = clinic.images(clinic.batch().id, 4)
    change = _s3(clinic)
    change(changed.key, b"x" * changed.file_size)
    change(lost.key, None)
    change(bare.thumbnail_key, None)
    change("images/nobody/knows/me.jpg", b"foreign")
    later(clinic, hours=2)
    found = findings(clinic)
    assert kinds(found) == ["changed", "foreign", "missing", "rendition_missing"]
    assert damaged(clinic) == {changed.id, lost.id} and whole.id not in damaged(clinic)
    mended = {each.kind for each in findings(clinic, REPAIR) if each.is_mended}
    assert mended == {"foreign", "rendition_missing"}
    assert kinds(findings(clinic)) == ["changed", "missing"]
    assert clinic.rows(Setting, col(Setting.name) == "last_check") != []


def test_an_encrypted_object_that_cannot_be_opened_is_damaged_and_its_neighbours_are_looked_at(
    open_clinic: Opens, tmp_path: Path
) -> None:
    write_keys(tmp_path / "key", (FileKey.make(),))
    clinic = open_clinic(encryption_key_file=tmp_path / "key")
    flipped, cut, whole = clinic.images(clinic.batch().id, 3)
    flip(path_of(clinic, flipped.key))
    path_of(clinic, cut.key).write_bytes(path_of(clinic, cut.key).read_bytes()[:100])
    flip(path_of(clinic, whole.thumbnail_key))
    found = {(each.kind, each.image_id) for each in findings(clinic, REPAIR)}
    assert found == {("changed", flipped.id), ("changed", cut.id), ("rendition_changed", whole.id)}
    assert damaged(clinic) == {flipped.id, cut.id}
    clinic.services.backups.make(system(), tmp_path / "a.tar")
    with restored(tmp_path / "there", tmp_path / "a.tar") as there:
        assert sha256(there, whole.key) == whole.sha256
        assert {each.image_id for each in findings(there)} == {flipped.id, cut.id}
