from __future__ import annotations

import hashlib
import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.db.journal import Event, Setting
from imgcore.db.tables import Image, Patient
from imgcore.domain.access import Role, system
from imgcore.errors import ConfigError, Conflict, ImgcoreError, Invalid, StorageFull
from tests.servers.postgres import Postgres
from tests.services import copying
from tests.services.clinics import DESK, PASSWORD, House, Opens, open_house, photo
from tests.services.places import findings, furnished, originals, people, restore, restored


@pytest.fixture
def backup(clinic: House, tmp_path: Path) -> Path:
    """A backup of a furnished clinic."""
    clinic.services.backups.make(system(), tmp_path / "a.tar")
    furnished(clinic).services.backups.make(system(), tmp_path / "b.tar")
    return tmp_path / "b.tar"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[str]:
    """Where a clinic can be brought back: SQLite in its folder, or an empty database of PostgreSQL."""
    if request.param == "sqlite":
        yield ""
        return
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def nothing_there(folder: Path, url: str = "") -> bool:
    """Tell whether there is neither a table nor an object."""
    settings = load_settings(data_dir=folder, database_url=url)
    database = Database(settings.database)
    try:
        is_empty = schema.current(database) is None
    finally:
        database.close()
    objects = folder / "objects"
    return is_empty and not any(path.is_file() for path in objects.rglob("*"))


def test_all_of_a_clinic_comes_back(clinic: House, backup: Path, tmp_path: Path, empty_url: str) -> None:
    with restored(tmp_path / "there", backup, empty_url) as there:
        assert (originals(there), people(there)) == (originals(clinic), people(clinic))
        assert findings(there) == []
        trashed = {row.id for row in clinic.rows(Image) if row.trashed_at}
        assert {row.id for row in there.rows(Image) if row.trashed_at} == trashed
        image_id = next(iter(trashed))
        there.services.trash.restore_images(system(), [image_id])
        assert there.services.images.get(system(), image_id).trashed_at is None
        assert there.services.files.thumbnail(system(), image_id).size > 0
        assert there.waiting_files() == []
        there.images(there.batch().id, 2, first=900)  # numbers of new audit lines follow the old ones


def test_people_sign_in_to_a_clinic_that_came_back(clinic: House, tmp_path: Path, empty_url: str) -> None:
    clinic.person(Role.CLINICIAN, "ann@clinic.example")
    clinic.services.backups.make(system(), tmp_path / "c.tar")
    with restored(tmp_path / "there", tmp_path / "c.tar", empty_url) as there:
        assert there.services.sign_in.open(DESK, "ann@clinic.example", PASSWORD).actor.role is Role.CLINICIAN


def test_the_audit_holds_and_says_that_it_was_brought_back(
    clinic: House, tmp_path: Path, empty_url: str
) -> None:
    furnished(clinic)
    for late in (900_000, 800_000):  # ids are given before lines are committed: seals have another order
        with clinic.clinic.database.write() as session:
            session.add(Event(id=late, at=clinic.clock(), action="image.see"))
        clinic.services.seals.run(system())
    known = {line.id: (line.seal, line.chain) for line in clinic.events()}
    backup = tmp_path / "late.tar"
    clinic.services.backups.make(system(), backup)
    with restored(tmp_path / "there", backup, empty_url) as there:
        verdict = there.services.audit.verify(system())
        assert verdict.holds, verdict.findings
        lines = [line for line in there.events() if line.outcome == "restored"]
        assert [(line.action, line.count) for line in lines] == [("data.import", 9)]
        sealed = {line.id: (line.seal, line.chain) for line in there.events() if line.id in known}
        assert {key: value for key, value in known.items() if value[0]}.items() <= sealed.items()
        assert (there.folder / "audit-heads.txt").exists()


