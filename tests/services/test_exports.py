from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from imgcore.db.journal import Share
from imgcore.db.tables import Image, User
from imgcore.domain.access import Role, system
from imgcore.errors import Conflict, Invalid
from tests.services.clinics import House
from tests.services.databases import on_both
from tests.services.places import findings, furnished, originals, people, restored
from tests.services.scenes import make_scene


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@on_both
def test_an_export_goes_round_byte_for_byte(clinic: House, tmp_path: Path) -> None:
    make_scene(furnished(clinic))
    clinic.services.exports.make(system(), tmp_path / "out")
    with restored(tmp_path / "there", tmp_path / "out") as there:
        assert (originals(there), people(there)) == (originals(clinic), people(clinic))
        assert findings(there) == []
        there.services.exports.make(system(), tmp_path / "again")
        first, second = tmp_path / "out", tmp_path / "again"
        assert names(first) == names(second)
        # Images and tables are the same bytes; but for what the restore itself noted, and passwords.
        own = {"README.txt", "format.json", "manifest.json", "tables/event.jsonl"}
        for name in set(names(first)) - own:
            assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_names_are_those_of_people_and_days(clinic: House, tmp_path: Path) -> None:
    patient = clinic.patient("Ada Novak", mrn="4471")
    batch = clinic.batch(patient)
    first, second = clinic.images(batch.id, 2)
    clinic.services.trash.images(clinic.admin, [second.id])
    clinic.services.exports.make(system(), tmp_path / "out")
    day = f"{batch.taken_on:%Y-%m-%d}"
    place = f"Ada Novak 4471/{day} Check-up/{day}_Other"
    assert [name for name in names(tmp_path / "out") if name.endswith(".jpg")] == [
        f"images/{place}_01.jpg",
        f"trash/{place}_02.jpg",
    ]
    stored = (clinic.folder / "objects" / first.key).read_bytes()
    assert (tmp_path / "out" / "images" / f"{place}_01.jpg").read_bytes() == stored
    assert "import FOLDER" in (tmp_path / "out" / "README.txt").read_text()


def test_any_name_is_a_folder_and_none_is_another(clinic: House, tmp_path: Path) -> None:
    wild = ["Ada", "ADA", "ada.", "Ada ", "A\u0308da", "Äda", "..", "con", "a/b", "a\\b", "王" * 120]
    wild += ["x" * 255, "\u202eadA", "🦶", "NUL.txt", "-rf", "~", "a:b"]
    for seed, name in enumerate(wild):
        batch = clinic.batch(clinic.patient(name))
        clinic.images(batch.id, 1, first=seed)
    clinic.services.exports.make(system(), tmp_path / "out")
    folders = [path.name for path in (tmp_path / "out" / "images").iterdir()]
    assert len(folders) == len(wild)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in folders}) == len(wild)
    assert all(len(name.encode()) <= 255 for name in folders)
    with restored(tmp_path / "there", tmp_path / "out") as there:
        assert people(there) == people(clinic)


def test_an_export_holds_no_secret(clinic: House, tmp_path: Path) -> None:
    scene = make_scene(clinic)
    clinic.person(Role.CLINICIAN, "ann@clinic.example")
    secrets = [row.password_hash for row in clinic.rows(User) if row.password_hash]
    secrets += [secret for row in clinic.rows(Share) for secret in (row.token_hash, row.pin_hash)]
    assert len(secrets) > 3
    clinic.services.exports.make(system(), tmp_path / "out")
    content = b"".join((tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out"))
    assert [secret for secret in secrets if secret.encode() in content] == []
    assert not (tmp_path / "out" / "tables" / "access_token.jsonl").exists()
    with restored(tmp_path / "there", tmp_path / "out") as there:
        share = there.rows(Share, Share.id == scene.share_id)[0]
        assert share.revoked_at is not None
        assert {row.password_hash for row in there.rows(User)} == {None}


def test_an_export_that_is_cancelled_leaves_nothing(clinic: House, tmp_path: Path) -> None:
    clinic.images(clinic.batch().id, 3)

    def cancel(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clinic.services.exports.make(system(), tmp_path / "out", cancel)
    assert list(tmp_path.glob("out*")) == []


def test_what_is_there_is_never_overwritten(clinic: House, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(Conflict):
        clinic.services.exports.make(system(), tmp_path / "out")
    assert names(tmp_path / "out") == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    clinic.services.exports.make(system(), tmp_path / "empty")
    assert "manifest.json" in names(tmp_path / "empty")


@pytest.mark.parametrize("lost", ["manifest.json", "files.jsonl", "tables/patient.jsonl", "images"])
def test_an_export_that_lacks_something_is_refused(clinic: House, tmp_path: Path, lost: str) -> None:
    furnished(clinic).services.exports.make(system(), tmp_path / "out")
    path = tmp_path / "out" / lost
    (next(path.rglob("*.jpg")) if path.is_dir() else path).unlink()
    with pytest.raises(Invalid), restored(tmp_path / "there", tmp_path / "out"):
        pass
    assert not (tmp_path / "there" / "objects" / "images").exists()


def test_what_others_lay_beside_is_passed_over(clinic: House, tmp_path: Path) -> None:
    furnished(clinic).services.exports.make(system(), tmp_path / "out")
    (tmp_path / "out" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "out" / "images" / "Thumbs.db").write_bytes(b"x")
    with restored(tmp_path / "there", tmp_path / "out") as there:
        assert findings(there) == []


def test_the_index_says_which_file_is_which_row(clinic: House, tmp_path: Path) -> None:
    furnished(clinic).services.exports.make(system(), tmp_path / "out")
    index = [json.loads(line) for line in (tmp_path / "out" / "files.jsonl").read_text().splitlines()]
    rows = {str(row.id): row for row in clinic.rows(Image)}
    assert {entry["id"]: entry["sha256"] for entry in index} == {key: row.sha256 for key, row in rows.items()}
    assert all((tmp_path / "out" / entry["path"]).stat().st_size == entry["size"] for entry in index)
