"""The whole way through in the browser, on either kind of stores: upload, sort, look, download, mend."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from imgcore.domain.records import Batch, Patient
from tests.browser.desks import (
    SLOW,
    Desk,
    allow_filmstrip,
    choose_files,
    expect_badge,
    expect_banner,
    open_desk,
    settle,
    tile,
    tiles,
)
from tests.browser.photos import broken, formats
from tests.imaging.pictures import noise, saved
from tests.servers.browser import Watch

GOOD = ("jpeg", "mpo", "png", "gif", "webp", "heic", "avif", "tiff", "bmp")
BROKEN = ("letter.jpg", "cut.heic")
UPLOAD = 90_000
WIDTH_IS = """(wanted) => {
    const roots = Array.from(document.querySelectorAll("*")).map((each) => each.shadowRoot).filter(Boolean);
    const svg = roots.map((root) => root.querySelector(".stage svg")).find(Boolean);
    return svg && Math.abs(svg.getBoundingClientRect().width - wanted) <= 2;
}"""
LOCAL = pytest.param("local", marks=pytest.mark.xdist_group("main-job"))
OUTER = pytest.param("outer", marks=pytest.mark.xdist_group("seaweedfs"))


@pytest.fixture(scope="module", params=[LOCAL, OUTER])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic on SQLite and a folder, and one on PostgreSQL and S3."""
    is_local = request.param == "local"
    with ExitStack() as stack:
        if is_local:
            desk: Desk = request.getfixturevalue("desk")
        else:
            stores = request.getfixturevalue("outer_stores")
            desk = stack.enter_context(open_desk(tmp_path_factory.mktemp("clinic"), stores))
        yield desk
        data = desk.visits.server.folder / "data"
        assert (data / "imgcore.sqlite3").exists() is is_local
        assert any(data.glob("objects/**/*")) is is_local


@pytest.fixture
def good() -> dict[str, bytes]:
    """Ten photographs in nine formats, the largest first."""
    found = {name: content for name, content in formats() if name.rpartition(".")[0] in GOOD}
    return {"large.jpg": saved(noise((1600, 1200)), "JPEG"), **found}


@pytest.fixture
def chosen(tmp_path: Path, good: dict[str, bytes]) -> list[Path]:
    """The photographs as files, and two files that are none."""
    for name, content in [*good.items(), *broken()]:
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in (*good, *BROKEN)]


def test_a_batch_goes_all_the_way(
    page: Page, desk: Desk, good: dict[str, bytes], chosen: list[Path], watch: Watch
) -> None:
    allow_filmstrip(watch)
    watch.allow("422")  # how the browser notes a refused file
    patient, right = desk.patient(), desk.patient(name="Anna Zielinska", mrn="8201", birth_on="1970-01-02")
    batch = make_batch(page, desk, patient)
    upload(page, chosen, stored=len(good))
    stored = desk.images(batch)
    assert [each["original_name"] for each in stored] == list(good)
    categorise(page)
    look(page, len(good))
    assert downloaded(page, 3) == sorted(list(good.values())[:3])
    delete_and_undo(page, len(good))
    trash_and_restore(page, len(good))
    move(page, "8201", "A. Z. · born 1970 · MRN 8201")
    after = desk.images(batch)
    assert [each["id"] for each in after] == [each["id"] for each in stored]
    assert [each["category"] for each in after][:3] == ["r_anterior", "anterior", "other"]
    assert desk.visits.clinic.services.batches.get(desk.actor, batch.id).patient_id == right.id
    assert originals(desk, batch) == good


def make_batch(page: Page, desk: Desk, patient: Patient) -> Batch:
    """Open the patient, and make a batch there."""
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/?patient={patient.id}")
    page.get_by_role("button", name="New batch").filter(visible=True).first.click(timeout=SLOW)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("AFO fitting")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="AFO fitting")).to_be_visible(timeout=SLOW)
    expect(dialog).to_be_hidden()
    return desk.visits.clinic.services.batches.of_patient(desk.actor, patient.id).items[0]


def upload(page: Page, chosen: list[Path], stored: int) -> None:
    """Send the files, and read what is said of each."""
    choose_files(page, *chosen)
    page.get_by_role("button", name=re.compile(r"^Upload \d+ images to M\. K\., born 1961")).click(
        timeout=SLOW
    )
    said = f"{stored} stored · {len(BROKEN)} refused"
    expect(page.locator(".actions .said")).to_have_text(said, timeout=UPLOAD)
    refused = page.locator("ul.photos li.refused")
    expect(refused).to_have_count(len(BROKEN))
    for name in BROKEN:
        expect(refused.filter(has_text=name)).to_have_count(1)
    expect_badge(page, f"{stored} images")
    expect(tiles(page).locator("img[src]").first).to_be_visible(timeout=SLOW)


