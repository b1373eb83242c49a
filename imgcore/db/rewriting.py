"""Writing the database's files anew, so that nothing of what was deleted is left in unused places.

``secure_delete`` overwrites what SQLite frees, but not the copies that pages leave behind when they are
divided or joined; PostgreSQL overwrites nothing. Only files that are written anew hold live rows alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
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
_OLDER = sa.text(
    "SELECT pg_snapshot_xmin(pg_current_snapshot()) <= CAST(:last AS xid8) OR EXISTS ("
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND age(backend_xmin) >= age(CAST(:last AS xid8)::xid))"
)
_LOCK_SECONDS = 3  # whoever waits for a table behind us waits no longer than this


def rewrite(database: Database) -> bool:
    """Write the files anew; False when somebody else is in the way, and nothing is lost by trying later.

    Copies that were made before an upgrade go too.
    """
    try:
        if not database.on_sqlite:
            return _on_postgresql(database)
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


def _on_postgresql(database: Database) -> bool:
    with translated(), database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not _older_are_over(connection):
            return False
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        try:
            for table in _TABLES:
                connection.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table}"')
            # The planner's statistics hold values of columns, and the old ones were deleted just now.
            is_clean = _older_are_over(connection)
            # Without the right to it this is only a warning.
            connection.exec_driver_sql("VACUUM FULL pg_statistic")
        finally:
            connection.invalidate()  # its lock_timeout is not for others
    return is_clean


def _older_are_over(connection: sa.Connection) -> bool:
    """Wait a moment for the transactions that have begun before: what they still see stays in the files.

    A transaction that writes in another database of the server counts too: every later one, also that
    which writes the files anew, goes by the oldest of them.
    """
    last = connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one()
    for _attempt in range(_LOCK_SECONDS * 10):
        if not connection.execute(_OLDER, {"last": last}).scalar_one():
            return True
        time.sleep(0.1)
    return False
