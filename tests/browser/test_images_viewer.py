"""The viewer in the browser: stepping, zoom, turn, copies of what no browser shows, and the trash."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from imgcore.domain.records import Batch
from tests.browser.desks import SLOW, Desk, allow_filmstrip, expect_badge, settle, tile
from tests.imaging.pictures import every_format, noise, saved
from tests.server.visits import ADMIN, PASSWORD
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("images-viewer")

HEIC = 4


@pytest.fixture(autouse=True)
def filmstrip_allowed(watch: Watch) -> None:
    """Every test here sees the filmstrip."""
    allow_filmstrip(watch)


@pytest.fixture(scope="module")
def shown(desk: Desk) -> Batch:
    """A batch that these tests only look at: its fourth image is a HEIC file."""
    batch = desk.batch(desk.patient())
    files = {f"{seed}.jpg": saved(noise((1600, 1200), seed=seed), "JPEG") for seed in (1, 2, 3)}
    rest = {f"{seed}.jpg": saved(noise((800, 600), seed=seed), "JPEG") for seed in (5, 6)}
    desk.send(batch, files | {"phone.heic": every_format()["heic"]} | rest)
    return desk.visits.clinic.services.batches.get(desk.actor, batch.id)


def place(page: Page, text: str) -> None:
    """Wait until the viewer says which image of how many this is."""
    expect(page.locator(".viewer .place")).to_have_text(text, timeout=SLOW)


def width(page: Page) -> float:
    """Return how wide the picture is drawn, in pixels of the screen."""
    box = page.locator(".stage svg").bounding_box()
    assert box is not None
    return box["width"]


def grown(page: Page, before: float, more: bool) -> float:
    """Wait until the picture is drawn larger, or smaller, than it was; return its width."""
    page.wait_for_function(
        """([before, more]) => {
            const all = Array.from(document.querySelectorAll("*"));
            const roots = all.map((each) => each.shadowRoot).filter(Boolean);
            const svg = roots.map((root) => root.querySelector(".stage svg")).find(Boolean);
            const now = svg.getBoundingClientRect().width;
            return more ? now > before + 2 : now < before - 2;
        }""",
        arg=[before, more],
    )
    page.wait_for_timeout(350)  # the end of the zoom's animation
    return width(page)


def test_an_image_opens_by_click_and_closes_by_escape(page: Page, desk: Desk, shown: Batch) -> None:
    desk.open(page, shown)
    what_is_selected_stays_so(page)
    tile(page, 2).locator(".picture").click()
    place(page, "2 of 6")
    expect(page).to_have_url(re.compile("image="))
    expect(page.locator(".viewer .facts")).to_contain_text("1600 × 1200")
    expect(page.locator(".field")).to_be_visible()
    page.locator(".stage svg").wait_for()
    shot(page, "viewer")
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_have_count(0, timeout=SLOW)
    expect(page).not_to_have_url(re.compile("image="))
    settle(page)
    tile(page, 3).focus()
    page.keyboard.press("Enter")
    place(page, "3 of 6")


def what_is_selected_stays_so(page: Page) -> None:
    """Select two pictures, open and close two others, and find the two selected."""
    tile(page, 1).locator("input").click()
    tile(page, 3).locator("input").click()
    for number in (2, 4):  # with the second one, everything above the grid has gone and come once
        tile(page, number).locator(".picture").click()
        place(page, f"{number} of 6")
        page.keyboard.press("Escape")
        expect(page.locator(".viewer")).to_have_count(0, timeout=SLOW)
        settle(page)
    expect(page.get_by_role("button", name="Download 2 selected")).to_be_visible()
    page.get_by_role("button", name="Select none").click()


def test_stepping_by_arrows_and_buttons(page: Page, desk: Desk, shown: Batch) -> None:
    images = desk.images(shown)
    desk.open(page, shown, images[0]["id"])
    expect(page.get_by_role("button", name="Previous image")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    place(page, "2 of 6")
    page.get_by_role("button", name="Next image").click()
    place(page, "3 of 6")
    page.get_by_role("button", name="Previous image").click()
    page.keyboard.press("ArrowLeft")
    place(page, "1 of 6")
    for _turn in range(5):
        page.keyboard.press("ArrowRight")
    place(page, "6 of 6")
    expect(page.get_by_role("button", name="Next image")).to_be_disabled()
    expect(page).to_have_url(re.compile(images[5]["id"]), timeout=SLOW)
    expect(page.locator(".tile.opened")).to_have_attribute("aria-posinset", "6", timeout=SLOW)


def test_one_click_tells_who_saw_this_picture(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient(), images=2)
    desk.open(page, batch, desk.images(batch)[0]["id"])
    page.get_by_label("Who looked at this picture").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_alt_text("The picture that was asked about")).to_be_visible(timeout=SLOW)
    expect(dialog.get_by_text("viewed 1 picture").first).to_be_visible()
    expect(dialog.get_by_text("viewed 2 pictures")).to_have_count(0)


def test_zoom_fit_one_to_one_and_turn(page: Page, desk: Desk, shown: Batch) -> None:
    images = desk.images(shown)
    desk.open(page, shown, images[0]["id"])
    page.locator(".stage svg").wait_for()
    page.wait_for_timeout(500)
    fitted = width(page)
    frame = page.locator(".viewer .frame").bounding_box()
    assert frame is not None and fitted <= frame["width"] + 1
    page.get_by_role("button", name="Zoom in").click()
    larger = grown(page, fitted, more=True)
    page.get_by_role("button", name="Zoom out").click()
    grown(page, larger, more=False)
    page.get_by_role("button", name="One to one").click()
    assert grown(page, fitted, more=True) == pytest.approx(1600, abs=2)
    page.get_by_role("button", name="Keep zoom").click()
    page.keyboard.press("ArrowRight")
    place(page, "2 of 6")
    assert width(page) == pytest.approx(1600, abs=2)
    page.get_by_role("button", name="Fit to the window").click()
    assert grown(page, 1600, more=False) == pytest.approx(fitted, abs=2)
    page.get_by_role("button", name="Turn the view").click()
    box = page.locator(".stage svg").bounding_box()
    assert box is not None and box["width"] / box["height"] == pytest.approx(1200 / 1600, rel=0.02)


def test_a_deep_link_opens_a_heic_image_after_sign_in(page: Page, desk: Desk, shown: Batch) -> None:
    heic = desk.images(shown)[HEIC - 1]
    page.goto(desk.address(shown, heic["id"]))
    page.locator("input[name=email]").fill(ADMIN)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    place(page, f"{HEIC} of 6")
    page.locator(f'.stage image[href="{heic["urls"]["display"]}"]').wait_for(state="attached")
    kind = page.evaluate(
        "url => fetch(url).then(answer => answer.headers.get('content-type'))", heic["urls"]["display"]
    )
    assert kind in ("image/jpeg", "image/webp")
    shot(page, "viewer-heic")


def test_the_filmstrip_opens_what_is_clicked(page: Page, desk: Desk, shown: Batch) -> None:
    images = desk.images(shown)
    desk.open(page, shown, images[0]["id"])
    pictures = page.frame_locator(".st-key-filmstrip iframe").locator("img")
    expect(pictures).to_have_count(6, timeout=SLOW)
    strip = page.locator(".st-key-filmstrip iframe")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    # The strip is drawn smaller than the frame thinks: the third picture lies at 0.42 of where it says.
    inside = pictures.nth(2).evaluate(
        "each => { const r = each.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }"
    )
    scale = page.evaluate(
        "() => Number(getComputedStyle(document.querySelector('.st-key-filmstrip iframe')).zoom)"
    )
    page.mouse.click(box["x"] + inside[0] * scale, box["y"] + inside[1] * scale)
    place(page, "3 of 6")


def an_image_is_put_into_the_trash_and_taken_back(page: Page) -> None:
    page.locator(".viewer").get_by_role("button", name="Move to the trash").click()
    expect(page.locator(".viewer .note")).to_contain_text("Move this image to the trash?")
    shot(page, "viewer-trash")
    page.locator(".viewer .answers").get_by_role("button", name="Cancel").click()
    page.keyboard.press("Delete")
    page.locator(".viewer .answers").get_by_role("button", name="Move to the trash").click()
    expect(page.locator(".viewer .note")).to_contain_text("The image is in the trash.")
    place(page, "2 of 2")
    expect_badge(page, "2 images")
    page.locator(".viewer .note").get_by_role("button", name="Undo").click()
    expect_badge(page, "3 images")
    expect(page.locator(".viewer .place")).to_have_text(re.compile("of 3"), timeout=SLOW)


def test_a_category_key_moves_on_and_the_trash_gives_back(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient(), images=3)
    images = desk.images(batch)
    desk.open(page, batch, images[0]["id"])
    expect(page.locator(".viewer header select")).to_be_visible(timeout=SLOW)
    page.keyboard.press("2")
    place(page, "2 of 3")
    expect(page.locator(".viewer .note")).to_have_text("Saved")
    expect(tile(page, 1).locator("select")).to_have_value("r_anterior", timeout=SLOW)
    page.locator(".viewer header select").select_option("anterior")
    expect(tile(page, 2).locator("select")).to_have_value("anterior", timeout=SLOW)
    assert [each["category"] for each in desk.images(batch)] == ["r_anterior", "anterior", "other"]
    place(page, "2 of 3")
    settle(page)
    an_image_is_put_into_the_trash_and_taken_back(page)
    assert [each["id"] for each in desk.images(batch)] == [each["id"] for each in images]
