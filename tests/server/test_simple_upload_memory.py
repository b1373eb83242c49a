"""The simple upload gives back the memory of what it has stored, on a server that goes on running."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from imgcore.domain.records import Batch
from tests.browser.desks import SLOW, Desk, open_desk
from tests.browser.photos import tiny

pytestmark = pytest.mark.xdist_group("simple-upload-memory")

COUNT = 16
FEW = 4
SIZE = 9 * 1024 * 1024
UPLOAD = 120_000
HELD = re.compile(r'^cache_memory_bytes\{cache_type="UploadedFileManager",cache=""\} (\d+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic of this module's own."""
    with open_desk(tmp_path_factory.mktemp("clinic")) as desk:
        yield desk


def photographs(folder: Path, first: int, count: int = COUNT) -> list[Path]:
    """Write photographs of 9 MB, each different."""
    paths = [folder / f"photo-{number}.png" for number in range(first, first + count)]
    for number, path in enumerate(paths, first):
        path.write_bytes(tiny(number).ljust(SIZE, b"\0"))
    return paths


def held(desk: Desk) -> int:
    """Return the bytes that Streamlit holds for its uploaders."""
    with desk.visits.client(desk.token) as client:
        answer = client.get("/_stcore/metrics", params={"families": "cache_memory_bytes"})
    assert answer.raise_for_status().text.endswith("# EOF\n")
    found = HELD.search(answer.text)
    return int(found[1]) if found else 0


def wait_until_held(page: Page, desk: Desk, count: int) -> None:
    """Wait until this many photographs are held: Streamlit counts every few seconds."""
    for _turn in range(60):
        if held(desk) == count * SIZE:
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{held(desk)} bytes are held, not {count * SIZE}")


def choose(page: Page, paths: list[Path]) -> None:
    """Choose files for the widget, and wait until it has sent them."""
    box = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    box.set_input_files(paths)
    expect(page.get_by_role("button", name=f"Store {len(paths)} images")).to_be_visible(timeout=UPLOAD)


def open_uploader(page: Page, desk: Desk, batch: Batch) -> None:
    """Open a batch, and the widget in it."""
    desk.open(page, batch)
    page.get_by_text("Simple upload").click()
    page.get_by_test_id("stFileUploader").wait_for(timeout=SLOW)


def test_nothing_is_held_once_the_files_are_stored(page: Page, desk: Desk, tmp_path: Path) -> None:
    batch = desk.batch(desk.patient(mrn="9000"))
    open_uploader(page, desk, batch)
    server = psutil.Process(desk.visits.server.pid)
    sizes = [server.memory_info().rss]
    for first in (1, COUNT + 1):
        choose(page, photographs(tmp_path, first))
        wait_until_held(page, desk, COUNT)
        sizes.append(server.memory_info().rss)
        page.get_by_role("button", name=f"Store {COUNT} images").click()
        expect(page.get_by_text(f"photo-{first + COUNT - 1}.png: stored")).to_be_visible(timeout=UPLOAD)
        wait_until_held(page, desk, 0)
        sizes.append(server.memory_info().rss)
    # The C library would keep more than that to itself; what is let go of is not gone at the very moment.
    deadline = time.monotonic() + 30
    while sizes[-1] - sizes[0] >= COUNT * SIZE and time.monotonic() < deadline:
        page.wait_for_timeout(1000)
        sizes.append(server.memory_info().rss)
    print("resident MB:", [size >> 20 for size in sizes])
    assert sizes[-1] - sizes[0] < COUNT * SIZE
    assert len(desk.images(batch)) == 2 * COUNT


def test_what_was_chosen_and_left_behind_is_given_back(page: Page, desk: Desk, tmp_path: Path) -> None:
    patient = desk.patient(mrn="9001")
    batch = desk.batch(patient)
    desk.batch(patient, name="The other", taken_on="2025-11-05")
    open_uploader(page, desk, batch)
    choose(page, photographs(tmp_path, 100, FEW))
    wait_until_held(page, desk, FEW)
    page.locator('[class*="st-key-name-"]').get_by_role("button", name="The other").click()
    expect(page.get_by_role("heading", name="The other")).to_be_visible(timeout=SLOW)
    wait_until_held(page, desk, 0)
    expect(page.get_by_role("button", name=f"Store {FEW} images")).to_have_count(0)
