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
LOOKED_AT = 1_000
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
    a list along it that is too long to be sorted. ``within`` are conditions on the first key: SQLite goes
    by the first condition on it that it reads, which shall be that on the place in the list.
    """

    keys: Sequence[Any]
    newest_first: bool = False
    index: str = ""
    within: Sequence[sa.ColumnElement[bool]] = ()


@dataclass(frozen=True)
class Sieve:
    """Rows in the order of a list that shows only some of them, and must look at each to know.

    The total counts among the first 1,000 of them. When ``stops``, a page looks at no more than 10,000
    either: it may be short, or empty, and its cursor still leads on. When fewer than ``enough`` of the
    first 1,000 are shown, the database has a better way to find them, and all are counted; ``shown``
    asks the same of each row in words for which it does not take that way.
    """

    rows: SelectOfScalar[Any]
    stops: bool = False
    enough: int = 0
    shown: SelectOfScalar[Any] | None = None


def page_of(
    work: Work,
    wanted: SelectOfScalar[Row],
    order: Order,
    turn: Turn,
    record_of: Callable[[Sequence[Row]], Sequence[Record]],
    *,
    exact: bool = True,
    long: bool = False,
    sieve: Sieve | None = None,
) -> Page[Record]:
    """Return one page of ``wanted``; across patients (``exact=False``) the total stops at 10,000.

    What is known to be ``long`` beyond that is not counted, and what goes through a ``sieve`` not to its end.
    """
    last = None if sieve is None or long else _last(work, sieve.rows, order, LOOKED_AT)
    shown = wanted if last is None or sieve is None or sieve.shown is None else sieve.shown
    total = COUNTED_UP_TO + 1 if long else _count(work, shown, order, exact, last)
    if sieve is not None and last is not None and total < sieve.enough:
        sieve = last = None
        total = _count(work, wanted, order, exact, None)
    if order.index and total > COUNTED_UP_TO:
        wanted = wanted.with_hint(order.keys[-1].class_, f"INDEXED BY {order.index}", "sqlite")
    after = _values(turn.cursor, order.keys) if turn.cursor else None
    skipped = 0 if after else (turn.page - 1) * turn.page_size
    end = None
    if sieve is not None and sieve.stops:
        end = _last(work, _between(sieve.rows, order, after), order, COUNTED_UP_TO)
    asked = _between(wanted, order, after, end).where(*order.within).order_by(*_directed(order))
    found = list(work.session.exec(asked.offset(skipped).limit(turn.page_size + 1)))
    if after is None:
        total = max(total, skipped + len(found)) if found else total
    more, rows = len(found) > turn.page_size, found[: turn.page_size]
    goes_on = rows[-1] if more else end
    return Page(
        items=tuple(record_of(rows)),
        total=total if exact else min(total, COUNTED_UP_TO),
        page=turn.page,
        page_size=turn.page_size,
        next_cursor=None if goes_on is None else _cursor(goes_on, order.keys),
        total_is_exact=exact or (last is None and total <= COUNTED_UP_TO),
    )


def _count(work: Work, wanted: SelectOfScalar[Any], order: Order, exact: bool, last: Any) -> int:
    """Return how many rows there are: all, or as many as lists count, down to the ``last`` looked at."""
    one: sa.ColumnElement[int] = sa.literal_column("1")
    each = (
        _between(wanted, order, None, last)
        .where(*order.within)
        .with_only_columns(one.label("one"), maintain_column_froms=True)
    )
    counted = each if exact else each.limit(COUNTED_UP_TO + 1)
    return work.session.exec(select(func.count()).select_from(counted.subquery())).one()


def _last(work: Work, rows: SelectOfScalar[Any], order: Order, most: int) -> Any:
    """Return the keys of the last of so many rows; None when there are no more than those."""
    keys = rows.where(*order.within).with_only_columns(*order.keys, maintain_column_froms=True)
    found = work.session.execute(keys.order_by(*_directed(order)).offset(most - 1).limit(2)).all()
    return found[0] if len(found) > 1 else None


def _between(
    wanted: SelectOfScalar[Row], order: Order, after: Sequence[Any] | None, last: Any = None
) -> SelectOfScalar[Row]:
    """Return what follows the keys ``after``, and does not follow the row ``last``."""
    row = sa.tuple_(*order.keys)
    if after is not None:
        place = sa.tuple_(*after)
        wanted = wanted.where(row < place if order.newest_first else row > place)
    if last is not None:
        place = sa.tuple_(*(sa.bindparam(None, getattr(last, key.key), type_=key.type) for key in order.keys))
        wanted = wanted.where(row >= place if order.newest_first else row <= place)
    return wanted


def _directed(order: Order) -> list[Any]:
    return [key.desc() if order.newest_first else key.asc() for key in order.keys]


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
