"""``storage create``, ``key`` and ``rotate``, as the keeper of a clinic types them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from imgcore import bootstrap, cli
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.domain.access import system
from imgcore.domain.values import NewBatch, NewPatient
from imgcore.services.uploads import Offered
from imgcore.storage.file_keys import FileKey, read_keys
from tests.cli.conftest import Run
from tests.servers.google_storage import GoogleStorage
from tests.servers.seaweedfs import SeaweedFS
from tests.services.clinics import photo


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key file is to be."""
    monkeypatch.setenv("IMGCORE_ENCRYPTION_KEY_FILE", str(tmp_path / "keys" / "images.key"))
    (tmp_path / "keys").mkdir()
    return tmp_path / "keys" / "images.key"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command; returns its exit code, and what it printed as output and as errors."""

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = cli.main(("storage", *arguments))
        return code, *capsys.readouterr()

    return run


@contextmanager
def opened() -> Iterator[Clinic]:
    """Open the clinic of the data folder."""
    clinic = bootstrap.build(load_settings())
    try:
        yield clinic
    finally:
        clinic.close()


def store_photo(seed: int) -> str:
    """Store a photograph in a new batch, and return the key of the original."""
    with opened() as clinic:
        services, actor = clinic.services, system()
        patient = services.patients.create(actor, NewPatient(name="Ada Novak"))
        batch = services.batches.create(actor, patient.id, NewBatch(name="Check-up"))
        intake = services.uploads.intake(actor, "foot.jpg")
        intake.write(photo(seed))
        received = services.uploads.store(actor, batch.id, [Offered(intake.finish())])
        return received.uploaded[0].image.key


def read(key: str) -> bytes:
    with opened() as clinic:
        return b"".join(clinic.store.read(key))


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def recovery_key(output: str) -> str:
    """Return the recovery key that a command printed."""
    return next(line for line in output.splitlines() if line.count("-") == 13)


def test_the_folder_is_made_and_then_left_in_peace(run: Run, data: Path) -> None:
    assert run("create") == (0, "Made and checked: local folder.\n", "")
    assert run("create") == (0, "It is there and works: local folder.\n", "")
    assert (data / "objects").stat().st_mode & 0o777 == 0o700


@pytest.mark.xdist_group("seaweedfs")
def test_a_bucket_is_made_and_then_left_in_peace(
    run: Run, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"new-{uuid4()}"
    monkeypatch.setenv("IMGCORE_STORAGE_URL", seaweedfs.storage_url("x").replace("//imgcore/", f"//{name}/"))
    for variable, value in seaweedfs.environment.items():
        monkeypatch.setenv(variable, value)
    assert run("create") == (0, f"Made and checked: S3 bucket {name}.\n", "")
    assert run("create") == (0, f"It is there and works: S3 bucket {name}.\n", "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    code, output, errors = run("create")
    assert (code, output) == (1, "")
    assert "credentials" in errors and "AWS_SECRET_ACCESS_KEY" in errors


def test_a_public_bucket_is_refused_and_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server = GoogleStorage()
    server.start()
    try:
        monkeypatch.setenv("IMGCORE_STORAGE_URL", server.storage_url("clinic"))
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value)
        code, output, errors = run("create")
    finally:
        server.stop()
    assert (code, output) == (1, "")
    assert "Everybody can read" in errors and "Google Cloud Storage, imgcore" in errors


def test_a_key_is_made_once_and_its_recovery_key_brings_it_back(run: Run, key_file: Path) -> None:
    code, output, _errors = run("key")
    assert code == 0
    keys = read_keys(key_file)
    assert [key.recovery for key in keys] == [recovery_key(output)]
    assert key_file.stat().st_mode & 0o777 == 0o600
    code, again, errors = run("key")
    assert (code, again) == (1, "") and "already" in errors and "--add" in errors
    assert read_keys(key_file) == keys
    key_file.unlink()
    typed = recovery_key(output).lower().replace("-", " ")
    assert run("key", "--recover", typed=f"{typed}\n")[0] == 0
    assert read_keys(key_file) == keys
    assert run("key", "--recover", typed=f"{typed}\n")[0] == 0
    assert read_keys(key_file) == keys


def test_a_mistyped_recovery_key_makes_no_file(run: Run, key_file: Path) -> None:
    right = FileKey.make().recovery
    for typed in ("", "\n", right[:-1], right.replace(right[0], "A" if right[0] != "A" else "B", 1)):
        code, output, errors = run("key", "--recover", typed=typed)
        assert (code, output) == (1, "")
        assert "not a recovery key" in errors
        assert right[:9] not in errors
    assert not key_file.exists()


@pytest.mark.parametrize("step", ["key", "rotate"])
def test_without_the_setting_there_is_nothing_to_encrypt_with(run: Run, step: str) -> None:
    code, output, errors = run(step)
    assert (code, output) == (1, "")
    assert "IMGCORE_ENCRYPTION_KEY_FILE" in errors


def test_a_key_file_in_the_data_folder_is_refused(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    for place in (data / "images.key", data / "a" / ".." / "images.key", tmp_path / "link" / "images.key"):
        monkeypatch.setenv("IMGCORE_ENCRYPTION_KEY_FILE", str(place))
        code, _output, errors = run("key")
        assert code == 1
        assert "outside the data folder" in errors


def test_a_clinic_without_its_key_file_does_not_start(run: Run, key_file: Path) -> None:
    code, _output, errors = run("rotate")
    assert (code, "storage key" in errors) == (1, True)


def test_a_clinic_is_encrypted_rotated_and_brought_back(run: Run, data: Path, key_file: Path) -> None:
    first_key = recovery_key(run("key")[1])
    key = store_photo(1)
    assert read(key) == photo(1)
    assert photo(1)[200:260] not in on_disk(data)
    assert run("rotate")[1].startswith("0 files")
    run("key", "--add")
    assert read(key) == photo(1)
    newer = store_photo(2)
    code, output, _errors = run("rotate")
    assert code == 0 and output.startswith("2 files")  # the original and its thumbnail
    write = [line for line in key_file.read_text().splitlines() if line != first_key]
    key_file.write_text("\n".join(write))
    assert (read(key), read(newer)) == (photo(1), photo(2))


def test_what_was_plain_before_is_encrypted_by_a_rotation(
    run: Run, data: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGCORE_ENCRYPTION_KEY_FILE")
    key = store_photo(1)
    monkeypatch.setenv("IMGCORE_ENCRYPTION_KEY_FILE", str(key_file))
    run("key")
    assert read(key) == photo(1)
    assert photo(1)[200:260] in on_disk(data)
    assert run("rotate")[1].startswith("2 files")
    assert photo(1)[200:260] not in on_disk(data)
    assert read(key) == photo(1)


def test_what_a_rotation_cannot_open_is_named(run: Run, data: Path, key_file: Path) -> None:
    run("key")
    key = store_photo(1)
    path = next((data / "objects" / key).parent.glob(f"{Path(key).name}.*"))
    path.write_bytes(path.read_bytes()[:-1])
    run("key", "--add")
    code, output, _errors = run("rotate")
    assert code == 1
    assert "1 files" in output and f"not opened: {key}" in output