def categorise(page: Page) -> None:
    """Give the first image a category by mouse, and the second one by key."""
    tile(page, 1).locator("select").select_option("r_anterior")
    expect(tile(page, 1).locator(".mark")).to_have_text("saved")
    tile(page, 2).focus()
    page.keyboard.press("1")
    expect(tile(page, 2).locator(".mark")).to_have_text("saved")


def look(page: Page, count: int) -> None:
    """Open the first image, zoom in, step to the next, close, and wait until the grid has its room back."""
    settle(page)
    before = width(page)
    tile(page, 1).locator(".picture").click()
    expect(page.locator(".viewer .place")).to_have_text(f"1 of {count}", timeout=SLOW)
    page.locator(".stage svg").wait_for()
    page.get_by_role("button", name="One to one").click()
    page.wait_for_function(WIDTH_IS, arg=1600)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".viewer .place")).to_have_text(f"2 of {count}", timeout=SLOW)
    expect(page.locator(".stage image")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_have_count(0, timeout=SLOW)
    settle(page)
    for _try in range(300):
        if abs(width(page) - before) <= 2:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the tiles did not grow again: {before}, now {width(page)}")


def width(page: Page) -> float:
    """Return how wide the first tile is."""
    box = tile(page, 1).bounding_box()
    return box["width"] if box else 0


def downloaded(page: Page, count: int) -> list[bytes]:
    """Download the first images as a ZIP, and return the pictures in it, sorted."""
    tile(page, 1).locator("input").click()
    tile(page, count).locator("input").click(modifiers=["Shift"])
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("button", name=f"Download {count} selected").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        pictures = [name for name in archive.namelist() if not name.endswith((".csv", ".txt"))]
        contents = sorted(archive.read(name) for name in pictures)
    download.value.delete()
    page.get_by_role("button", name="Select none").click()
    return contents


def delete_and_undo(page: Page, count: int) -> None:
    """Put an image into the trash by key, and take it back by key."""
    tile(page, 3).focus()
    page.keyboard.press("Delete")
    expect_badge(page, f"{count - 1} images")
    page.keyboard.press("z")
    expect_badge(page, f"{count} images")
    expect(tiles(page)).to_have_count(count)


def trash_and_restore(page: Page, count: int) -> None:
    """Put the batch into the trash, and bring it back from there."""
    page.get_by_role("button", name="Move AFO fitting to the trash").filter(visible=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Move to trash").click()
    expect_badge(page, "0 batches")
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore").click()
    expect_badge(page, "1 batch")
    page.get_by_role("link", name="Images").click()
    expect(tiles(page)).to_have_count(count, timeout=SLOW)


def move(page: Page, mrn: str, shown: str) -> None:
    """Give the batch to the patient whose it is."""
    page.get_by_role("button", name="More for AFO fitting").click()
    page.get_by_text("Move to another patient", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Patient", exact=True).fill(mrn)
    dialog.get_by_role("radio", name=shown).check(force=True, timeout=SLOW)
    dialog.get_by_label("Reason").fill("Uploaded to the wrong patient")
    dialog.get_by_role("button", name="Move").click()
    expect_banner(page, "A. Z.")


def originals(desk: Desk, batch: Batch) -> dict[str, bytes]:
    """Return the originals of a batch by their names, as the REST API gives them."""
    with desk.visits.client(desk.token) as client:
        return {
            each["original_name"]: client.get(f"/api/images/{each['id']}/download/")
            .raise_for_status()
            .content
            for each in desk.images(batch)
        }


@pytest.mark.parametrize("desk", [OUTER], indirect=True)
def test_the_simple_upload_stores(page: Page, desk: Desk, good: dict[str, bytes], chosen: list[Path]) -> None:
    patient = desk.patient()
    batch = desk.batch(patient)
    desk.batch(patient, name="The other", taken_on="2025-11-05")
    desk.open(page, batch)
    page.get_by_text("Simple upload").click()
    box = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    box.set_input_files([chosen[0], chosen[-1]])
    page.get_by_role("button", name="Store 2 images").click(timeout=SLOW)
    expect(page.get_by_text("large.jpg: stored")).to_be_visible(timeout=UPLOAD)
    expect(page.get_by_text(f"{BROKEN[-1]}:")).to_be_visible()
    assert originals(desk, batch) == {"large.jpg": good["large.jpg"]}
    page.locator('[class*="st-key-name-"]').get_by_role("button", name="The other").click()
    expect(page.get_by_role("heading", name="The other")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("large.jpg: stored")).to_have_count(0)
