"""The database's shape over time: made when empty, brought up to date, or refused with a reason."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from imgcore.db import words
from imgcore.db.engine import Database, translated
from imgcore.db.journal import Event
from imgcore.domain import failpoints
from imgcore.domain.failpoints import FailPoint
from imgcore.errors import ConfigError
from imgcore.texts import _

MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = Event.metadata
_LOCK = 7_446_301  # any number, the same in every process: one upgrade at a time on PostgreSQL


def revisions() -> list[str]:
    """Return the names of all migrations, oldest first; their files are numbered."""
    return sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current(database: Database) -> str | None:
    """Return the migration that the database stands at, or None when it is empty."""
    with translated(), database.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        row = connection.execute(sa.text("SELECT version_num FROM alembic_version")).first()
        return None if row is None else str(row[0])


def ready(database: Database) -> None:
    """Bring the database to the shape this program needs, or refuse with ``ConfigError``.

    Empty: made. Older: upgraded on SQLite after a copy, refused with the command on
    PostgreSQL, where other programs may be at work. Newer: refused.
    """
    known = revisions()
    at = current(database)
    if at == known[-1]:
        return
    if at is not None and at not in known:
        raise ConfigError(
            _("The database was written by a newer version of Imgcore."),
            hint=_("Start the newer version; this one would not understand the data."),
        )
    if at is not None and not database.on_sqlite:
        raise ConfigError(
            _("The database is from an older version of Imgcore."),
            hint=_("Make a backup, then run: python -m imgcore db upgrade"),
        )
    upgrade(database)


def require(url: str) -> None:
    """Raise ``ConfigError`` where ``ready`` would make a database or upgrade one: for who only reads."""
    file = url.partition(":///")[2].partition("?")[0] if url.startswith("sqlite") else None
    at = None
    if file is None or Path(file).is_file():
        with contextlib.closing(Database(url)) as database:
            at = current(database)
    if at is None:
        raise ConfigError(
            _("There is no clinic here yet."),
            hint=_("Set IMGCORE_DATA_DIR to the data folder of your clinic."),
        )
    if file is not None and at in revisions()[:-1]:  # ``ready`` leaves PostgreSQL as it is, and says so
        raise ConfigError(
            _("The database is from an older version of Imgcore."),
            hint=_("Start this version of the server once: it brings the database up to date."),
        )


def upgrade(database: Database, target: str = "head") -> Path | None:
    """Run the missing migrations in one transaction; return the copy that was made first, if any.

    What already has the wanted shape is left alone.
    """
    at = current(database)
    if at == (revisions()[-1] if target == "head" else target):
        return None
    copy = _copy(database, at) if at is not None and database.on_sqlite else None
    failpoints.reach(FailPoint.MIGRATION_COPIED)
    with translated(), database.engine.connect() as connection:
        connection = connection.execution_options(imgcore_write=True)
        with connection.begin():
            if not database.on_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _migrate(connection, target)
            failpoints.reach(FailPoint.MIGRATION_WRITTEN)
    return copy


def _copy(database: Database, at: str) -> Path | None:
    file = database.engine.url.database
    if not file or file == ":memory:":
        return None
    source = Path(file)
    copy = source.with_name(f"{source.name}.before-{revisions()[-1]}-from-{at}")
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    copy.chmod(0o600)
    return copy


def _migrate(connection: sa.Connection, target: str) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))

    def steps(revision: Any, _context: object) -> Sequence[Any]:
        return list(scripts._upgrade_revs(target, revision))

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
        environment.run_migrations()


def differences(database: Database) -> list[Any]:
    """Return what the tables in code have and the database lacks, or the other way round."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": _is_compared}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, METADATA))


def _is_compared(name: str | None, _kind: str, _parents: object) -> bool:
    """Tell what stands in the tables in code: neither the index of words, nor the tables of the queue."""
    return words.TABLE not in (name or "") and not (name or "").startswith("huey_")
