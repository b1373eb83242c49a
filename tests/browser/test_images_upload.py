"""Uploading in the browser: 45 files of a day, a connection that breaks, and a file that is there already."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.desks import Desk, choose_files, expect_badge, tile, tiles
from tests.browser.photos import tiny
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("images-upload")

UPLOAD = 90_000


def payload(name: str, content: bytes) -> FilePayload:
    """Return a file that is chosen without lying on the disk."""
    return {"name": name, "mimeType": "image/png", "buffer": content}


def test_a_days_photographs_are_stored_and_the_others_say_why(
    page: Page, desk: Desk, files: list[Path], watch: Watch
) -> None:
    watch.allow("422")  # how the browser notes a refused file
    patient = desk.patient()
    batch = desk.batch(patient)
    desk.open(page, batch)
    choose_files(page, *files)
    send = page.get_by_role("button", name="Upload 43 images to M. K., born 1961")
    expect(send).to_be_visible(timeout=UPLOAD)
    expect(page.locator("ul.photos li.refused")).to_have_count(2)
    expect(page.locator(".dates")).to_contain_text("3 of 45 photos were taken on 2 Nov 2025.")
    shot(page, "upload-chosen")
    send.click()
    expect(page.locator(".actions .said")).to_have_text("40 stored · 5 refused", timeout=UPLOAD)
    refused = page.locator("ul.photos li.refused")
    expect(refused).to_have_count(5)
    for row in refused.all():
        assert len(row.locator(".state").inner_text()) > len("Refused: ")
    expect_badge(page, "40 images")
    expect(tiles(page).first).to_be_visible()
    shot(page, "upload-result")
    names = [path.name for path in files if path.name not in _bad(files)]
    stored = desk.images(batch)
    assert [each["original_name"] for each in stored] == names
    for number, image in enumerate(stored[:4], 1):
        expect(tile(page, number).locator("img")).to_have_attribute("src", image["urls"]["thumbnail"])


def _bad(files: list[Path]) -> set[str]:
    return {path.name for path in files[-5:]}


def test_what_failed_is_sent_again_and_stored_once(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow("ERR_CONNECTION_FAILED|ERR_FAILED")
    batch = desk.batch(desk.patient())
    desk.open(page, batch)
    path, tries = "**/api/images/batches/*/upload/", {"made": 0}

    def break_two(route: Route) -> None:
        tries["made"] += 1
        if tries["made"] == 1:
            route.abort("connectionfailed")
        elif tries["made"] == 2:
            route.fetch()  # it arrives, but the answer is lost
            route.abort("connectionfailed")
        else:
            route.continue_()

    page.route(path, break_two)
    choose_files(page, *(payload(f"{number}.png", tiny(number)) for number in range(1, 7)))
    page.get_by_role("button", name="Upload 6 images").click()
    again = page.get_by_role("button", name="Retry 2 failed")
    expect(again).to_be_visible(timeout=UPLOAD)
    expect(page.locator("ul.photos li.failed")).to_have_count(2)
    page.unroute(path)
    again.click()
    expect(page.locator(".actions .said")).to_have_text("6 stored", timeout=UPLOAD)
    assert [each["original_name"] for each in desk.images(batch)] == [f"{n}.png" for n in range(1, 7)]
    expect_badge(page, "6 images")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("ul.photos")).to_have_count(0)


def test_a_file_that_is_there_is_kept_or_skipped(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient(), images=2)
    desk.open(page, batch)
    choose_files(page, payload("one.png", tiny(1)), payload("two.png", tiny(2)))
    page.get_by_role("button", name="Upload 2 images").click()
    there = page.locator("ul.photos li.there")
    expect(there).to_have_count(2, timeout=UPLOAD)
    expect(page.locator(".actions .said")).to_have_text("2 already there")
    expect(there.first.get_by_alt_text("The photo that is already there")).to_be_visible()
    shot(page, "upload-already-there")
    there.first.get_by_role("button", name="Skip").click()
    expect(there).to_have_count(1)
    there.first.get_by_role("button", name="Keep both").click()
    expect(page.locator(".actions .said")).to_have_text("1 stored", timeout=UPLOAD)
    assert len(desk.images(batch)) == 3
    expect_badge(page, "3 images")


def test_each_file_is_described_by_itself_and_one_is_the_primary_image(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient())
    desk.open(page, batch)
    a_dropped_file_is_checked_before_it_is_sent(page)
    choose_files(page, payload("one.png", tiny(1)), payload("two.png", tiny(2)))
    form = page.locator("fieldset.form")
    form.get_by_label("Body location").fill("Heel")
    form.get_by_label("Side").select_option("Left")
    form.get_by_label("Description").fill("Skin dry")
    second = page.locator("ul.photos li", has_text="two.png")
    second.get_by_role("button", name="Body location, type, side and description: two.png").click()
    second.get_by_label("Type", exact=True).fill("Before treatment")
    second.get_by_role("combobox", name="Side").select_option("Both")
    second.get_by_label("Description", exact=True).fill("Skin healed")
    second.get_by_role("button", name="Primary image: two.png").click()
    page.get_by_role("button", name="Upload 2 images").click()
    expect(page.locator(".actions .said")).to_have_text("2 stored", timeout=UPLOAD)
    expect(tile(page, 2).get_by_text("Primary")).to_be_visible()
    told = ["body_location", "laterality", "image_type", "description", "is_primary"]
    assert [[each[name] for name in told] for each in desk.images(batch)] == [
        ["Heel", "L", "", "Skin dry", False],
        ["Heel", "B", "Before treatment", "Skin healed", True],
    ]


def test_the_simple_upload_stores(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient())
    desk.open(page, batch)
    page.get_by_text("Simple upload").click()
    box = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    box.set_input_files([payload("first.png", tiny(1)), payload("none.png", b"no picture")])
    store = page.get_by_role("button", name="Store 2 images")
    expect(store).to_be_visible(timeout=UPLOAD)
    store.click()
    expect(page.get_by_text("first.png: stored")).to_be_visible(timeout=UPLOAD)
    expect(page.get_by_text("none.png:")).to_be_visible()
    assert [each["original_name"] for each in desk.images(batch)] == ["first.png"]
    expect_badge(page, "1 image")


def a_dropped_file_is_checked_before_it_is_sent(page: Page) -> None:
    page.locator(".zone").evaluate(
        """(zone, bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "drop.png", {type: "image/png"}));
            transfer.items.add(new File(["text"], "notes.jpg", {type: "image/jpeg"}));
            zone.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, cancelable: true}));
        }""",
        list(tiny(1)),
    )
    expect(page.get_by_role("button", name="Upload 1 image to M. K., born 1961")).to_be_visible()
    expect(page.locator("ul.photos li.refused .state")).to_contain_text("Not a photo of an accepted format")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("ul.photos")).to_have_count(0)
