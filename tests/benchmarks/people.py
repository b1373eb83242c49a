"""What people cost: ``python -m tests.benchmarks.people`` (two minutes).

One server, with open tabs that draw the screen of a batch, read its list and its thumbnails, and
upload photographs of 12 megapixels. Processor seconds are those of the server and of the processes that it
started, so other work on the machine counts little. From them follows, on paper, what so many
people at once need.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import psutil

from imgcore.domain.access import system
from imgcore.domain.records import Batch
from imgcore.domain.values import NewBatch, NewPatient
from tests.benchmarks.imaging import as_jpeg, photograph
from tests.benchmarks.processes import MEGABYTE, load, resident
from tests.browser.photos import tiny
from tests.server.visits import WITH_ADMIN, Tab, Visits, beside
from tests.servers.imgcore_server import ImgcoreServer

TABS, DRAWINGS, LISTS, PHOTOS = 20, 5, 100, 20
IMAGES = 60
MEGAPIXELS_12 = (4000, 3000)
# What one person at work does in a minute, on an average over all who are signed in.
EACH_MINUTE = {"drawing": 6.0, "list": 2.0, "thumbnail": 60.0, "photo": 1.0}
BUSY = 0.6  # how much of the processors is planned for; the rest is for the moments when many come at once
PEOPLE = (5, 100, 2_000)


@dataclass(frozen=True)
class Costs:
    """Processor seconds for one of each, and bytes of an idle server and of an open tab."""

    seconds: dict[str, float]
    idle: int
    tab: int

    @property
    def each(self) -> float:
        """Return the part of a processor that one person at work needs."""
        return sum(self.seconds[name] * often for name, often in EACH_MINUTE.items()) / 60


def main() -> None:
    """Measure, and print both tables."""
    with tempfile.TemporaryDirectory(prefix="people") as place:
        costs = measure(Path(place))
    print(f"\n{load()}\n")
    print("| one | processor ms |\n|---|---|")
    for name, seconds in costs.seconds.items():
        print(f"| {name} | {seconds * 1000:.1f} |")
    print(
        f"\nserver without tabs {costs.idle / MEGABYTE:.0f} MB, each open tab {costs.tab / MEGABYTE:.1f} MB"
    )
    print(f"one person at work: {costs.each * 100:.1f} % of a processor\n")
    print("| people at once | processors | memory |\n|---|---|---|")
    for people in PEOPLE:
        processors = max(1, math.ceil(people * costs.each / BUSY))
        memory = processors * costs.idle + people * costs.tab
        print(f"| {people:,} | {processors} | {memory / 1e9:.1f} GB |")


def measure(place: Path) -> Costs:
    """Run a server and count what each thing takes."""
    with ExitStack() as stack:
        server = stack.enter_context(ImgcoreServer(place, "serve", WITH_ADMIN))
        visits = stack.enter_context(beside(server))
        batch = filled(visits)
        client = stack.enter_context(visits.client(visits.session()))
        thumbnails = [each["urls"]["thumbnail"] for each in listed(client, batch)]
        with visits.open_tab(visits.session()) as first:
            draw(first, batch)  # what is loaded once, is loaded
        idle = resident(server.pid)
        tabs = [stack.enter_context(visits.open_tab(visits.session())) for _ in range(TABS)]
        for tab in tabs:
            draw(tab, batch)
        each_tab = max(0, resident(server.pid) - idle) // TABS
        works: dict[str, tuple[int, Callable[[int], object]]] = {
            "drawing": (TABS * DRAWINGS, lambda number: draw(tabs[number % TABS], batch)),
            "list": (LISTS, lambda _number: listed(client, batch)),
            "thumbnail": (IMAGES, lambda number: client.get(thumbnails[number]).raise_for_status()),
            "photo": (PHOTOS, lambda number: upload(client, batch, number)),
        }
        seconds = {name: spent(server, count, work) / count for name, (count, work) in works.items()}
    return Costs(seconds, idle, each_tab)


def filled(visits: Visits) -> Batch:
    """Make a batch of small images."""
    services = visits.clinic.services
    patient = services.patients.create(system(), NewPatient(name="Mary Kowalski"))
    batch = services.batches.create(system(), patient.id, NewBatch(taken_on=date(2025, 11, 6)))
    with visits.client(visits.session()) as client:
        files = [("images", (f"{number}.png", tiny(number))) for number in range(IMAGES)]
        client.post(f"/api/images/batches/{batch.id}/upload/", files=files).raise_for_status()
    return batch


def draw(tab: Tab, batch: Batch) -> None:
    """Draw the screen of a batch from its beginning to its end."""
    tab.draw(f"patient={batch.patient_id}&batch={batch.id}")


def listed(client: httpx2.Client, batch: Batch) -> list[dict[str, Any]]:
    """Read the list that a grid reads."""
    query: dict[str, str | int] = {"batch_id": str(batch.id), "page_size": 100}
    answer = client.get("/api/images/", params=query).raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def upload(client: httpx2.Client, batch: Batch, number: int) -> None:
    """Store a photograph that is stored nowhere else."""
    files = {"images": (f"photo-{number}.jpg", photo(number))}
    client.post(f"/api/images/batches/{batch.id}/upload/", files=files).raise_for_status()


def photo(number: int) -> bytes:
    """Return a photograph with a number of its own behind its end."""
    return _photo() + number.to_bytes(4)


@cache
def _photo() -> bytes:
    return as_jpeg(photograph(MEGAPIXELS_12), 90)


def spent(server: ImgcoreServer, count: int, work: Callable[[int], object]) -> float:
    """Return the processor seconds that a server, with what it started, takes for so many."""
    before = _processor_seconds(server.pid)
    for number in range(count):
        work(number)
    return _processor_seconds(server.pid) - before


def _processor_seconds(pid: int) -> float:
    server = psutil.Process(pid)
    times = [each.cpu_times() for each in (server, *server.children(recursive=True))]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


if __name__ == "__main__":
    main()
