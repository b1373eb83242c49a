"""Lists and bulk changes in a clinic of many images on both databases: what they answer, and how quickly.

A wrong answer fails; a slow one is told.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.tables import Image
from imgcore.domain.records import Page
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.benchmarks import bulk, lists
from tests.benchmarks.large_clinics import RARE, Size
from tests.benchmarks.lists import Desk

IMAGES = 1_000_000
CHANGED = bulk.IMAGES
ROUNDS = 5
PAGES = 4
KINDS = ("sqlite", "postgresql")
NONE_OF_TWO = "2 letters, none"  # reads every text; docs/benchmarks.md says why
ASKED: dict[str, tuple[Filter, Any]] = {
    "all": (Filter(), sa.true()),
    "a category": (Filter(category="cmo"), col(Image.category) == "cmo"),
    "a place": (Filter(body_location="left heel"), col(Image.body_location) == "left heel"),
    "a rare word": (Filter(text=RARE), col(Image.caption) == RARE),
    "a frequent word": (Filter(text="ulcer"), col(Image.caption).contains("ulcer")),
}


def run(images: int) -> str:
    """Compare lists with bare queries, then measure them all beside a hundredth of the clinic."""
    facts = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="lists") as name:
            facts.append(f"{kind}: {_run(kind, Path(name), images)}")
    return "; ".join(facts)


def run_bulk(images: int) -> str:
    """Change the category of many images at once, and look for each of them."""
    facts = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="bulk") as name:
            facts.append(f"{kind}: {bulk.run(kind, Path(name), images, ROUNDS)}")
    return "; ".join(facts)


def _run(kind: str, folder: Path, images: int) -> str:
    sizes = (max(lists.SMALL // 2, images // 100), images)
    with ExitStack() as stack:
        places = stack.enter_context(lists.urls(kind, folder, [f"clinic_{size}" for size in sizes]))
        desks = [
            stack.enter_context(lists.opened(url, Size(size), folder / str(size), "clinic"))
            for url, size in zip(places, sizes, strict=True)
        ]
        seen = sum(_same(desks[-1], *asked) for asked in ASKED.values())
        cases = {name: case for name, case in lists.cases().items() if NONE_OF_TWO not in name}
        ratios = dict(_ratios(desks, cases))
    slow = [f"{name} {ratio:.1f}" for name, ratio in ratios.items() if ratio > lists.PROMISED]
    within = f"{len(ratios) - len(slow)} of {len(ratios)} lists within {lists.PROMISED:.0f} x"
    return f"{seen:,} images on right pages, {within}" + (f" (not: {', '.join(slow)})" if slow else "")


def _ratios(desks: list[Desk], cases: dict[str, Callable[..., Any]]) -> Iterator[tuple[str, float]]:
    for name, case in cases.items():
        times = lists.compare(desks, case, ROUNDS)
        if times:
            yield name, times[-1].time / times[0].time


def _same(desk: Desk, asked: Filter, condition: Any) -> int:
    """Turn some pages by the cursor, and compare them and the total with a bare query."""
    listed, cursor, total, is_exact = list[UUID](), None, 0, True
    for _page in range(PAGES):
        page: Page[Any] = desk.services.images.list(desk.actor, asked, Turn(page_size=100, cursor=cursor))
        listed += [image.id for image in page.items]
        cursor, total, is_exact = page.next_cursor, page.total, page.total_is_exact
        if cursor is None:
            break
    with desk.clinic.database.read() as session:
        kept = sa.and_(col(Image.state) == "ready", col(Image.trashed_at).is_(None), condition)
        newest = (col(Image.uploaded_at).desc(), col(Image.id).desc())
        wanted = sa.select(col(Image.id)).where(kept).order_by(*newest).limit(len(listed))
        count = session.execute(sa.select(sa.func.count()).where(kept)).scalar_one()
        if listed != list(session.execute(wanted).scalars()):
            raise AssertionError(f"{asked}: other images than a bare query finds")
        # Where very many match, the list says that there are at least so many.
        if total != count if is_exact else total > count:
            raise AssertionError(f"{asked}: {total} counted instead of {count}")
    return len(listed)
