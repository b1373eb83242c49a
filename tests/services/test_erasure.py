from __future__ import annotations

import hashlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from imgcore.db import rewriting
from imgcore.db.journal import Change, Event, GivenSet, ImageSet, ImageSetItem, Job, Share
from imgcore.db.tables import AccessToken, Batch, CareTeam, Image, Patient, User, Visit
from imgcore.domain.access import Role, system
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.retention import NewErasure, NewHold
from imgcore.errors import Conflict, Invalid, NotFound, StoreUnavailable
from imgcore.services.images import Filter
from tests.servers.postgres import Postgres
from tests.servers.seaweedfs import SeaweedFS
from tests.services.clinics import House, Opens, open_house
from tests.services.databases import on_both
from tests.services.remains import (
    MRN,
    NAME,
    Known,
    dumped,
    found_below,
    found_in,
    is_due,
    leave_traces,
    noise,
)
from tests.services.test_interruptions import die

ASKED = NewErasure(confirmation=NAME, reason="asked")


def assert_nothing_is_left(clinic: House, known: Known) -> None:
    """Search the rows, the store and every file of the data folder."""
    assert found_in(dumped(clinic)) == []
    assert found_below(clinic.folder, known.pieces) == {}
    assert clinic.stored_keys() == clinic.named_keys()
    assert {row.patient_id for row in clinic.rows(Batch)} == {known.other.id}
    assert [row.id for row in clinic.rows(Patient)] == [known.other.id]
    assert not is_due(clinic)


def assert_the_other_is_whole(clinic: House, known: Known) -> None:
    (image,) = clinic.services.images.list(clinic.admin, Filter(patient_ref=str(known.other.id))).items
    assert image.id == known.other_image.id
    with clinic.clinic.store.read(image.key) as chunks:
        assert len(b"".join(chunks)) == image.file_size


def test_an_erased_patient_leaves_neither_bytes_nor_name_on_sqlite(
    clinic: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    known = leave_traces(clinic)
    copy = clinic.folder / "imgcore.sqlite3.before-0002-from-0001"
    with (
        closing(sqlite3.connect(clinic.folder / "imgcore.sqlite3")) as now,
        closing(sqlite3.connect(copy)) as new,
    ):
        now.backup(new)
    before = found_below(clinic.folder, known.pieces)
    assert {"imgcore.sqlite3-wal", copy.name} <= set(before)
    assert any(name.startswith("objects/") for name in before)
    lines = clinic.events()

    erased = clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED)
    assert (erased.images, erased.is_finished) == (2, True)
    assert_nothing_is_left(clinic, known)
    assert not copy.exists()
    assert found_in(caplog.text.encode()) == []
    assert_the_other_is_whole(clinic, known)
    assert clinic.events()[: len(lines)] == lines
    (line,) = clinic.events(Event.action == "patient.erase")
    assert (line.patient_id, line.count, line.field_names) == (known.patient.id, 2, ["reason", "asked"])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_erased_patient_leaves_neither_bytes_nor_name_on_postgresql(
    clinic: House, postgres: Postgres
) -> None:
    """In the rows and in the data files; PostgreSQL's own journal is the server's to recycle."""
    known = leave_traces(clinic)
    with clinic.clinic.database.write() as session:
        session.connection().exec_driver_sql("ANALYZE")
    assert "imgcore" not in str(found_below(clinic.folder, known.pieces))
    before = _in_data_files(clinic, postgres)
    assert before
    assert clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED).is_finished
    assert_nothing_is_left(clinic, known)
    assert _in_data_files(clinic, postgres) == {}
    assert_the_other_is_whole(clinic, known)


