"""The table in the browser: captions typed one after the other are saved without losing one's place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from imgcore.domain.records import Batch
from tests.browser.desks import SLOW, Desk, settle
from tests.servers.browser import shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("table-view")

CAPTION = 330  # pixels from the left edge of the table
FIRST, ROW = 67, 60


@pytest.fixture(scope="module")
def batch(desk: Desk) -> Batch:
    """A batch of six images."""
    return desk.batch(desk.patient(), images=6)


def table(page: Page) -> Locator:
    """Return the editor."""
    return page.get_by_test_id("stDataFrame")


def written(page: Page, text: str) -> Locator:
    """Return the cell with this text, among those that the drawn table keeps for readers."""
    return table(page).locator("td").filter(has_text=text)


def open_table(page: Page, desk: Desk, batch: Batch) -> None:
    """Open a batch, choose its table, and wait until it is drawn."""
    desk.open(page, batch)
    page.get_by_text("Table", exact=True).click()
    expect(written(page, "PNG").first).to_be_attached(timeout=SLOW)
    expect(page).to_have_url(re.compile("view=table"))
    settle(page)


def cell(page: Page, row: int) -> None:
    """Click the caption of a row until the table says that it is chosen."""
    chosen = table(page).get_by_test_id(f"glide-cell-3-{row}").and_(page.locator('[aria-selected="true"]'))
    for _try in range(20):
        table(page).click(position={"x": CAPTION, "y": FIRST + row * ROW})
        page.wait_for_timeout(300)
        if chosen.count():
            return
    raise AssertionError(f"the caption of row {row} is not chosen")


def enter(page: Page, text: str) -> None:
    """Type into the chosen cell as quickly as people do, and go to the row below.

    The first letter opens the cell. On a machine that hardly answers, letters typed before it is open would
    be lost; nobody types so blindly.
    """
    cell_open = page.locator("#portal textarea")
    page.keyboard.press(text[0])
    expect(cell_open).to_have_value(text[0])
    page.keyboard.type(text[1:], delay=50)
    expect(cell_open).to_have_value(text)
    page.keyboard.press("Enter")
    expect(cell_open).to_have_count(0)


def captions(desk: Desk, batch: Batch) -> list[str]:
    """Return the captions that are stored."""
    return [str(each["caption"]) for each in desk.images(batch)]


def expect_captions(page: Page, desk: Desk, batch: Batch, wanted: list[str]) -> None:
    """Wait until these captions are stored."""
    for _ in range(160):
        if captions(desk, batch) == wanted:
            return
        page.wait_for_timeout(250)
    assert captions(desk, batch) == wanted


def test_many_captions_are_typed_without_a_stop(page: Page, desk: Desk, batch: Batch) -> None:
    open_table(page, desk, batch)
    cell(page, 0)
    typed = [f"cast {number}" for number in range(1, 7)]
    for text in typed:
        enter(page, text)
    expect_captions(page, desk, batch, typed)
    expect(page.get_by_text("saved.")).to_be_visible(timeout=SLOW)
    shot(page, "table")
    page.reload()
    expect(written(page, "cast 6")).to_be_attached(timeout=SLOW)
    the_table_gives_out_no_file(page)


def test_an_edit_is_undone(page: Page, desk: Desk, batch: Batch) -> None:
    before = captions(desk, batch)
    open_table(page, desk, batch)
    cell(page, 1)
    enter(page, "wrong")
    expect(page.get_by_text("1 saved.")).to_be_visible(timeout=SLOW)
    assert captions(desk, batch)[1] == "wrong"
    settle(page)  # a button that is drawn anew between the press and its end is not clicked
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible(timeout=SLOW)
    assert captions(desk, batch) == before
    expect(written(page, "wrong")).to_have_count(0)


def the_table_gives_out_no_file(page: Page) -> None:
    settle(page)
    table(page).hover()
    expect(page.get_by_role("button", name="Fullscreen")).to_be_visible()
    expect(page.locator('button[aria-label^="Download as CSV"]')).to_be_hidden()
