"""A clinic of 10,000 images is brought up to date from every release, and stays whole when cut off."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from imgcore.db import schema
from imgcore.db.engine import Database
from tests.benchmarks import large_clinics
from tests.benchmarks.large_clinics import Size
from tests.db.both import on_both
from tests.db.conftest import Opens
from tests.servers.imgcore_server import ROOT

SIZE = Size(10_000)
RELEASED = ("0001_first",)
CUT_OFF = """
import os, sys
import sqlalchemy as sa
from imgcore.db import schema
from imgcore.db.engine import Database

database, left = Database(sys.argv[1]), int(sys.argv[2])

@sa.event.listens_for(database.engine, "before_cursor_execute")
def count(_connection, _cursor, statement, *_):
    global left
    left -= statement.startswith(("CREATE", "ALTER", "DROP", "INSERT"))
    if left < 0:
        os._exit(86)

schema.upgrade(database)
"""
Contents = dict[str, tuple[int, str]]


def columns(database: Database) -> dict[str, list[str]]:
    """Return the columns of each table, those of the bookkeeping left out."""
    with database.engine.connect() as connection:
        inspector = sa.inspect(connection)
        apart = ("image_words", "alembic")
        names = [each for each in inspector.get_table_names() if not each.startswith(apart)]
        return {name: [column["name"] for column in inspector.get_columns(name)] for name in names}


def contents(database: Database, wanted: Mapping[str, list[str]]) -> Contents:
    """Return how many rows each table has, and a hash over the columns named."""
    found = {}
    with database.engine.connect() as connection:
        for name, listed in wanted.items():
            table = sa.table(name, *map(sa.column, listed))
            key = [table.c.image_id] if name == "rendition" else list(table.c)[:1]
            rows = connection.execute(sa.select(table).order_by(*key)).all()
            found[name] = (len(rows), hashlib.sha256(repr(sorted(map(str, rows))).encode()).hexdigest())
    return found


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, url: str, open_database: Opens) -> Database:
    """A clinic as that release left it."""
    large_clinics.make(url, SIZE)
    database = open_database(url)
    if schema.current(database) != request.param:
        schema.upgrade(database, request.param)
    return database


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("imgcore.sqlite3.before-*"))


@on_both
def test_an_upgrade_keeps_every_row(released: Database, open_database: Opens, tmp_path: Path) -> None:
    before, at = columns(released), schema.current(released)
    kept = contents(released, before)
    assert kept["image"][0] == kept["rendition"][0] == SIZE.images
    for copy in copies(tmp_path):
        copy.unlink()
    schema.upgrade(released)
    assert schema.differences(released) == []
    assert schema.current(released) == schema.revisions()[-1]
    assert contents(released, before) == kept
    if released.on_sqlite:
        (copy,) = copies(tmp_path)
        old = open_database(f"sqlite:///{copy}")
        assert (schema.current(old), contents(old, before)) == (at, kept)
        with released.engine.connect() as connection:
            named = "SELECT count(*) FROM image_words WHERE image_words MATCH 'ruc'"
            assert connection.exec_driver_sql(named).scalar_one() == SIZE.images // 2_000


@on_both
@pytest.mark.parametrize("statements", [3, 18])
def test_an_upgrade_cut_off_half_way_leaves_everything_as_it_was(
    released: Database, url: str, tmp_path: Path, statements: int
) -> None:
    before, at = columns(released), schema.current(released)
    kept = contents(released, before)
    released.close()
    command = [sys.executable, "-c", CUT_OFF, url, str(statements)]
    assert subprocess.run(command, check=False, cwd=ROOT, timeout=120).returncode == 86
    assert (schema.current(released), columns(released), contents(released, before)) == (at, before, kept)
    assert bool(copies(tmp_path)) == released.on_sqlite
    schema.upgrade(released)
    assert (schema.differences(released), contents(released, before)) == ([], kept)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_an_account_that_may_not_add_pg_trgm_is_told_how_and_goes_on(
    released: Database, url: str, open_database: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    with released.engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        for statement in (
            f"CREATE ROLE {name} LOGIN",
            f"REVOKE CREATE ON DATABASE {name} FROM PUBLIC",
            f"GRANT ALL ON SCHEMA public TO {name}",
            *(f'ALTER TABLE "{table}" OWNER TO {name}' for table in sa.inspect(connection).get_table_names()),
        ):
            connection.exec_driver_sql(statement)
    poor = open_database(url.replace("postgres@", f"{name}@"))
    schema.upgrade(poor)
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm" in caplog.text
    assert (schema.current(poor), schema.differences(poor)) == (schema.revisions()[-1], [])
    with released.engine.begin() as connection:
        for statement in ("REASSIGN OWNED BY {} TO postgres", "DROP OWNED BY {}", "DROP ROLE {}"):
            connection.exec_driver_sql(statement.format(name))