def _in_data_files(clinic: House, postgres: Postgres) -> dict[str, list[str]]:
    name = sa.make_url(clinic.url).database
    with psycopg.connect(f"host={postgres.folder} user=postgres", autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        found = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", [name]).fetchone()
    assert found is not None
    return found_below(postgres.folder / "data" / "base" / str(found[0]), ())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("begun", ["SELECT pg_current_xact_id", "VACUUM (FULL"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_a_transaction_still_sees_is_not_said_to_be_gone(
    clinic: House, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, begun: str, elsewhere: bool
) -> None:
    """One that has begun before the tables are written anew, or before the planner's statistics are.

    One that writes counts in another database of the same server too.
    """
    monkeypatch.setattr(rewriting, "_LOCK_SECONDS", 1)
    monkeypatch.setattr(rewriting, "_TABLES", ("patient",))
    database = clinic.clinic.database
    name = "postgres" if elsewhere else sa.make_url(clinic.url).database
    look = "SELECT pg_current_xact_id()" if elsewhere else "SELECT count(*) FROM setting"
    with psycopg.connect(f"host={postgres.folder} user=postgres dbname={name}") as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

        def begin(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
            if statement.startswith(begun):
                other.execute(look)

        sa.event.listen(database.engine, "before_cursor_execute", begin)
        assert not rewriting.rewrite(database)
        sa.event.remove(database.engine, "before_cursor_execute", begin)
    assert rewriting.rewrite(database)


@pytest.mark.xdist_group("seaweedfs")
def test_an_erased_patient_leaves_no_object_in_s3(
    open_clinic: Opens, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    clinic = open_clinic(storage_url=seaweedfs.storage_url("erasure"))
    known = leave_traces(clinic)
    assert len(clinic.stored_keys()) > 4
    assert clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED).is_finished
    assert_nothing_is_left(clinic, known)
    assert_the_other_is_whole(clinic, known)


@pytest.mark.parametrize(
    ("database_url", "point"),
    [
        ("sqlite", FailPoint.ERASURE_BEGUN),
        ("sqlite", FailPoint.PURGE_OBJECTS_GONE),
        ("sqlite", "change.committed#2"),  # the images' rows are gone
        ("sqlite", "change.committed#3"),  # the batches too
        ("sqlite", FailPoint.ERASURE_ROWS_GONE),
        ("sqlite", FailPoint.ERASURE_REWRITTEN),
        ("postgresql", FailPoint.ERASURE_BEGUN),
        ("postgresql", FailPoint.ERASURE_ROWS_GONE),
    ],
    indirect=["database_url"],
)
def test_an_erasure_cut_off_anywhere_is_finished_by_the_next_sweep(clinic: House, point: str) -> None:
    known = leave_traces(clinic)
    die(clinic, "erase", known.patient.id, point)
    assert found_in(dumped(clinic)) == []
    with pytest.raises(NotFound):
        clinic.services.patients.get(clinic.admin, known.patient.id)
    clinic.clock.forward(minutes=1)  # this clock was set before the other process began
    clinic.services.sweeps.run(system(), started_at=clinic.clinic.built_at)
    assert_nothing_is_left(clinic, known)
    assert_the_other_is_whole(clinic, known)


@on_both
def test_an_erasure_goes_on_when_the_store_is_back(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    known = leave_traces(clinic)

    def away(_keys: object) -> None:
        raise StoreUnavailable("The store is away.")

    with monkeypatch.context() as patch:
        patch.setattr(clinic.clinic.store, "delete", away)
        assert not clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED).is_finished
    assert found_in(dumped(clinic)) == []
    assert clinic.services.trash.list(clinic.admin, "patient").items == ()
    for again in (
        lambda: clinic.services.trash.restore_patient(clinic.admin, known.patient.id),
        lambda: clinic.services.holds.set(clinic.admin, known.patient.id, NewHold(reason="too late")),
        lambda: clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED),
    ):
        with pytest.raises(NotFound):
            again()
    clinic.services.sweeps.run(system())
    assert_nothing_is_left(clinic, known)


@on_both
def test_an_upload_under_way_keeps_nothing_of_the_erased_patient(clinic: House) -> None:
    known = leave_traces(clinic)
    batch_id = clinic.rows(Batch, Batch.patient_id == known.patient.id)[0].id
    with clinic.clinic.database.write() as session:
        session.get_one(Image, clinic.rows(Image, Image.batch_id == batch_id)[0].id).state = "pending"
    assert not clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED).is_finished
    assert found_in(dumped(clinic)) == []
    clinic.clock.forward(minutes=15)
    clinic.services.sweeps.run(system())
    assert_nothing_is_left(clinic, known)


@on_both
def test_what_the_patient_touched_goes_and_nothing_else(clinic: House) -> None:
    known = leave_traces(clinic)
    own = clinic.services.images.edit(
        clinic.admin, known.other_image.id, clinic.offered(b"x", caption="kept").fields
    )[1]
    clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED)
    gone = (Visit, CareTeam, AccessToken, Job)
    assert [row for table in gone for row in clinic.rows(table) if _is_theirs(row, known.patient.id)] == []
    (left,) = clinic.rows(ImageSet)
    assert (left.name, left.note, left.size) == ("Image set", "", 2)
    assert [row.image_id for row in clinic.rows(ImageSetItem)] == [known.other_image.id]
    assert len(clinic.rows(Share)) == len(clinic.rows(GivenSet)) == 1
    assert own in {row.id for row in clinic.rows(Change)}
    (account,) = clinic.rows(User, User.email == f"erased-{_account(clinic)}")
    assert (account.name, account.is_active, account.patient_id) == ("", False, None)


def _is_theirs(row: object, patient_id: UUID) -> bool:
    return str(patient_id) in repr(row)


def _account(clinic: House) -> UUID:
    return next(row.id for row in clinic.rows(User, User.role == Role.PATIENT))


@on_both
def test_it_is_asked_for_twice_and_not_under_a_hold(clinic: House) -> None:
    known = leave_traces(clinic)
    before = dumped(clinic)
    for wrong in ("", "Zäbulonïa", "Ada Novak", "QX-77"):
        with pytest.raises(Invalid):
            new = NewErasure.model_construct(confirmation=wrong, reason="asked")
            clinic.services.erasure.patient(clinic.admin, known.patient.id, new)
    assert dumped(clinic) == before
    clinic.services.holds.set(clinic.admin, known.patient.id, NewHold(reason="claim"))
    with pytest.raises(Conflict):
        clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED)
    clinic.services.holds.lift(clinic.admin, known.patient.id)
    typed = NewErasure(confirmation=f" {MRN.lower()} ", reason="order")
    assert clinic.services.erasure.patient(clinic.admin, known.patient.id, typed).is_finished


