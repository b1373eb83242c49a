"""The grid in the browser: categories by mouse and by keys, many images, a selection, trash and undo."""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import Page, Route, expect

from imgcore.domain.records import Batch
from tests.browser.desks import SLOW, Desk, allow_filmstrip, expect_badge, tile, tiles
from tests.browser.photos import tiny
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("images-grid")

MANY = 320


@pytest.fixture(scope="module")
def many(desk: Desk) -> Batch:
    """A batch with more images than fit on the screen; tests change only what nobody else looks at."""
    return desk.batch(desk.patient(), images=MANY)


@pytest.fixture
def few(desk: Desk) -> Batch:
    """A batch of six images of this test's own."""
    return desk.batch(desk.patient(), images=6)


def uncategorised(page: Page, count: int) -> None:
    """Wait until the list of batches counts this many images without a category."""
    text = f"{count} without category"
    expect(page.locator(".imgcore-open").get_by_text(text)).to_be_visible(timeout=SLOW)


def test_a_category_is_chosen_by_keys_and_by_mouse(page: Page, desk: Desk, few: Batch, watch: Watch) -> None:
    desk.open(page, few)
    uncategorised(page, 6)
    keys_set_a_category_and_move_on(page, desk, few)
    one_that_was_not_saved_goes_back(page, watch)
    uncategorised(page, 2)
    page.reload()
    expect(tile(page, 6).locator("select")).to_have_value("r_anterior", timeout=SLOW)
    assert desk.images(few)[5]["category"] == "r_anterior"


def keys_set_a_category_and_move_on(page: Page, desk: Desk, few: Batch) -> None:
    tile(page, 1).focus()
    for key in "123":
        page.keyboard.press(key)
    expect(tile(page, 4)).to_be_focused()
    for number, code in enumerate(["anterior", "r_anterior", "l_anterior"], 1):
        expect(tile(page, number).locator("select")).to_have_value(code)
        expect(tile(page, number).locator(".mark")).to_have_text("saved")
    uncategorised(page, 3)
    assert [each["category"] for each in desk.images(few)][:4] == [
        "anterior",
        "r_anterior",
        "l_anterior",
        "other",
    ]


def one_that_was_not_saved_goes_back(page: Page, watch: Watch) -> None:
    watch.allow("503")

    def refuse(route: Route) -> None:
        if route.request.method == "PATCH":
            route.fulfill(
                status=503, json={"error": {"code": "unavailable", "message": "The store does not answer."}}
            )
        else:
            route.continue_()

    page.route("**/api/images/*/", refuse)
    tile(page, 6).locator("select").select_option("r_anterior")
    expect(tile(page, 6).locator(".problem")).to_have_text("The store does not answer.")
    expect(tile(page, 6).locator("select")).to_have_value("other")
    expect(page.locator(".note").first).to_contain_text("The store does not answer.")
    shot(page, "grid-not-saved")
    page.unroute("**/api/images/*/")
    tile(page, 6).locator("select").select_option("r_anterior")
    expect(tile(page, 6).locator(".mark")).to_have_text("saved")
    expect(tile(page, 6).locator(".problem")).to_have_text("")


def test_many_images_are_drawn_as_they_come_into_sight_selected_and_downloaded(
    page: Page, desk: Desk, many: Batch
) -> None:
    desk.open(page, many)
    expect_badge(page, f"{MANY} images")
    only_what_is_in_sight_is_drawn(page, desk, many)
    all_are_selected_those_out_of_sight_too(page)
    a_range_is_downloaded(page)


def only_what_is_in_sight_is_drawn(page: Page, desk: Desk, many: Batch) -> None:
    drawn = tiles(page).count()
    assert 4 < drawn < 80
    tile(page, 1).focus()
    page.keyboard.press("End")
    expect(tile(page, MANY)).to_be_focused()
    expect(tile(page, MANY).locator("img")).to_have_attribute(
        "src", desk.images(many)[-1]["urls"]["thumbnail"]
    )
    assert tiles(page).count() < 80
    assert tile(page, 1).count() == 0
    page.keyboard.press("Home")
    expect(tile(page, 1)).to_be_focused()


def a_range_is_downloaded(page: Page) -> None:
    tile(page, 2).locator("input").click()
    tile(page, 8).locator("input").click(modifiers=["Shift"])
    expect(page.locator(".tile.selected")).to_have_count(7)
    shot(page, "grid-selected")
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("button", name="Download 7 selected").click()
    content = download.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        pictures = [name for name in names if name.endswith(".png")]
        assert len(pictures) == 7
        manifest = next(archive.read(name).decode() for name in names if "manifest" in name)
        contents = {archive.read(name) for name in pictures}
    assert contents == {tiny(number) for number in range(2, 9)}
    assert all(name in manifest for name in [*pictures, *(f"photo-{number}.png" for number in range(2, 9))])


def all_are_selected_those_out_of_sight_too(page: Page) -> None:
    page.get_by_role("button", name=f"Select all {MANY} images").click()
    expect(page.get_by_role("button", name=f"Download {MANY} selected")).to_be_visible()
    page.get_by_role("button", name="Select none").click()
    expect(page.locator(".tile.selected")).to_have_count(0)


def test_delete_puts_images_into_the_trash_and_z_takes_them_back(page: Page, desk: Desk, few: Batch) -> None:
    desk.open(page, few)
    before = [each["id"] for each in desk.images(few)]
    tile(page, 2).focus()
    page.keyboard.press("Delete")
    expect(page.locator(".note").first).to_contain_text("1 image is in the trash")
    expect_badge(page, "5 images")
    expect(tiles(page)).to_have_count(5)
    page.keyboard.press("z")
    expect_badge(page, "6 images")
    expect(tiles(page)).to_have_count(6)
    assert [each["id"] for each in desk.images(few)] == before
    for number in (1, 3):
        tile(page, number).locator("input").click()
    page.locator(".bar").get_by_role("button", name="Trash").click()
    expect_badge(page, "4 images")
    page.locator(".note").first.get_by_role("button", name="Undo").click()
    expect_badge(page, "6 images")
    expect(tiles(page)).to_have_count(6)
    many_get_a_category_at_once(page, desk, few)


def many_get_a_category_at_once(page: Page, desk: Desk, few: Batch) -> None:
    page.get_by_role("button", name="Select all 6 images").click()
    page.get_by_label("Set category").select_option("x_ray")
    expect(page.locator(".note").first).to_contain_text("6 images changed")
    assert {each["category"] for each in desk.images(few)} == {"x_ray"}
    expect(page.locator(".imgcore-done")).to_be_visible(timeout=SLOW)


def test_the_grid_is_worked_by_keys_alone(page: Page, desk: Desk, few: Batch, watch: Watch) -> None:
    allow_filmstrip(watch)
    desk.open(page, few)
    tile(page, 1).wait_for()
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("Tab")
    expect(tile(page, 1)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".tile.selected")).to_have_count(1)
    expect(tile(page, 2).locator("input")).to_be_checked()
    page.keyboard.press("?")
    expect(page.locator(".help")).to_contain_text("R-Anterior")
    shot(page, "grid-keys")
    page.keyboard.press("?")
    expect(page.locator(".help")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".tile.selected")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer .place")).to_have_text("3 of 6", timeout=SLOW)
