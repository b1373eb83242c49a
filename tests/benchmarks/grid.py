"""The grid in Chromium, beside an empty page of the app: ``python -m tests.benchmarks.grid`` (three minutes).

Each opening is a page of its own in a browser that knows the app but not yet the batch's pictures;
"warm" is a batch that this browser has shown before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from imgcore.domain.records import Batch
from tests.benchmarks.large_batches import copies, seed
from tests.benchmarks.processes import load
from tests.browser.desks import Desk, open_desk
from tests.servers.browser import open_browser

SIZES = (50, 1_000, 5_000)
WARM_SIZES = (200, 2_000)
PROMISES = {50: "", 1_000: "at most 1.5", 5_000: "at most 2"}
ROUNDS = 3
CODES = ("anterior", "r_anterior", "l_anterior", "posterior", "x_ray")
PATIENCE = 60_000
SCRIPT = Path(__file__).with_suffix(".js")
MEGABYTE = 1_000_000


@dataclass
class Traffic:
    """What a page asked for and got over the network, as Chromium counts it; cached answers weigh nothing."""

    requests: int = 0
    received: int = 0
    sent_frames: int = 0

    def watch(self, session: CDPSession) -> None:
        """Count from now on."""
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.loadingFinished", self._on_finished)
        session.on("Network.webSocketFrameReceived", self._on_frame)
        session.on("Network.webSocketFrameSent", self._on_sent)

    def _on_request(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self.requests += 1

    def _on_finished(self, event: dict[str, Any]) -> None:
        self.received += int(event["encodedDataLength"])

    def _on_frame(self, event: dict[str, Any]) -> None:
        # Chromium tells the bytes of a frame as base64, four characters for three.
        self.received += len(event["response"]["payloadData"]) * 3 // 4

    def _on_sent(self, _event: dict[str, Any]) -> None:
        self.sent_frames += 1


@dataclass(frozen=True)
class Opening:
    """One opening of a page: milliseconds until it could be seen, and its traffic."""

    seconds: float
    traffic: Traffic


class Visitor:
    """A browser profile that is signed in at a clinic."""

    def __init__(self, desk: Desk, browser: Browser) -> None:
        self.desk = desk
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(path=SCRIPT)

    @contextmanager
    def page(self, batch: Batch) -> Iterator[tuple[Page, Opening]]:
        """Open a batch, and wait until its first screen is drawn."""
        page = self.context.new_page()
        self.desk.sign_in(page)
        traffic = Traffic()
        traffic.watch(self.context.new_cdp_session(page))
        page.goto(self.desk.address(batch), wait_until="commit")
        wanted = "drawn" if batch.image_count else "empty"
        waited = page.wait_for_function(f"() => window.benchmark.{wanted}()").json_value()
        try:
            yield page, Opening(float(waited) / 1000, traffic)
        finally:
            page.close()

    def open(self, batch: Batch) -> Opening:
        """Open a batch, and close it again."""
        with self.page(batch) as (page, opening):
            page.wait_for_timeout(300)  # what is still on its way counts too
            return opening


def first_screens(desk: Desk, browser: Browser, empty: Batch, batches: dict[int, Batch]) -> None:
    """Print how long the first screen of thumbnails takes, each round in a fresh profile."""
    times: dict[int, list[float]] = {size: [] for size in (0, *batches)}
    for _round in range(ROUNDS):
        visitor = Visitor(desk, browser)
        visitor.open(empty)
        for size, batch in {0: empty, **batches}.items():
            times[size].append(visitor.open(batch).seconds)
        visitor.context.close()
    page = median(times[0])
    print(f"first screen, seconds (median of {ROUNDS} rounds in turns); {load()}")
    print(f"{'an empty batch':24} {page:6.2f}   best {min(times[0]):.2f}")
    for size in batches:
        ratio = f"{median(times[size]) / page:5.2f} x the empty page   {PROMISES[size]}"
        print(f"{size:>5,} images {median(times[size]):18.2f}   best {min(times[size]):.2f}   {ratio}")


def warm(desk: Desk, browser: Browser, empty: Batch, batches: dict[int, Batch]) -> None:
    """Print what showing a batch again takes beyond an empty page, and its traffic."""
    visitor = Visitor(desk, browser)
    for batch in (empty, *batches.values()):
        visitor.open(batch)
    for size, batch in batches.items():
        pairs = [(visitor.open(empty), visitor.open(batch)) for _round in range(ROUNDS)]
        beyond = median(ours.seconds - page.seconds for page, ours in pairs)
        page, ours = (opening.traffic for opening in pairs[-1])
        more = f"{ours.requests} requests, {ours.requests - page.requests} more than the empty page"
        weight = f"{ours.received / MEGABYTE:.2f} MB (under 2), {more}"
        print(f"warm grid of {size:,}: {beyond:.2f} s beyond the empty page (under 0.63), {weight}")
    visitor.context.close()


def category_changes(desk: Desk, browser: Browser, batch: Batch) -> None:
    """Print how long a category takes until the tile says that it is saved, and whether the page ran."""
    visitor = Visitor(desk, browser)
    with visitor.page(batch) as (page, opening):
        page.wait_for_timeout(1500)
        before = opening.traffic.sent_frames
        took = []
        for place, code in enumerate(CODES):
            took.append(
                float(page.evaluate("([place, code]) => benchmark.choose(place, code)", [place, code]))
            )
        runs = opening.traffic.sent_frames - before
    visitor.context.close()
    figures = f"median {median(took):.0f} ms, worst {max(took):.0f} ms (at most 300)"
    print(f"category saved: {figures}; words to the page meanwhile: {runs} (none)")


def memory(desk: Desk, browser: Browser, batch: Batch) -> None:
    """Print the memory of the tab before, while and after scrolling through all images."""
    visitor = Visitor(desk, browser)
    with visitor.page(batch) as (page, _opening):
        session = visitor.context.new_cdp_session(page)
        session.send("Performance.enable")
        before, most, tiles, screens = _heap(session), (0.0, 0), 0, 1
        while page.evaluate("() => benchmark.further()"):
            page.wait_for_function("() => benchmark.drawn()")
            screens += 1
            tiles = max(tiles, int(page.evaluate("() => benchmark.find('.field .tile').length")))
            most = max(most, _metrics(session))
        shown = [tile.get_attribute("aria-posinset") for tile in page.locator(".field .tile").all()]
        after = _heap(session)
    visitor.context.close()
    last = max(int(number or 0) for number in shown)
    print(f"scrolled through {last:,} images in {screens} screens; at most {tiles} tiles at once")
    for title, (heap, nodes) in (("before", before), ("most", most), ("after", after)):
        print(f"  {title:7} {heap:6.1f} MB of scripts' memory, {nodes:,} nodes")


def _heap(session: CDPSession) -> tuple[float, int]:
    """Return what is in use once the rubbish is out."""
    session.send("HeapProfiler.collectGarbage")
    return _metrics(session)


def _metrics(session: CDPSession) -> tuple[float, int]:
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"] / MEGABYTE, int(metrics["Nodes"])


def main() -> None:
    """Make the batches, and print every figure."""
    with tempfile.TemporaryDirectory() as name, open_desk(Path(name)) as desk, open_browser() as browser:
        seeds = seed(desk, desk.patient(mrn="1"))
        # Each batch has a patient of its own, so that the list of batches is the same for all.
        batches = {
            size: copies(desk, seeds, desk.patient(mrn=f"size-{size}"), size)
            for size in (*SIZES, *WARM_SIZES)
        }
        empty = desk.batch(desk.patient(mrn="size-0"))
        first_screens(desk, browser, empty, {size: batches[size] for size in SIZES})
        warm(desk, browser, empty, {size: batches[size] for size in WARM_SIZES})
        category_changes(desk, browser, batches[50])
        memory(desk, browser, batches[5_000])


if __name__ == "__main__":
    main()
