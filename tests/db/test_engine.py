from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event as Signal

import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgcore.db import engine
from imgcore.db.engine import Database
from imgcore.db.journal import Setting
from imgcore.errors import ConfigError, Conflict, DatabaseUnavailable, ImgcoreError, Invalid, StorageFull
from tests.db.both import on_both
from tests.db.conftest import Opens
from tests.faults.proxy import Proxy
from tests.servers.postgres import Postgres

NOW = datetime(2025, 11, 6, 14, 2, 30, 123456, UTC)


def put(database: Database, name: str, value: object = 1) -> None:
    with database.write() as session:
        session.add(Setting(name=name, value=value, updated_at=NOW))


def names(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.exec(select(Setting.name)))


@on_both
def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    put(database, "kept")
    with pytest.raises(KeyError), database.write() as session:
        session.add(Setting(name="lost", value=1, updated_at=NOW))
        session.flush()
        raise KeyError
    with pytest.raises(Conflict), database.write() as session:
        session.add(Setting(name="lost", value=1, updated_at=NOW))
        session.flush()
        session.add(Setting(name="kept", value=1, updated_at=NOW))
    assert names(database) == ["kept"]


@on_both
def test_reading_changes_nothing(database: Database) -> None:
    put(database, "kept")
    with pytest.raises(DatabaseUnavailable), database.read() as session:
        session.add(Setting(name="lost", value=1, updated_at=NOW))
        session.flush()
    put(database, "later")
    assert names(database) == ["kept", "later"]


@on_both
def test_a_reader_sees_one_moment(database: Database) -> None:
    put(database, "first")
    with database.read() as session:
        before = list(session.exec(select(Setting.name)))
        put(database, "second")
        assert list(session.exec(select(Setting.name))) == before
    assert names(database) == ["first", "second"]


@on_both
def test_moments_come_back_as_they_went_in(database: Database) -> None:
    east = timezone(timedelta(hours=11))
    with database.write() as session:
        session.add(Setting(name="s", value=None, updated_at=NOW.astimezone(east)))
    with database.read() as session:
        found = session.exec(select(Setting.updated_at)).one()
        assert found == NOW
        assert found.utcoffset() == timedelta(0)
        assert session.exec(select(Setting.name).where(Setting.updated_at == NOW.astimezone(east))).one()
    with pytest.raises(sa.exc.StatementError), database.write() as session:
        session.add(Setting(name="naive", value=None, updated_at=NOW.replace(tzinfo=None)))


