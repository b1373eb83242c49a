"""The main screen on a phone, in the dark and for readers: nothing is cut off, white or without words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from imgcore.domain.records import Batch
from tests.browser.desks import Desk, allow_filmstrip, choose_files, settle, tiles
from tests.imaging.pictures import noise, saved
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("images-looks")

PHONE = {"width": 390, "height": 844}
EVERYTHING = """() => {
    const walk = root => Array.from(root.querySelectorAll("*")).flatMap(
        each => [each, ...(each.shadowRoot ? walk(each.shadowRoot) : [])]);
    return walk(document);
}"""
# A tile that has not been read yet holds no picture, and says nothing.
WITHOUT_WORDS = (
    f"() => ({EVERYTHING})().filter(e => e.localName === 'img' && e.src && !e.alt).map(e => e.outerHTML)"
)
# Large surfaces that are nearly white; the tools over the picture are as on a light box.
WHITE = f"""() => ({EVERYTHING})().filter(each => {{
    const box = each.getBoundingClientRect();
    const found = getComputedStyle(each).backgroundColor.match(/[\\d.]+/g).map(Number);
    const seen = found.length < 4 || found[3] > 0.5;
    return box.width * box.height > 20000 && seen && Math.min(...found.slice(0, 3)) > 200;
}}).map(each => each.outerHTML.slice(0, 200))"""
TOO_WIDE = "() => document.scrollingElement.scrollWidth - window.innerWidth"


@pytest.fixture(autouse=True)
def filmstrip_allowed(watch: Watch) -> None:
    """Every test here sees the filmstrip."""
    allow_filmstrip(watch)


@pytest.fixture(scope="module")
def batch(desk: Desk) -> Batch:
    """A batch of eight photographs, some upright."""
    batch = desk.batch(desk.patient())
    sizes = [(800, 600), (600, 800)] * 4
    files = {f"{n}.jpg": saved(noise(size, seed=n), "JPEG") for n, size in enumerate(sizes)}
    desk.send(batch, files)
    return desk.visits.clinic.services.batches.get(desk.actor, batch.id)


def photo(number: int) -> FilePayload:
    """Return a file to choose."""
    return {
        "name": f"n{number}.png",
        "mimeType": "image/png",
        "buffer": saved(noise((64, 48), number), "PNG"),
    }


def test_on_a_phone_nothing_is_cut_off(page: Page, desk: Desk, batch: Batch) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    desk.open(page, batch)
    assert page.evaluate(TOO_WIDE) <= 0
    shot(page, "phone-grid")
    choose_files(page, photo(100), photo(101))
    send = page.get_by_role("button", name="Upload 2 images to M. K., born 1961")
    expect(send).to_be_visible()
    expect(page.locator("ul.photos img[src^='blob:']")).to_have_count(2)
    send.evaluate("(button) => button.scrollIntoView({block: 'center'})")  # it is drawn anew as previews come
    expect(send).to_be_in_viewport(ratio=1)
    assert page.evaluate(TOO_WIDE) <= 0
    shot(page, "phone-chosen")
    page.get_by_role("button", name="Clear").click()
    page.locator(".field").evaluate("(field) => field.scrollIntoView()")
    expect(tiles(page).first).to_be_visible()
    shot(page, "phone-tiles")


def test_on_a_phone_the_viewer_is_above_the_grid(page: Page, desk: Desk, batch: Batch) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    desk.open(page, batch, desk.images(batch)[1]["id"])
    page.locator(".stage svg").wait_for()
    settle(page)
    assert page.evaluate(TOO_WIDE) <= 0
    viewer, field = page.locator(".viewer").bounding_box(), page.locator(".field").bounding_box()
    assert viewer is not None and field is not None
    assert viewer["y"] + viewer["height"] <= field["y"]
    assert viewer["width"] > 300
    shot(page, "phone-viewer")


def test_in_the_dark_nothing_is_white_and_every_picture_has_words(
    page: Page, desk: Desk, batch: Batch
) -> None:
    page.emulate_media(color_scheme="dark")
    desk.open(page, batch)
    choose_files(page, photo(100), photo(101))
    expect(page.get_by_role("button", name=re.compile("Upload 2 images"))).to_be_visible()
    expect(page.locator(".tile.empty")).to_have_count(0)
    assert page.evaluate(WHITE) == []
    assert page.evaluate(WITHOUT_WORDS) == []
    shot(page, "dark-chosen")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Select all").click()
    assert page.evaluate(WHITE) == []
    shot(page, "dark-selected")


def test_in_the_dark_the_viewer_is_dark_too_and_its_pictures_have_words(
    page: Page, desk: Desk, batch: Batch
) -> None:
    page.emulate_media(color_scheme="dark")
    desk.open(page, batch, desk.images(batch)[1]["id"])
    page.locator(".stage svg").wait_for()
    settle(page)
    assert page.evaluate(WHITE) == []
    shot(page, "dark-viewer")
    expect(page.locator(".tile.empty")).to_have_count(0)
    assert page.evaluate(WITHOUT_WORDS) == []
    expect(page.locator(".stage svg")).to_have_attribute("aria-label", re.compile("Other"))
