"""Writes ``docs/database.md`` from the tables: ``python -m tests.structure.database_doc``."""

from __future__ import annotations

import inspect
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper

from imgcore.db import journal, tables

PATH = Path(__file__).parents[2] / "docs" / "database.md"
OPENING = """# The database

Every table and column, as the program makes them on SQLite and PostgreSQL (types are PostgreSQL's).
This page is written by `python -m tests.structure.database_doc`; a test fails when it is out of date.

Ids are UUIDs made by the program. Times are UTC; a name in `_at` is a moment, in `_on` a day. What lies
in the trash carries `trashed_at`, `trashed_by` and the `change_id` of the call that put it there. The
bytes of photographs are never in the database: `key` says where they lie in the store.
"""


def describe() -> str:
    """Return the whole page."""
    mappers = {
        mapper.local_table.name: mapper
        for mapper in tables.Table._sa_registry.mappers
        if isinstance(mapper.local_table, sa.Table)
    }
    parts = [_table(table, mappers[table.name]) for table in journal.Event.metadata.sorted_tables]
    return OPENING + "".join(parts)


def _table(table: sa.Table, mapper: Mapper[object]) -> str:
    text = inspect.cleandoc(mapper.class_.__doc__ or "")
    lines = [f"\n## {table.name}\n", f"\n{text}\n\n", "| column | type | empty | |\n|---|---|---|---|\n"]
    lines += [_column(column) for column in table.columns]
    indices = sorted(", ".join(each.name for each in index.columns) for index in table.indexes)
    if indices:
        lines.append("\nIndices: " + "; ".join(f"({each})" for each in indices) + ".\n")
    checks = sorted(str(c.sqltext) for c in table.constraints if isinstance(c, sa.CheckConstraint))
    if checks:
        lines.append("\nChecked: " + "; ".join(f"`{each}`" for each in checks) + ".\n")
    return "".join(lines)


def _column(column: sa.Column[object]) -> str:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    notes = ["key"] if column.primary_key else []
    notes += ["unique"] if column.unique else []
    notes += [f"-> {each.target_fullname}" for each in column.foreign_keys]
    empty = "yes" if column.nullable else ""
    return f"| {column.name} | {kind} | {empty} | {', '.join(notes)} |\n"


if __name__ == "__main__":
    PATH.write_text(describe(), encoding="utf-8")