@on_both
def test_what_no_column_holds_is_the_senders_fault(database: Database) -> None:
    for wrong in ("\ud800", "a\0b"):
        try:
            with database.read() as session:
                assert session.exec(select(Setting).where(Setting.name == wrong)).first() is None
        except ImgcoreError as error:
            assert isinstance(error, Invalid)
    with pytest.raises(Invalid), database.read() as session:
        session.execute(sa.text("SELECT name FROM setting LIMIT :many"), {"many": 10**30})


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Another connection is in the middle of a write that does not end."""
    started, ended = Signal(), Signal()

    def hold() -> None:
        with database.write() as session:
            session.execute(sa.text("UPDATE setting SET value = '2'"))
            started.set()
            ended.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert started.wait(30)
    try:
        yield
    finally:
        ended.set()
        thread.join()


@on_both
def test_a_write_waits_for_another_and_gives_up_in_time(
    url: str, database: Database, open_database: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, "s")
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    impatient = open_database(url)
    with held(database):
        assert names(impatient) == ["s"]
        with pytest.raises(DatabaseUnavailable) as caught:
            impatient.check()
    assert "busy" in caught.value.message
    impatient.check()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_writers_of_one_process_wait_in_turn_and_hold_nothing_meanwhile(database: Database) -> None:
    database.check()
    with held(database):
        waiting = [threading.Thread(target=put, args=(database, str(number))) for number in range(20)]
        for each in waiting:
            each.start()
        for each in waiting:
            each.join(0.01)
        assert database.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    for each in waiting:
        each.join(30)
    assert len(names(database)) == 20


@on_both
def test_a_write_goes_on_when_the_other_has_ended(database: Database) -> None:
    put(database, "s")
    with held(database):
        waiting = threading.Thread(target=put, args=(database, "after"))
        waiting.start()
    waiting.join(30)
    assert names(database) == ["after", "s"]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_two_who_wait_for_each_other_are_told_to_try_again(database: Database) -> None:
    for name in "ab":
        put(database, name)
    met = threading.Barrier(2)

    def cross(first: str, second: str) -> str:
        try:
            with database.write() as session:
                for name in (first, second):
                    session.execute(
                        sa.text("UPDATE setting SET value = '2' WHERE name = :name"), {"name": name}
                    )
                    if name == first:
                        met.wait(30)
        except ImgcoreError as error:
            return error.code
        return "done"

    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(cross("a", "b")))
    other.start()
    found.append(cross("b", "a"))
    other.join(30)
    assert sorted(found) == [DatabaseUnavailable.code, "done"]


def test_sqlite_keeps_what_it_said_it_keeps(database: Database) -> None:
    with database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_full_disk_is_told(database: Database) -> None:
    put(database, "s")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(StorageFull), engine.translated():
            connection.execute(sa.text("CREATE TABLE more (text TEXT)"))
    assert names(database) == ["s"]


def test_a_database_that_is_read_only_is_told_and_read(
    url: str, database: Database, open_database: Opens
) -> None:
    put(database, "s")
    database.close()
    reader = open_database(url)
    sa.event.listen(reader.engine, "connect", lambda each, _record: each.execute("PRAGMA query_only=ON"))
    assert names(reader) == ["s"]
    with pytest.raises(DatabaseUnavailable):
        put(reader, "t")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_server_that_was_restarted_is_found_again(url: str, database: Database) -> None:
    put(database, "s")
    with database.read() as session:
        session.execute(sa.text("SELECT 1"))
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        killer = sa.create_engine(url, poolclass=sa.NullPool)
        with killer.connect() as connection:
            connection.execute(sa.text(f"{others} AND pid <> pg_backend_pid()"))
        with pytest.raises(DatabaseUnavailable), engine.translated():
            session.execute(sa.text("SELECT 1"))
        session.invalidate()
    assert names(database) == ["s"]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_connections_that_broke_while_nobody_used_them_are_opened_anew(
    url: str, database: Database, postgres: Postgres, open_database: Opens
) -> None:
    put(database, "r")
    name = url.partition("@/")[2].partition("?")[0]
    with Proxy(postgres.folder / ".s.PGSQL.5432") as proxy:
        through = open_database(
            f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
        )
        assert names(through) == ["r"]
        proxy.drop()
        assert names(through) == ["r"]
        proxy.drop()
        put(through, "s")
        with proxy.doing("refuse"), pytest.raises(DatabaseUnavailable):
            put(through, "t")
        assert names(through) == ["r", "s"]


def test_a_server_out_of_reach_is_told(open_database: Opens, tmp_path: Path) -> None:
    away = open_database(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        away.check()


@pytest.mark.parametrize(
    "wrong",
    [
        "no address",
        "mysql://somebody@somewhere/there",
        "postgresql://somebody@somewhere/there",
        "postgresql+psycopg://somewhere:port/there",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/imgcore.sqlite3",
    ],
)
def test_an_address_that_cannot_be_names_the_setting_and_not_itself(wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Database(wrong)
    assert "IMGCORE_DATABASE_URL" in caught.value.message
    assert "some" not in caught.value.message


def test_only_its_owner_reads_a_new_file(database: Database, tmp_path: Path) -> None:
    put(database, "s")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("imgcore.sqlite3*")}
    assert set(modes.values()) == {0o600}
    assert "imgcore.sqlite3-wal" in modes


def test_a_file_that_is_no_database_is_told(open_database: Opens, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"this is no database, however long it is" * 50)
    broken = open_database(f"sqlite:///{tmp_path / 'text'}")
    with pytest.raises((ImgcoreError, sa.exc.DatabaseError, sqlite3.DatabaseError)):
        broken.check()