@pytest.mark.parametrize("tenth", range(10))
def test_a_backup_that_is_cut_is_refused(backup: Path, tmp_path: Path, tenth: int) -> None:
    content = backup.read_bytes()
    cut = tmp_path / "cut.tar"
    cut.write_bytes(content[: len(content) * (10 - tenth) // 10 - 1])
    with pytest.raises(Invalid):
        restore(tmp_path / "there", cut)
    assert nothing_there(tmp_path / "there")


def parts(file: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(file) as tar:
        return tar.getmembers()


@pytest.mark.parametrize("name", ["README.txt", "format", "tables/patient", "files", "images/", "manifest"])
def test_a_byte_that_is_flipped_is_noticed(backup: Path, tmp_path: Path, name: str) -> None:
    part = next(each for each in parts(backup) if each.name.startswith(name))
    content = bytearray(backup.read_bytes())
    content[part.offset_data + part.size // 2] ^= 1
    flipped = tmp_path / "flipped.tar"
    flipped.write_bytes(content)
    with pytest.raises(Invalid):
        restore(tmp_path / "there", flipped)
    assert nothing_there(tmp_path / "there")


@pytest.mark.parametrize(
    "content", [b"", b"nothing of ours", b"\0" * 20480, b"age-encryption.org/v1\nnonsense"]
)
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(Invalid):
        restore(tmp_path / "there", tmp_path / "x.tar")
    assert nothing_there(tmp_path / "there")


@pytest.fixture
def sealed(open_clinic: Opens, tmp_path: Path) -> Path:
    """An encrypted backup; its key lies beside it in ``key.txt``, another one in ``other.txt``."""
    from pyrage import x25519  # type: ignore[import-untyped]

    mine, other = x25519.Identity.generate(), x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# created by age-keygen\n{mine}\n")
    (tmp_path / "other.txt").write_text(f"{other}\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    house = furnished(open_clinic(backup_recipients=(str(mine.to_public()),)))
    house.services.backups.make(system(), tmp_path / "sealed.age")
    last = house.services.backups.last(system())
    assert last is not None and last.is_encrypted
    return tmp_path / "sealed.age"


def test_an_encrypted_backup_says_nothing_and_comes_back_with_its_key(sealed: Path, tmp_path: Path) -> None:
    content = sealed.read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    assert b"Novak" not in content and b"patient" not in content
    restore(tmp_path / "there", sealed, identity=tmp_path / "key.txt")
    with open_house(tmp_path / "there") as there:
        assert ("Ada Novak", "1") in people(there)
        assert findings(there) == []


@pytest.mark.parametrize(
    ("key", "said"),
    [(None, "encrypted"), ("other.txt", "another key"), ("empty.txt", "no key"), ("none.txt", "no such")],
)
def test_an_encrypted_backup_needs_its_key(sealed: Path, tmp_path: Path, key: str | None, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        restore(tmp_path / "there", sealed, identity=tmp_path / key if key else None)
    assert nothing_there(tmp_path / "there")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_an_encrypted_backup_that_was_harmed_is_refused(
    sealed: Path, tmp_path: Path, share: float, harm: str
) -> None:
    content = bytearray(sealed.read_bytes())
    place = int(len(content) * share)
    if harm == "cut":
        del content[place:]
    else:
        content[place] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(Invalid):
        restore(tmp_path / "there", sealed, identity=tmp_path / "key.txt")
    assert nothing_there(tmp_path / "there")


def test_a_clinic_that_is_not_empty_stays_as_it_is(open_clinic: Opens, backup: Path, tmp_path: Path) -> None:
    other = open_clinic("other")
    image = other.image()
    before = (originals(other), people(other), len(other.events()))
    with pytest.raises(Conflict, match="not empty"):
        restore(other.folder, backup)
    assert (originals(other), people(other), len(other.events())) == before
    assert other.services.images.get(system(), image.id).key == image.key


def test_a_server_that_was_started_once_is_still_empty(backup: Path, tmp_path: Path) -> None:
    bootstrap.build(load_settings(data_dir=tmp_path / "there")).close()
    with restored(tmp_path / "there", backup) as there:
        assert findings(there) == []


def test_a_server_at_work_there_is_in_the_way(backup: Path, tmp_path: Path) -> None:
    clinic = bootstrap.build(load_settings(data_dir=tmp_path / "there"), serving=True)
    with pytest.raises(ConfigError, match="already working"):
        restore(tmp_path / "there", backup)
    clinic.close()


# Nine images: the first half of the counts are for the comparison, in which nothing is changed.
@pytest.mark.parametrize("done", [3, 9, 10, 14, 18])
def test_a_restore_that_is_killed_goes_on_or_never_began(
    clinic: House, backup: Path, tmp_path: Path, empty_url: str, done: int
) -> None:
    there = tmp_path / "there"
    died = copying.run("restore", there, empty_url, backup, str(done))
    assert died.returncode == copying.DIED, died.stderr
    if done <= 9:
        assert nothing_there(there, empty_url)
    else:
        with pytest.raises(ConfigError, match="cut off") as said, open_house(there, empty_url):
            pass
        assert "restore again" in said.value.hint
        with pytest.raises(Conflict, match="another copy"):
            restore(there, backup.with_name("a.tar"), empty_url)
    with restored(there, backup, empty_url) as house:
        assert originals(house) == originals(clinic)
        assert findings(house) == []
        assert len([line for line in house.events() if line.outcome == "restored"]) == 1
        assert house.rows(Setting, Setting.name == "restoring") == []


def test_a_restore_into_a_store_that_was_kept_takes_what_is_there(
    clinic: House, backup: Path, tmp_path: Path
) -> None:
    shutil.copytree(clinic.folder / "objects", tmp_path / "there" / "objects")
    rotten = clinic.rows(Image)[0].key
    (tmp_path / "there" / "objects" / rotten).write_bytes(b"rotten")
    with restored(tmp_path / "there", backup) as there:
        assert originals(there) == originals(clinic)


Change = Callable[[Path], None]


def rewritten(folder: Path, change: Change) -> None:
    """Change an export as whoever made it otherwise would have: with the right sums."""
    change(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    names = ["README.txt", "format.json", "files.jsonl"]
    names += [f"tables/{path.name}" for path in (folder / "tables").iterdir()]
    manifest["parts"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    for path in (folder / "tables").iterdir():
        manifest["counts"][path.stem] = len(path.read_text().splitlines())
    tables = set(json.loads((folder / "format.json").read_text())["tables"]) | {"files"}
    manifest["counts"] = {name: count for name, count in manifest["counts"].items() if name in tables}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def about(folder: Path, **fields: Any) -> None:
    path = folder / "format.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def rows(folder: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path = folder / "tables" / f"{table}.jsonl"
    lines = [json.dumps(change(json.loads(line))) + "\n" for line in path.read_text().splitlines()]
    path.write_text("".join(lines))


@pytest.fixture
def export(clinic: House, tmp_path: Path) -> Path:
    """An export of a furnished clinic."""
    furnished(clinic).services.exports.make(system(), tmp_path / "export")
    return tmp_path / "export"


def to_first_version(folder: Path) -> None:
    """Shape an export as the first version would have made it."""
    later = ("retention_years", "legal_hold_at", "legal_hold_by", "legal_hold_reason")
    with_columns = {"patient": later}
    for table, names in with_columns.items():
        rows(folder, table, lambda row: {key: value for key, value in row.items() if key not in names})  # noqa: B023
    (folder / "tables" / "retention_rule.jsonl").unlink()
    tables = json.loads((folder / "format.json").read_text())["tables"]
    about(folder, schema="0001_first", tables=[name for name in tables if name != "retention_rule"])


def test_a_copy_of_an_older_version_is_brought_up(
    clinic: House, export: Path, tmp_path: Path, empty_url: str
) -> None:
    rewritten(export, to_first_version)
    with restored(tmp_path / "there", export, empty_url) as there:
        assert schema.current(there.clinic.database) == schema.revisions()[-1]
        assert schema.differences(there.clinic.database) == []
        assert originals(there) == originals(clinic)
        assert findings(there) == []
        assert {row.legal_hold_reason for row in there.rows(Patient)} == {""}
    assert list((tmp_path / "there").glob("*.before-*")) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: about(folder, schema="9999_later"), "newer version"),
        (lambda folder: about(folder, format=2), "format"),
        (lambda folder: about(folder, tables=["patient; --"]), "changed"),
        (lambda folder: rows(folder, "patient", lambda row: row | {"shoe_size": 43}), "column"),
        (lambda folder: rows(folder, "patient", lambda row: row | {"created_at": "soon"}), "value"),
        (lambda folder: (folder / "tables" / "batch.jsonl").write_text(""), "contradicts"),
    ],
)
def test_a_copy_that_cannot_be_understood_is_refused(
    export: Path, tmp_path: Path, change: Change, said: str
) -> None:
    rewritten(export, change)
    with pytest.raises(ImgcoreError, match=said):
        restore(tmp_path / "there", export)
    with (
        pytest.raises(ConfigError)
        if not nothing_there(tmp_path / "there")
        else open_house(tmp_path / "there")
    ):
        bootstrap.build(load_settings(data_dir=tmp_path / "there"))


@pytest.mark.parametrize(
    "path", ["../../x.jpg", "images/../../x", "/etc/x/y/z", "images/a/b/..", "images/a/b/CON"]
)
def test_a_path_that_leads_astray_is_refused(export: Path, tmp_path: Path, path: str) -> None:
    def astray(folder: Path) -> None:
        index = folder / "files.jsonl"
        lines = index.read_text().splitlines()
        first = json.loads(lines[0]) | {"path": path}
        index.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")

    rewritten(export, astray)
    with pytest.raises(Invalid):
        restore(tmp_path / "there", export)
    assert nothing_there(tmp_path / "there")


def test_a_full_disk_stops_a_restore_that_goes_on_when_there_is_room(clinic: House, tmp_path: Path) -> None:
    batch, noise = clinic.batch(), random.Random(1)
    clinic.images(batch.id, 3)
    clinic.upload(batch.id, photo(9) + noise.randbytes(9_000_000))  # one file alone is over the limit
    clinic.services.backups.make(system(), tmp_path / "a.tar")
    full = copying.run("restore", tmp_path / "there", "", tmp_path / "a.tar", "full")
    assert full.stderr.startswith(StorageFull.code), full.stderr
    assert not any((tmp_path / "there" / "incoming").iterdir())
    with pytest.raises(ConfigError, match="cut off"), open_house(tmp_path / "there"):
        pass
    with restored(tmp_path / "there", tmp_path / "a.tar") as there:
        assert originals(there) == originals(clinic)
        assert findings(there) == []
