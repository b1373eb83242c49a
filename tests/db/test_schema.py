from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.errors import ConfigError, DatabaseUnavailable
from tests.db.both import on_both
from tests.db.conftest import Opens
from tests.servers.imgcore_server import ROOT

HEAD = schema.revisions()[-1]
NEXT = f'''
"""A migration of a later version."""

import os

import sqlalchemy as sa
from alembic import op

revision = "9000_next"
down_revision = "{HEAD}"


def upgrade() -> None:
    op.add_column("patient", sa.Column("shoe_size", sa.Integer(), nullable=True))
    op.create_table("shoe", sa.Column("id", sa.Integer(), primary_key=True))
    if os.environ.get("TEST_BREAKS") == "raise":
        raise KeyError("the migration is broken")
    if os.environ.get("TEST_BREAKS") == "exit":
        os._exit(86)
'''
UPGRADE = """
import sys
from pathlib import Path
from imgcore.db import schema
from imgcore.db.engine import Database
schema.MIGRATIONS = Path(sys.argv[2])
schema.upgrade(Database(sys.argv[1]))
"""


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of a later version."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9000_next.py").write_text(NEXT)
    return folder


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def columns(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return {column["name"] for column in sa.inspect(connection).get_columns("patient")}


@on_both
def test_an_empty_database_is_made_as_the_code_says(url: str, open_database: Opens) -> None:
    database = open_database(url)
    assert schema.current(database) is None
    schema.ready(database)
    assert schema.current(database) == schema.revisions()[-1]
    assert schema.differences(database) == []
    schema.ready(database)


@on_both
def test_differences_are_noticed(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE patient ADD COLUMN shoe_size INTEGER"))
        connection.execute(sa.text("DROP INDEX ix_image_sha256"))
    assert {found[0] for found in schema.differences(database)} == {"remove_column", "add_index"}


@on_both
def test_two_servers_that_start_at_once_make_one_database(url: str, open_database: Opens) -> None:
    databases = [open_database(url) for _ in range(3)]
    threads = [threading.Thread(target=schema.ready, args=(each,)) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert schema.differences(databases[0]) == []


@on_both
def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0999_later'"))
    with pytest.raises(ConfigError) as caught:
        schema.ready(database)
    assert "newer" in caught.value.message
    assert schema.current(database) == "0999_later"


def test_an_older_file_is_copied_and_upgraded(
    database: Database, later: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_database: Opens
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    schema.ready(database)
    assert (schema.current(database), "shoe_size" in columns(database)) == ("9000_next", True)
    assert schema.upgrade(database) is schema.upgrade(database, "9000_next") is None
    (copy,) = tmp_path.glob("imgcore.sqlite3.before-*")
    assert copy.stat().st_mode & 0o777 == 0o600
    old = open_database(f"sqlite:///{copy}")
    assert (schema.current(old), "shoe_size" in columns(old)) == (HEAD, False)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_an_older_server_is_upgraded_by_command_only(
    database: Database, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with pytest.raises(ConfigError) as caught:
        schema.ready(database)
    assert "db upgrade" in caught.value.hint
    assert schema.current(database) == HEAD
    assert schema.upgrade(database) is None
    assert (schema.current(database), "shoe_size" in columns(database)) == ("9000_next", True)
    schema.ready(database)


@on_both
def test_an_upgrade_that_fails_leaves_the_old_shape(
    database: Database, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setenv("TEST_BREAKS", "raise")
    before = tables(database), columns(database)
    with pytest.raises(KeyError):
        schema.upgrade(database)
    assert (tables(database), columns(database)) == before
    assert schema.current(database) == HEAD
    monkeypatch.delenv("TEST_BREAKS")
    schema.upgrade(database)
    assert schema.current(database) == "9000_next"


@on_both
def test_an_upgrade_cut_off_leaves_the_old_shape(
    url: str, database: Database, later: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = tables(database), columns(database)
    monkeypatch.setenv("TEST_BREAKS", "exit")
    command = [sys.executable, "-c", UPGRADE, url, str(later)]
    assert subprocess.run(command, check=False, cwd=ROOT, timeout=60).returncode == 86
    assert (tables(database), columns(database)) == before
    assert schema.current(database) == HEAD
    assert len(list(tmp_path.glob("imgcore.sqlite3.before-*"))) == (1 if database.on_sqlite else 0)


def test_a_database_out_of_reach_is_told(open_database: Opens, tmp_path: Path) -> None:
    away = open_database(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        schema.ready(away)


@on_both
def test_the_index_of_unfinished_images_holds_those_alone(database: Database) -> None:
    """The tables say so for SQLite only; a million finished images must not stand in it on PostgreSQL."""
    with database.engine.connect() as connection:
        query = (
            "SELECT sql FROM sqlite_master WHERE name = 'ix_image_unfinished'"
            if database.on_sqlite
            else "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_image_unfinished'"
        )
        definition = str(connection.execute(sa.text(query)).scalar_one())
    assert "<> 'ready'" in definition
