"""The database is made when empty, brought up to date, or refused; never left in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.db.journal import Event
from imgcore.errors import ConfigError, Conflict, DatabaseUnavailable


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    made = Database(url)
    yield made
    made.close()


def test_an_empty_database_gets_the_shape_that_the_tables_have(database: Database) -> None:
    assert schema.current(database) is None

    schema.ready(database)

    assert schema.current(database) == schema.revisions()[-1]
    assert schema.differences(database) == []


def test_starting_again_changes_nothing(database: Database) -> None:
    schema.ready(database)
    with database.write() as session:
        session.add(Event(at=datetime.now(UTC), action="sign_in"))

    schema.ready(database)

    with database.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM event")).scalar_one() == 1


def test_a_newer_database_is_refused(database: Database) -> None:
    schema.ready(database)
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999_later'"))

    with pytest.raises(ConfigError, match="newer version"):
        schema.ready(database)


@pytest.mark.parametrize("broken", ["add_batch", "add_setting"])
def test_an_upgrade_that_is_cut_off_leaves_the_old_shape(
    database: Database, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgcore.db.migrations import first_clinic, first_journal

    module = first_clinic if hasattr(first_clinic, broken) else first_journal

    def cut() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, broken, cut)
        with pytest.raises(KeyboardInterrupt):
            schema.ready(database)
    assert schema.current(database) is None
    assert sa.inspect(database.engine).get_table_names() == []

    schema.ready(database)
    assert schema.differences(database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM event",
        "UPDATE event SET action = 'nothing'",
        "UPDATE event SET actor_id = NULL, outcome = 'refused'",
        "UPDATE event SET seal = 2 WHERE seal = 1",
    ],
)
def test_an_audit_line_can_be_neither_removed_nor_changed(database: Database, statement: str) -> None:
    schema.ready(database)
    with database.write() as session:
        session.add(Event(at=datetime.now(UTC), action="sign_in"))
    with database.write() as session:
        session.execute(sa.text("UPDATE event SET seal = 1, chain = 'abc'"))

    with pytest.raises((Conflict, sa.exc.DBAPIError)), database.write() as session:
        session.execute(sa.text(statement))

    with database.read() as session:
        rows = session.execute(sa.text("SELECT action, outcome, seal FROM event")).all()
    assert [tuple(row) for row in rows] == [("sign_in", "done", 1)]


def test_an_audit_line_can_be_sealed_once(database: Database) -> None:
    schema.ready(database)
    with database.write() as session:
        session.add(Event(at=datetime.now(UTC), action="sign_in"))

    with database.write() as session:
        session.execute(sa.text("UPDATE event SET seal = 7, chain = 'abc' WHERE seal IS NULL"))

    with database.read() as session:
        assert session.execute(sa.text("SELECT seal, chain FROM event")).one() == (7, "abc")


def test_a_database_that_is_away_is_said_to_be_away(tmp_path: Path) -> None:
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:9/none")

    with pytest.raises(DatabaseUnavailable):
        gone.check()

    gone.close()


def test_a_url_of_another_database_is_refused() -> None:
    with pytest.raises(ConfigError, match="not supported"):
        Database("mysql://somewhere/else")
    with pytest.raises(ConfigError, match="not a database URL"):
        Database("no url at all")


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    schema.ready(database)

    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.add(Event(at=datetime.now(UTC), action="sign_in"))
        session.flush()
        raise ZeroDivisionError

    with database.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM event")).scalar_one() == 0