@on_both
def test_a_patient_in_the_trash_is_erased_too(clinic: House) -> None:
    known = leave_traces(clinic)
    clinic.services.trash.patient(clinic.admin, known.patient.id)
    assert clinic.services.erasure.patient(clinic.admin, str(known.patient.id), ASKED).is_finished
    assert_nothing_is_left(clinic, known)


@on_both
def test_files_in_use_are_written_anew_later(clinic: House) -> None:
    known = leave_traces(clinic)
    with clinic.clinic.database.read() as session:
        session.execute(sa.select(Patient.id)).all()  # type: ignore[call-overload]
        asked = NewErasure(confirmation=NAME, reason="over")
        assert not clinic.services.erasure.patient(clinic.admin, known.patient.id, asked).is_finished
        assert is_due(clinic)
    clinic.services.sweeps.run(system())
    assert_nothing_is_left(clinic, known)


def test_what_a_repair_has_set_aside_goes_too(clinic: House, tmp_path: Path) -> None:
    known = leave_traces(clinic)
    copy = tmp_path / "copy"
    copy.write_bytes(noise(1))
    sha256 = hashlib.sha256(copy.read_bytes()).hexdigest()
    for patient in (known.patient, known.other):
        key = f"quarantine/images/{patient.id}/{patient.id}/{patient.id}.jpg"
        clinic.clinic.store.put(key, copy, content_type="image/jpeg", sha256=sha256)
    clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED)
    assert [each for each in clinic.stored_keys() if each.startswith("quarantine/")] == [key]


def test_the_clinic_that_is_opened_again_has_forgotten_too(open_clinic: Opens) -> None:
    clinic = open_clinic()
    known = leave_traces(clinic)
    clinic.services.erasure.patient(clinic.admin, known.patient.id, ASKED)
    clinic.clinic.close()
    assert found_below(clinic.folder, known.pieces) == {}
    with open_house(clinic.folder) as again:
        assert_the_other_is_whole(again, known)
        assert again.services.audit.verify(system()).holds
