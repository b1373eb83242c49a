"""The dashboard at a million images beside ten thousand: ``python -m tests.benchmarks.dashboard``.

Every figure as the page asks for it, counted anew each time, for all days, for the last year and for one
patient; and the whole page. The promise is the first figure within a second: from then on the page is read.
``--keep FOLDER`` keeps the clinics that were made for the next run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

import sqlalchemy as sa

from imgcore.db.engine import Database
from imgcore.db.tables import Analysis
from imgcore.domain.statistics import Asked, Figure
from tests.benchmarks import large_clinics, lists
from tests.benchmarks.large_clinics import IMAGES_A_PATIENT, Load, Row, Size
from tests.benchmarks.lists import LARGE, SMALL, Desk
from tests.benchmarks.processes import load

ROUNDS = 5
PROMISED = 1.0  # seconds until the first figure
EVERY = 4  # of these images one has two results
RESULT = (
    "id", "patient_id", "image_id", "analyser", "analyser_version", "input_sha256", "predictions",
    "risk_level", "created_at", "updated_at",
)  # fmt: skip


def add_results(database: Database, size: Size) -> None:
    """Give every fourth image its capture quality, and what a model says of it; once."""
    with database.read() as session:
        if session.execute(sa.select(Analysis.id).limit(1)).first() is not None:  # type: ignore[call-overload]
            return
    rows = Load("analysis", RESULT, _results(size))
    if database.on_sqlite:
        large_clinics._into_sqlite(str(database.engine.url.database), [rows])
    else:
        large_clinics._into_postgresql(database.engine.url, [rows])


def _results(size: Size) -> Iterator[Row]:
    last = large_clinics.today()
    for n in range(0, size.images, EVERY):
        at = f"{last - timedelta(minutes=n * 2_600_000 // size.images):%Y-%m-%d %H:%M:%S}.000000"
        patient, image = large_clinics.patient_id(n // IMAGES_A_PATIENT), large_clinics.image_id(n)
        scores = json.dumps({"sharpness": n % 97 / 97, "exposure": n % 89 / 89, "resolution": n % 7 / 7})
        yield (f"a{n:031x}", patient, image, "capture-quality", "1", "0" * 64, scores, None, at, at)
        said, risk = json.dumps({"ulcer": n % 3 / 3, "callus": 0.5}), ("low", "moderate", "high")[n % 3]
        yield (f"b{n:031x}", patient, image, "skin", str(1 + n % 2), "0" * 64, said, risk, at, at)


def pages(desk: Desk) -> dict[str, Asked]:
    """Return what the page is asked for."""
    return {
        "all days": Asked(zone="Europe/Berlin"),
        "a year": Asked(zone="Europe/Berlin", from_on=(large_clinics.today() - timedelta(days=365)).date()),
        "a patient": Asked(str(UUID(large_clinics.patient_id(7))), zone="Europe/Berlin"),
    }


def seconds(desk: Desk, figure: Figure, asked: Asked) -> float:
    """Return how long a figure takes that nobody has counted in this minute.

    SQLite counts in this process, so its time is the processor's; PostgreSQL's is that of the clock.
    """
    clock = time.process_time if desk.clinic.database.on_sqlite else time.perf_counter
    statistics = desk.services.statistics
    statistics._counted.clear()
    began = clock()
    statistics.table(desk.actor, figure, asked)
    return clock() - began


def measure(kind: str, access: str, desks: Sequence[Desk], rounds: int) -> None:
    """Print what each figure takes in each clinic, and the sum of all, in turns."""
    for name in pages(desks[0]):
        sums = [0.0 for _desk in desks]
        for figure in Figure:
            taken: list[list[float]] = [[] for _desk in desks]
            for _round in range(rounds + 1):
                for desk, times in zip(desks, taken, strict=True):
                    times.append(seconds(desk, figure, pages(desk)[name]))
            medians = [median(times[1:]) for times in taken]
            sums = [total + each for total, each in zip(sums, medians, strict=True)]
            mark = "  <--" if figure is Figure.GROWTH and medians[-1] > PROMISED else ""
            _print(kind, access, name, figure, medians, mark)
        _print(kind, access, name, "the whole page", sums)


def _print(kind: str, access: str, page: str, what: str, times: Sequence[float], mark: str = "") -> None:
    shown = "".join(f"{each * 1000:10.1f}" for each in times)
    print(f"{kind:10} {access:9} {page:9} {what:15}{shown} {times[-1] / times[0]:8.2f}{mark}", flush=True)


def main() -> None:
    """Print median milliseconds in both sizes, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--images", type=int, default=LARGE)
    parser.add_argument("--access", nargs="*", default=["clinic", "care_team"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    sizes = (SMALL, given.images)
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        folder = given.keep or Path(name)
        print(f"median milliseconds of {given.rounds} rounds in turns; {load()}", flush=True)
        for kind in given.kinds:
            with lists.urls(kind, folder, [f"clinic_{size}" for size in sizes]) as places:
                for access in given.access:
                    with ExitStack() as stack:
                        desks = [
                            stack.enter_context(lists.opened(url, Size(size), folder / str(size), access))
                            for url, size in zip(places, sizes, strict=True)
                        ]
                        for desk in desks:
                            add_results(desk.clinic.database, desk.size)
                        measure(kind, access, desks, given.rounds)


if __name__ == "__main__":
    main()
