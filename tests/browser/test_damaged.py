"""A damaged picture is marked wherever somebody looks at it: in the grid, in the viewer, in the table."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from imgcore.domain.access import system
from imgcore.domain.records import Batch
from tests.browser.desks import SLOW, Desk, allow_filmstrip, settle, tile
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("damaged")

TEXT = "This file is damaged"


@pytest.fixture(scope="module")
def batch(desk: Desk) -> Batch:
    """Three images, the second of which a check found damaged."""
    batch = desk.batch(desk.patient(), images=3)
    path = desk.visits.server.folder / "data" / "objects" / str(desk.images(batch)[1]["key"])
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    desk.visits.clinic.services.checks.run(system())
    return batch


def test_a_damaged_picture_is_marked_wherever_it_is_shown(
    page: Page, desk: Desk, batch: Batch, watch: Watch
) -> None:
    allow_filmstrip(watch)
    desk.open(page, batch)
    the_grid_says_it(page)
    the_viewer_says_it_too(page)
    the_table_names_it(page)


def the_grid_says_it(page: Page) -> None:
    expect(tile(page, 2).get_by_text(TEXT)).to_be_visible(timeout=SLOW)
    expect(tile(page, 2).locator("img")).to_have_attribute("alt", f"image 2: Other, {TEXT}")
    for number in (1, 3):
        expect(tile(page, number).get_by_text(TEXT)).to_be_hidden()
    shot(page, "damaged-grid")


def the_viewer_says_it_too(page: Page) -> None:
    tile(page, 2).locator(".picture").click()
    mark = page.locator(".viewer header").get_by_text(TEXT)
    expect(mark).to_be_visible(timeout=SLOW)
    shot(page, "damaged-viewer")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".viewer .place")).to_have_text("1 of 3", timeout=SLOW)
    expect(page.locator(".viewer .facts")).to_contain_text("×", timeout=SLOW)
    expect(mark).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_have_count(0, timeout=SLOW)


def the_table_names_it(page: Page) -> None:
    settle(page)
    page.get_by_text("Table", exact=True).click()
    cells = page.get_by_test_id("stDataFrame").locator("td").filter(has_text="Damaged: ")
    expect(cells).to_have_count(1, timeout=SLOW)
