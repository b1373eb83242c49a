"""The commands that keep a clinic whole: check, backup, restore, export, import of an export."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.db.tables import Image
from imgcore.domain.access import system
from tests.cli.conftest import Run
from tests.services.clinics import House, open_house


@pytest.fixture
def image(data: Path) -> Image:
    """One image of Ada Novak, in a clinic that is closed again."""
    with open_house(data) as house:
        house.images(house.batch(house.patient("Ada Novak")).id, 2)
        return house.rows(Image)[0]


def keys(house: House) -> set[str]:
    return {row.key for row in house.rows(Image)}


def test_a_check_says_what_it_went_through(run: Run, image: Image) -> None:
    assert run("check") == (0, "2 images, 2 copies and 4 files checked: 0 found, 0 mended.\n", "")


def test_a_check_names_what_is_wrong_and_no_people(run: Run, image: Image, data: Path) -> None:
    (data / "objects" / image.key).write_bytes(b"rotten")
    for options in ((), ("--quick",), ("--repair",)):
        code, output, _errors = run("check", *options)
        assert code == 1
        assert f"the file was changed · image {image.id} · patient " in output
        assert image.key in output and "Novak" not in output
    assert "Ada Novak: foot.jpg" in run("check", "--names")[1]


def test_what_was_mended_is_no_fault_any_more(run: Run, image: Image, data: Path) -> None:
    for thumbnail in (data / "objects").rglob("*_thumb.jpg"):
        thumbnail.unlink()
    assert run("check")[0] == 1
    code, output, _errors = run("check", "--repair")
    assert code == 0 and output.count("mended\n") == 2 and "2 found, 2 mended" in output
    assert run("check")[0] == 0


def test_a_backup_is_restored_elsewhere(
    run: Run, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, output, errors = run("backup", str(tmp_path / "a.tar"))
    assert (code, output) == (0, "2 images were copied.\n")
    assert "not encrypted" in errors
    assert run("restore", str(tmp_path / "a.tar"))[0] == 1  # the clinic is there
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "there"))
    assert run("restore", str(tmp_path / "a.tar")) == (0, "2 images were restored.\n", "")
    assert run("check")[0] == 0
    with open_house(tmp_path / "there") as there:
        assert image.key in keys(there)


def test_an_encrypted_backup_is_restored_with_its_key(
    run: Run, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyrage import x25519  # type: ignore[import-untyped]

    identity = x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(identity))
    monkeypatch.setenv("IMGCORE_BACKUP_RECIPIENTS", str(identity.to_public()))
    assert run("backup", str(tmp_path / "a.age")) == (0, "2 images were copied.\n", "")
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "there"))
    code, output, errors = run("restore", str(tmp_path / "a.age"))
    assert (code, output) == (1, "") and "--identity" in errors
    assert run("restore", str(tmp_path / "a.age"), "--identity", str(tmp_path / "key.txt"))[0] == 0
    assert run("check")[0] == 0


def test_an_export_is_imported_elsewhere(
    run: Run, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("export", str(tmp_path / "out")) == (0, "2 images were copied.\n", "")
    assert list((tmp_path / "out" / "images" / "Ada Novak").rglob("*.jpg"))
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "there"))
    assert run("import", str(tmp_path / "out")) == (0, "2 images were restored.\n", "")
    assert run("check")[0] == 0


def test_a_damaged_image_is_named_by_whoever_copies_it(
    run: Run, image: Image, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "objects" / image.key).unlink()
    code, output, _errors = run("backup", str(tmp_path / "a.tar"))
    assert code == 1 and f"image {image.id} is damaged" in output
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "there"))
    code, output, _errors = run("restore", str(tmp_path / "a.tar"))
    assert code == 1 and f"image {image.id} was damaged before" in output


def test_a_folder_that_is_no_export_needs_a_patient(run: Run, tmp_path: Path) -> None:
    code, _output, errors = run("import", str(tmp_path))
    assert code == 1 and "--patient" in errors
    code, _output, errors = run("restore", str(tmp_path / "nowhere.tar"))
    assert code == 1 and "no such file" in errors


def test_a_zip_names_a_damaged_image(data: Path, image: Image) -> None:
    path = data / "objects" / image.key
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with closing(bootstrap.build(load_settings())) as clinic:
        clinic.services.checks.run(system())
        download = clinic.services.downloads.batch(system(), image.batch_id)
        content = b"".join(download.stream())
    assert b"Files that have changed since they were stored: 1" in content
