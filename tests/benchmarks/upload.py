"""Uploading a day's photographs in Chromium: ``python -m tests.benchmarks.upload`` (about two minutes).

200 photographs of 12 megapixels go through the upload component, beside the bare work on the same
files. ``--many`` drops 2,000 small files at once and counts what arrived. Needs 2 GB in the temporary
folder.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from imgcore.domain.records import Batch
from tests.benchmarks.grid import SCRIPT
from tests.benchmarks.imaging import as_jpeg, photograph
from tests.benchmarks.processes import MEGABYTE, load, peak_of
from tests.browser.desks import Desk, choose_files, open_desk
from tests.browser.photos import tiny
from tests.servers.browser import open_browser

PHOTOS, SCENES, PHOTO_BYTES = 200, 4, 3_500_000
MEGAPIXELS_12 = (4000, 3000)
MANY = 2_000
PATIENCE = 220_000
DROP = """async (zone, files) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
  }
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def make_photos(folder: Path) -> list[Path]:
    """Write the photographs: four scenes near 3.5 MB, told apart by a comment in each file."""
    scenes = [_near(photograph(MEGAPIXELS_12, seed)) for seed in range(SCENES)]
    photos = []
    for number in range(PHOTOS):
        scene, comment = scenes[number % SCENES], f"{number:04}".encode()
        photos.append(folder / f"DSC_{number:04}.jpg")
        photos[-1].write_bytes(_commented(scene, comment))
    return photos


def _near(picture: Image.Image) -> bytes:
    """Return the picture as the JPEG whose size is nearest to that of a camera's."""
    found = [as_jpeg(picture, quality) for quality in range(74, 94)]
    return min(found, key=lambda content: abs(len(content) - PHOTO_BYTES))


def _commented(content: bytes, comment: bytes) -> bytes:
    """Put a comment in front of the JPEG's first table, where nobody looks for the camera's block."""
    at = content.index(b"\xff\xdb")
    return content[:at] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + content[at:]


def bare(photo: Path, folder: Path) -> None:
    """Do what cannot be spared for a file: hash it, decode it at 1/8, bring a copy to the disk."""
    content = photo.read_bytes()
    hashlib.sha256(content).digest()
    image = Image.open(photo, formats=("JPEG",))
    image.draft(None, (image.width // 8, image.height // 8))
    image.load()
    with (folder / photo.name).open("wb") as copy:
        copy.write(content)
        copy.flush()
        os.fsync(copy.fileno())


def bare_seconds(photos: list[Path], folder: Path) -> float:
    """Return what the bare work takes for all files on two cores."""
    folder.mkdir()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(bare, folder=folder), photos[:2]))
        began = time.perf_counter()
        list(pool.map(partial(bare, folder=folder), photos))
        return time.perf_counter() - began


@contextmanager
def open_batch(folder: Path) -> Iterator[tuple[Desk, Batch, Page]]:
    """Open an empty batch of a new clinic in the browser."""
    with open_desk(folder) as desk, open_browser() as browser:
        batch = desk.batch(desk.patient())
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.add_init_script(path=SCRIPT)
        desk.open(page, batch)
        yield desk, batch, page


def send(page: Page, count: int) -> tuple[float, float]:
    """Press the button once it is there; return the seconds to that moment, and to the last answer."""
    began = time.perf_counter()
    button = page.get_by_role("button", name=f"Upload {count} images")
    button.wait_for(timeout=PATIENCE)
    checked = time.perf_counter()
    button.click()
    expect(page.locator(".actions .said")).to_have_text(f"{count} stored", timeout=PATIENCE)
    return checked - began, time.perf_counter() - checked


def photographs(folder: Path) -> None:
    """Print what 200 photographs of a camera take."""
    (folder / "photos").mkdir()
    photos = make_photos(folder / "photos")
    weight = sum(photo.stat().st_size for photo in photos) / MEGABYTE
    alone = bare_seconds(photos, folder / "bare")
    with open_batch(folder / "clinic") as (desk, batch, page):
        with peak_of(desk.visits.server.pid) as peak:
            began = time.perf_counter()
            choose_files(page, *photos)
            _checked, sent = send(page, PHOTOS)
            stored = time.perf_counter() - began
            page.wait_for_function("() => window.benchmark.find('.field .tile').length > 0")
            page.locator(".field .tile").first.scroll_into_view_if_needed()
            page.wait_for_function("() => window.benchmark.drawn()")
            total = time.perf_counter() - began
        _count(desk, batch, PHOTOS)
    rows = (
        ("bare hash, 1/8 decode and durable copy, two processes", alone, "s"),
        ("chosen, checked, sent, answered", stored, "s"),
        ("  of this, from the button to the last answer", sent, "s"),
        ("until the grid shows the first screen of thumbnails", total, "s   under 20"),
        ("memory of the server with its workers at most", peak.resident / MEGABYTE, "MB  under 400"),
    )
    print(f"{PHOTOS} photographs of 12 megapixels, {weight / PHOTOS:.2f} MB each; {load()}")
    for title, figure, unit in rows:
        print(f"{title:54} {figure:7.1f} {unit}")


def many(folder: Path) -> None:
    """Print what became of 2,000 small files that were dropped at once."""
    files = [(f"small-{number:04}.png", b64encode(tiny(number)).decode()) for number in range(MANY)]
    with open_batch(folder / "clinic") as (desk, batch, page):
        with peak_of(desk.visits.server.pid) as peak:
            page.locator(".zone").evaluate(DROP, files)
            checked, sent = send(page, MANY)
        arrived = _count(desk, batch, MANY)
    print(f"{MANY:,} files in one drop: {arrived:,} arrived, {MANY - arrived} lost; {load()}")
    print(f"checked in {checked:.1f} s, sent in {sent:.1f} s: {MANY / sent:.0f} files a second")
    print(f"memory of the server with its workers at most {peak.resident / MEGABYTE:.0f} MB")


def _count(desk: Desk, batch: Batch, expected: int) -> int:
    """Return how many of the files are listed, each under its own name and with its thumbnail."""
    images = desk.images(batch)
    names = {image["original_name"] for image in images if image["urls"]["thumbnail"]}
    if len(names) != expected or len(images) != expected:
        print(f"NOT ALL ARRIVED: {len(images)} images, {len(names)} names")
    return len(names)


def main() -> None:
    """Print the figures of what was asked for."""
    with tempfile.TemporaryDirectory() as name:
        (many if sys.argv[1:] == ["--many"] else photographs)(Path(name))


if __name__ == "__main__":
    main()
