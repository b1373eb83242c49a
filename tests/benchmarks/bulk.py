"""The same category for many images beside raw SQL: ``python -m tests.benchmarks.bulk``.

Raw SQL is what the driver takes to read what stood there, to change it by one statement, and to write
one undo entry and one audit line that hold the same; all in one transaction, as the product does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Change, Event
from imgcore.db.tables import Image
from imgcore.domain.values import ImageFields
from tests.benchmarks import large_clinics, lists
from tests.benchmarks.large_clinics import Size
from tests.benchmarks.lists import Desk
from tests.benchmarks.processes import load

IMAGES = 10_000
ROUNDS = 7
PROMISED = 1.5
CATEGORIES = ("casts", "posterior")


def chosen(count: int) -> list[UUID]:
    """Return images that are neither in the trash nor unfinished."""
    per_trash = [n for n in range(count * 2) if n % 200 not in (7, 8)]
    return [UUID(large_clinics.image_id(n)) for n in per_trash[:count]]


def product(desk: Desk, ids: Sequence[UUID], category: str) -> UUID:
    """Change them by the product's own service."""
    found, change_id = desk.services.images.edit_many(desk.actor, ids, ImageFields(category=category))
    if found != len(ids) or change_id is None:
        raise AssertionError(f"{found} of {len(ids)} images were changed")
    return change_id


def raw(desk: Desk, ids: Sequence[UUID], category: str) -> None:
    """Change them by bare statements of the driver."""
    on_sqlite = desk.clinic.database.on_sqlite
    mark = "?" if on_sqlite else "%s"
    keys: list[Any] = [each.hex for each in ids] if on_sqlite else list(ids)
    inside = f"id IN ({', '.join([mark] * len(keys))})" if on_sqlite else f"id = ANY({mark})"
    values = keys if on_sqlite else [keys]
    at = datetime.now(UTC)
    connection = desk.clinic.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        if on_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(f"SELECT id, batch_id, category FROM image WHERE {inside} AND state = 'ready'", values)
        before = [
            {
                "table": "image",
                "id": str(row[0]),
                "before": {"category": row[2]},
                "after": {"category": category},
            }
            for row in cursor.fetchall()
        ]
        update = (
            f"UPDATE image SET category = {mark}, version = version + 1, updated_at = {mark} WHERE {inside}"
        )
        cursor.execute(update, [category, str(at), *values])
        for table, columns, row in (_change(at, before), _event(at, before)):
            marks = ", ".join([mark] * len(columns))
            cursor.execute(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({marks})', row)
        connection.commit()
    finally:
        connection.close()


def _change(at: datetime, before: Sequence[Any]) -> tuple[str, tuple[str, ...], list[Any]]:
    columns = ("id", "at", "action", "rows", "reason", "expires_at")
    return "change", columns, [uuid4().hex, str(at), "image.edit", json.dumps(before), "", str(at)]


def _event(at: datetime, before: Sequence[Any]) -> tuple[str, tuple[str, ...], list[Any]]:
    ids = json.dumps([each["id"] for each in before])
    columns = (
        "at", "action", "outcome", "entity", "entity_ids", "field_names", "count", "address", "request_id",
    )  # fmt: skip
    return "event", columns, [str(at), "image.edit", "done", "image", ids, "[]", len(before), "", ""]


def check(desk: Desk, ids: Sequence[UUID], change_id: UUID, category: str) -> None:
    """Raise unless every image has the category, with one undo entry, and an audit line for each patient."""
    with desk.clinic.database.read() as session:
        wanted = sa.select(sa.func.count()).where(col(Image.id).in_(ids), col(Image.category) == category)
        changed = session.execute(wanted).scalar_one()
        change = session.get_one(Change, change_id)
        lines = session.exec(select(Event).where(Event.at == change.at)).all()
    named = [each for line in lines for each in line.entity_ids]
    if not (changed == len(ids) == len(change.rows) == len(set(named)) == len(named)):
        raise AssertionError(
            f"{changed} changed, {len(change.rows)} in the undo entry, {len(named)} in the audit"
        )


def measure(desk: Desk, count: int, rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of the product and of raw SQL, taken in turns."""
    ids = chosen(count)
    taken: dict[Callable[..., Any], list[float]] = {product: [], raw: []}
    raw(desk, ids, CATEGORIES[True])
    for _turn in range(rounds + 1):
        for way, times in taken.items():
            category = CATEGORIES[way is raw]
            began = time.perf_counter()
            change_id = way(desk, ids, category)
            times.append((time.perf_counter() - began) * 1000)
            if way is product:
                check(desk, ids, change_id, category)
    return median(taken[product][1:]), median(taken[raw][1:])


def main() -> None:
    """Print median milliseconds of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        folder = given.keep or Path(name)
        print(f"median milliseconds of {given.rounds} rounds in turns; {load()}")
        for kind in given.kinds:
            print(f"{kind:10} {run(kind, folder, given.images, given.rounds)}", flush=True)


def run(kind: str, folder: Path, images: int, rounds: int) -> str:
    """Measure in a clinic of twice as many images; return what was found in a sentence."""
    with ExitStack() as stack:
        (url,) = stack.enter_context(lists.urls(kind, folder, ["bulk"]))
        desk = stack.enter_context(lists.opened(url, Size(images * 2), folder / f"bulk-{kind}", "clinic"))
        ours, bare = measure(desk, images, rounds)
    return f"{images:,} categories in {ours:.0f} ms, raw SQL {bare:.0f} ms: {ours / bare:.2f} x"


if __name__ == "__main__":
    main()
