"""Rows as plain values that do not depend on the database, to be carried from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from imgcore.db.schema import METADATA
from imgcore.errors import Invalid
from imgcore.texts import _

T = TypeVar("T")
AT_ONCE = 500
# What belongs to one installation or to a moment and not to the clinic, and what is made again by itself:
# copies of pictures, and which images a line of the audit names.
STAYS = frozenset(
    {
        "event_image",
        "idempotency",
        "job",
        "one_time_link",
        "rendition",
        "session",
        "setting",
        "sign_in_try",
    }
)
_OF_IMAGES = frozenset({"analysis", "image_set_item", "impression"})


def tables() -> list[str]:
    """Return the names of the tables that are carried, each after those that it refers to."""
    return [table.name for table in METADATA.sorted_tables if table.name not in STAYS]


def rows(session: Session, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order of their keys, as plain values.

    Images whose bytes are not safe yet, or that are being removed, are left out with what hangs on them.
    """
    table = METADATA.tables[name]
    wanted = sa.select(*_columns(table)).order_by(*table.primary_key.columns)
    image = METADATA.tables["image"]
    if name == "image":
        wanted = wanted.where(image.c.state == "ready")
    elif name in _OF_IMAGES:
        ready = table.c.image_id.in_(sa.select(image.c.id).where(image.c.state == "ready"))
        wanted = wanted.where(sa.or_(table.c.image_id.is_(None), ready))
    for row in session.execute(wanted.execution_options(yield_per=AT_ONCE)).mappings():
        yield {key: _plain(value) for key, value in row.items()}


def load(session: Session, name: str, found: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows of plain values; those that are there already stay as they are."""
    table = METADATA.tables.get(name)
    if table is None or name in STAYS:
        raise Invalid(_("This copy holds a table that this version of Imgcore does not know."))
    kinds = {column.name: _impl(column.type) for column in _columns(table)}
    for lot in lots(found):
        names = list(lot[0])
        if not kinds.keys() >= set(names):
            raise Invalid(_("This copy holds a column that this version of Imgcore does not know."))
        values = [{key: _typed(row[key], kinds[key]) for key in names} for row in lot]
        # Only these columns: the table may have the shape of an older version, without some of today's.
        bare = sa.table(name, *(sa.column(each, table.columns[each].type) for each in names))
        session.execute(_insert(session, bare), values)


def count(session: Session, name: str) -> int:
    """Return how many rows a table has."""
    found = session.execute(sa.select(sa.func.count()).select_from(METADATA.tables[name]))
    return int(found.scalar_one())


def is_empty(session: Session) -> bool:
    """Tell whether nothing was ever kept here."""
    there = set(sa.inspect(session.connection()).get_table_names())
    return not any(
        session.execute(sa.select(sa.literal(1)).select_from(METADATA.tables[name]).limit(1)).first()
        for name in tables()
        if name in there
    )


def settle(session: Session) -> None:
    """Let the next row that the database numbers itself come after those that were loaded."""
    if session.get_bind().dialect.name != "postgresql":
        return  # SQLite looks at the rows
    session.execute(
        sa.text(
            "SELECT setval(pg_get_serial_sequence('event', 'id'), "
            "(SELECT coalesce(max(id), 1) FROM event), (SELECT count(*) > 0 FROM event))"
        )
    )


def lots(found: Iterable[T]) -> Iterator[list[T]]:
    """Yield what is found in lists that one statement can take."""
    each = iter(found)
    while lot := list(islice(each, AT_ONCE)):
        yield lot


def _columns(table: sa.Table) -> Sequence[sa.Column[Any]]:
    return [column for column in table.columns if column.computed is None]


def _insert(session: Session, table: sa.TableClause) -> sa.Insert:
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as into_sqlite

        return into_sqlite(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.postgresql import insert as into_postgresql

    return into_postgresql(table).on_conflict_do_nothing()


def _impl(kind: Any) -> Any:
    return kind.impl if isinstance(kind, TypeDecorator) else kind


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _typed(value: Any, kind: Any) -> Any:
    """Return a plain value as the column takes it."""
    try:
        if value is None:
            return None
        if isinstance(kind, sa.DateTime):
            return datetime.fromisoformat(value)
        if isinstance(kind, sa.Date):
            return date.fromisoformat(value)
        return UUID(value) if isinstance(kind, sa.Uuid) else value
    except (TypeError, ValueError):
        raise Invalid(_("This copy holds a value that does not belong in its column.")) from None
