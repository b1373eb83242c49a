"""Writing the database's files anew, so that nothing of what was deleted is left in unused places.

``secure_delete`` overwrites what SQLite frees, but not the copies that pages leave behind when they are
divided or joined; PostgreSQL overwrites nothing. Only files that are written anew hold live rows alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from imgcore.db import words
from imgcore.db.engine import BUSY_SECONDS, Database, translated
from imgcore.errors import DatabaseUnavailable, StorageFull

# Every table in which something stands that people typed; the audit holds ids only.
_TABLES = (
    "patient", "visit", "batch", "image", "analysis", "change", "care_team", "user", "access_token",
    "image_set", "image_set_item", "share", "job", "idempotency",
)  # fmt: skip
_LOCK_SECONDS = 3  # whoever waits for a table behind us waits no longer than this


def rewrite(database: Database, since: datetime) -> bool:
    """Write the files anew; False when somebody else is in the way, and nothing is lost by trying later.

    Copies that were made before an upgrade go too. ``since`` is when the rows were deleted: a transaction
    that is older could still see them.
    """
    try:
        if not database.on_sqlite:
            return _on_postgresql(database, since)
        for copy in copies(database):
            copy.unlink(missing_ok=True)
        return _on_sqlite(database)
    except (DatabaseUnavailable, StorageFull):
        return False


def copies(database: Database) -> list[Path]:
    """Return the copies that upgrades have put beside the SQLite file."""
    file = Path(database.engine.url.database or "")
    return sorted(file.parent.glob(f"{file.name}.before-*"))


def _on_sqlite(database: Database) -> bool:
    with _bare(database) as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}")
        try:
            cursor.execute(words.SETTLE)
            cursor.execute("VACUUM")
            busy, *_frames = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return not busy  # else somebody still reads what was there before


@contextlib.contextmanager
def _bare(database: Database) -> Iterator[Any]:
    """Open a cursor of the driver, outside of any transaction."""
    with translated():
        connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        yield cursor
        cursor.close()
    finally:
        connection.close()


def _on_postgresql(database: Database, since: datetime) -> bool:
    with translated(), database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        older = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND xact_start < :since"
        )
        if connection.execute(older, {"since": since}).scalar_one():
            return False
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        try:
            for table in _TABLES:
                connection.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table}"')
            # The planner's statistics hold values of columns; without the right to it this is only a warning.
            connection.exec_driver_sql("VACUUM FULL pg_statistic")
        finally:
            connection.invalidate()  # its lock_timeout is not for others
    return True
