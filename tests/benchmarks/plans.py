"""What a database is asked, and how it goes about it: statements caught as they pass, and their plans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from imgcore.db.engine import Database


@dataclass(frozen=True)
class Asked:
    """One statement with its values, as the driver got it."""

    statement: str
    values: Any

    @property
    def has_plan(self) -> bool:
        """Whether the database can tell how it goes about it."""
        return self.statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH"))


@contextmanager
def caught(database: Database) -> Iterator[list[Asked]]:
    """Collect what the database is asked meanwhile."""
    asked: list[Asked] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        asked.append(Asked(statement, values))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def plan(database: Database, asked: Asked, *, measured: bool = False) -> str:
    """Return how the database goes about a statement; ``measured`` runs it on PostgreSQL, for its times."""
    how = "EXPLAIN QUERY PLAN " if database.on_sqlite else f"EXPLAIN {'(ANALYZE, BUFFERS) ' * measured}"
    with database.engine.connect() as connection, connection.begin() as transaction:
        rows = connection.exec_driver_sql(how + asked.statement, asked.values).all()
        transaction.rollback()
    return "\n".join(str(row[-1]) for row in rows)
