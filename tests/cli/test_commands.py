"""The command line: people are let in, photographs brought in, the server served."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import Role, system
from imgcore.domain.records import Patient
from imgcore.domain.values import NewPatient
from imgcore.services.images import Filter
from tests.cli.conftest import Run
from tests.servers.imgcore_server import ImgcoreServer
from tests.services.clinics import photo


@contextmanager
def opened() -> Iterator[Clinic]:
    """Open the clinic of the data folder."""
    clinic = bootstrap.build(load_settings())
    yield clinic
    clinic.close()


def _owner(link: str) -> str:
    with opened() as clinic:
        return clinic.services.sign_in.link_owner(system(), link.strip().rpartition("/")[2])


def _patient(**fields: object) -> Patient:
    with opened() as clinic:
        return clinic.services.patients.create(system(), NewPatient.model_validate(fields))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two photographs, one in a folder below, and a hidden file."""
    folder = tmp_path / "Check-up"
    (folder / "left").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photo(1))
    (folder / "left" / "b.jpg").write_bytes(photo(2))
    (folder / ".thumbs").write_bytes(b"hidden")
    return folder


def test_a_person_is_added_and_gets_a_link(run: Run) -> None:
    code, link, errors = run("user", "add", "Ann@clinic.example", "--role", "admin")
    assert code == 0
    assert link.startswith("http://localhost:8501/auth/link/")
    assert "24 hours" in errors
    assert _owner(link) == "ann@clinic.example"
    with opened() as clinic:
        user = clinic.services.accounts.all(system()).items[0]
    assert (user.name, user.role) == ("Ann", Role.ADMIN)


def test_a_new_link_has_the_address_of_the_clinic(run: Run) -> None:
    run("user", "add", "ann@clinic.example")
    code, link, _errors = run("user", "reset", "ann@clinic.example", "--url", "https://clinic.example/")
    assert code == 0
    assert link.startswith("https://clinic.example/auth/link/")
    assert _owner(link) == "ann@clinic.example"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("user", "reset", "nobody@clinic.example"), "Nobody has this e-mail address."),
        (("user", "add", "nobody"), "this is not an e-mail address"),
        (("import", "no-such-folder", "--patient", "1"), "There is no such folder."),
    ],
)
def test_what_cannot_be_done_is_said_without_a_trace(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    code, output, errors = run(*arguments)
    assert (code, output) == (1, "")
    assert message in errors
    assert "Traceback" not in errors


def test_a_setting_that_is_wrong_is_said_with_its_hint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCORE_MAX_PIXELS", "many")
    code, _output, errors = run("sweep")
    assert code == 1
    assert "IMGCORE_MAX_PIXELS" in errors
    assert "docs/operations.md" in errors


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("user", "add"), ("user", "add", "a@b.c", "--role", "x")]
)
def test_a_command_that_is_none_shows_the_usage(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        run(*arguments)
    assert end.value.code == 2


@pytest.mark.parametrize("field", ["external_id", "mrn", "id"])
def test_a_folder_is_stored(run: Run, photos: Path, field: str) -> None:
    patient = _patient(name="Mary Kowalski", external_id="EXT-1", mrn="4471")
    code, output, _errors = run("import", str(photos), "--patient", str(getattr(patient, field)))
    assert code == 0
    assert output.splitlines() == [
        "a.jpg: stored",
        "b.jpg: stored",
        "2 stored, 0 already there, 0 not stored.",
    ]
    with opened() as clinic:
        batch = clinic.services.batches.of_patient(system(), patient.id).items[0]
        assert (batch.name, batch.image_count) == ("Check-up", 2)
    assert sorted(path.name for path in photos.rglob("*.jpg")) == ["a.jpg", "b.jpg"]


def test_the_same_folder_again_stores_nothing_twice(run: Run, photos: Path) -> None:
    patient = _patient(name="Mary Kowalski", mrn="4471")
    command = ("import", str(photos), "--patient", "4471", "--batch", "Casts")
    run(*command)
    (photos / "c.jpg").write_bytes(photo(3))
    code, output, _errors = run(*command)
    assert code == 0
    assert output.splitlines()[-1] == "1 stored, 2 already there, 0 not stored."
    with opened() as clinic:
        asked = Filter(patient_ref=str(patient.id))
        assert clinic.services.images.list(system(), asked).total == 3


def test_a_bad_file_is_named_and_its_neighbours_are_stored(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGCORE_MAX_FILE_BYTES", "2000")
    _patient(name="Mary Kowalski", mrn="4471")
    (photos / "notes.jpg").write_text("no picture")
    (photos / "z.jpg").write_bytes(b"\xff\xd8" + bytes(3000))
    code, output, _errors = run("import", str(photos), "--patient", "4471")
    assert code == 1
    assert output.splitlines()[-1] == "2 stored, 0 already there, 2 not stored."
    assert {line.partition(":")[0] for line in output.splitlines()[2:-1]} == {"notes.jpg", "z.jpg"}


def test_a_patient_who_is_not_there_takes_no_photographs(run: Run, photos: Path) -> None:
    _patient(name="Mary 4471")
    code, output, errors = run("import", str(photos), "--patient", "4471")
    assert (code, output) == (1, "")
    assert "This patient does not exist" in errors


def test_a_sweep_says_what_it_did(run: Run) -> None:
    code, output, _errors = run("sweep")
    assert (code, output) == (0, "0 unfinished uploads, 0 images past their time; 0 removed.\n")


def test_the_audit_is_verified(run: Run, data: Path) -> None:
    _patient(name="Mary Kowalski")
    code, output, _errors = run("audit", "verify")
    assert code == 0
    assert output.startswith("All 1 lines hold; head 1 ")
    database = sqlite3.connect(data / "imgcore.sqlite3")
    with closing(database), database:
        database.execute("DROP TRIGGER event_is_for_ever")
        database.execute("DELETE FROM event WHERE seal = 1")
    code, output, _errors = run("audit", "verify")
    assert code == 1
    assert output == "Line 1 was removed.\n1 fault was found.\n"


def test_the_database_is_made_and_then_up_to_date(run: Run, data: Path) -> None:
    newest = schema.revisions()[-1]
    assert run("db", "upgrade")[:2] == (0, f"The database was brought to {newest}.\n")
    assert run("db", "upgrade")[:2] == (0, "The database is up to date.\n")
    database = Database(f"sqlite:///{data / 'imgcore.sqlite3'}")
    assert schema.current(database) == newest
    database.close()


def test_the_server_serves_from_anywhere_and_ends_in_good_order(
    start_server: Callable[..., ImgcoreServer], tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "app.py").write_text("raise SystemExit('this is another program')")
    server = start_server(kind="serve", folder=folder)
    assert server.stop(signal.SIGTERM) == 0


def test_a_second_server_in_the_folder_says_why_it_does_not_start(
    start_server: Callable[..., ImgcoreServer],
) -> None:
    first = start_server(kind="serve")
    with pytest.raises(RuntimeError, match=r"ended with 1:(.|\n)*Another Imgcore server"):
        start_server(kind="serve", folder=first.folder)
