"""Lists in pages: by number as far as people turn, by cursor beyond."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import func, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.domain.records import Page
from imgcore.errors import Invalid
from imgcore.services.edits import plain, typed
from imgcore.services.work import Work
from imgcore.texts import _

LARGEST_PAGE = 100
COUNTED_UP_TO = 10_000
_LONGEST_CURSOR = 8_000
Row = TypeVar("Row")
Record = TypeVar("Record")


@dataclass(frozen=True)
class Turn:
    """Which part of a list is asked for: a page from 1, or what follows a cursor."""

    page: int = 1
    page_size: int = 50
    cursor: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no list has."""
        if self.page < 1 or not 1 <= self.page_size <= LARGEST_PAGE:
            raise Invalid(
                _("A page is counted from 1 and holds at most {most} rows.").format(most=LARGEST_PAGE)
            )
        if self.cursor is None and self.page * self.page_size > COUNTED_UP_TO:
            raise Invalid(_("Pages this deep are reached by the cursor only."))


@dataclass(frozen=True)
class Order:
    """Columns that order a list, the last one unique; all in one direction.

    ``index`` holds this order: SQLite, which does not know how many rows there are, is told to read
    a list along it that is too long to be sorted.
    """

    keys: Sequence[Any]
    newest_first: bool = False
    index: str = ""


def page_of(
    work: Work,
    wanted: SelectOfScalar[Row],
    order: Order,
    turn: Turn,
    record_of: Callable[[Sequence[Row]], Sequence[Record]],
    *,
    exact: bool = True,
    long: bool = False,
) -> Page[Record]:
    """Return one page of ``wanted``; across patients (``exact=False``) the total stops at 10,000.

    What is known to be ``long`` beyond that is not counted.
    """
    one: sa.ColumnElement[int] = sa.literal_column("1")
    each = wanted.with_only_columns(one.label("one"), maintain_column_froms=True)
    counted = each if exact else each.limit(COUNTED_UP_TO + 1)
    counting = select(func.count()).select_from(counted.subquery())
    total = COUNTED_UP_TO + 1 if long else work.session.exec(counting).one()
    directed = [key.desc() if order.newest_first else key.asc() for key in order.keys]
    if order.index and total > COUNTED_UP_TO:
        wanted = wanted.with_hint(order.keys[-1].class_, f"INDEXED BY {order.index}", "sqlite")
    ordered = wanted.order_by(*directed).limit(turn.page_size + 1)
    if turn.cursor:
        after = _values(turn.cursor, order.keys)
        row = sa.tuple_(*order.keys)
        ordered = ordered.where(row < sa.tuple_(*after) if order.newest_first else row > sa.tuple_(*after))
    else:
        ordered = ordered.offset((turn.page - 1) * turn.page_size)
    rows = list(work.session.exec(ordered))
    more, rows = len(rows) > turn.page_size, rows[: turn.page_size]
    return Page(
        items=tuple(record_of(rows)),
        total=min(total, COUNTED_UP_TO) if not exact else total,
        page=turn.page,
        page_size=turn.page_size,
        next_cursor=_cursor(rows[-1], order.keys) if more else None,
        total_is_exact=exact or total <= COUNTED_UP_TO,
    )


def _cursor(row: Any, keys: Sequence[Any]) -> str:
    values = [plain(getattr(row, key.key)) for key in keys]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _values(cursor: str, keys: Sequence[Any]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor[:_LONGEST_CURSOR] + "=" * (-len(cursor) % 4)))
        return [_bound(value, key.type) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError, RecursionError):
        raise Invalid(_("This cursor is not one that Imgcore gave.")) from None


def _bound(value: Any, kind: Any) -> Any:
    value = typed(kind, value)
    if value is None or (isinstance(value, datetime) and value.tzinfo is None):
        raise ValueError("no value that a list is ordered by")
    return sa.bindparam(None, value, type_=kind)
