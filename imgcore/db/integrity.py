"""What the database itself can say about whether its files are whole."""

from __future__ import annotations

from collections.abc import Iterator

from imgcore.db.engine import Database, translated

NAMED_AT_MOST = 100


def faults(database: Database, *, quick: bool = False) -> Iterator[str]:
    """Yield what SQLite finds wrong with its file and its references; PostgreSQL looks after its own."""
    if not database.on_sqlite:
        return
    with translated(), database.engine.connect() as connection:
        look = "quick_check" if quick else "integrity_check"
        for (text,) in connection.exec_driver_sql(f"PRAGMA {look}({NAMED_AT_MOST})"):
            if text != "ok":
                yield str(text)
        for table, row, parent, _number in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"{table} {row} -> {parent}"
