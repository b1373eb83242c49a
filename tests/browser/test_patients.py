"""Patients and batches in the browser: found, opened, thrown away, brought back, and always in sight."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from imgcore.domain.records import Patient
from tests.browser.desks import SLOW, Desk, expect_badge, settle, tiles
from tests.servers.browser import Watch, shot

pytestmark = pytest.mark.xdist_group("patients")

# Streamlit looks for its server below the page first.
BELOW_THE_PAGE = r"404 .*/_stcore/"
NASTY = '<img src=x onerror="document.title=1">'
MARKS = "*Bo* :red[x] :streamlit: $y$ www.example.com"


@pytest.fixture
def patient(desk: Desk) -> Patient:
    """A patient of this test's own."""
    return desk.patient(mrn=None)


def banner(page: Page) -> Locator:
    """Return the banner that is in sight, once it is the only one: while a page is drawn there may be two."""
    found = page.locator(".imgcore-banner:visible")
    expect(found).to_have_count(1, timeout=SLOW)
    return found


def go(page: Page, desk: Desk, path: str) -> None:
    """Open a screen as the person who is signed in."""
    desk.sign_in(page)
    page.goto(desk.visits.server.url + path)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=SLOW
    )


def named(page: Page, name: str) -> Locator:
    """Return the button with this name; Streamlit draws another, hidden one for touch screens."""
    return page.get_by_role("button", name=name).filter(visible=True)


def test_a_patient_is_found_by_keyboard_alone(page: Page, desk: Desk, patient: Patient) -> None:
    go(page, desk, "/")
    page.get_by_placeholder("Find: name, MRN, birth date").focus()
    page.keyboard.type("12 may 1961")
    found = page.locator(".st-key-people-found button").first
    expect(found).to_be_visible(timeout=SLOW)
    for _step in range(6):
        if found.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(banner(page)).to_contain_text("M. K.", timeout=SLOW)
    expect(page).to_have_url(re.compile(r"/\?patient=[0-9a-f-]{36}$"))
    expect(page.get_by_placeholder("Find: name, MRN, birth date")).to_have_value("")


def test_the_badges_stand_side_by_side_and_the_banner_stays(page: Page, desk: Desk, patient: Patient) -> None:
    for day in range(1, 21):
        desk.batch(patient, taken_on=f"2025-10-{day:02}")
    go(page, desk, f"/?patient={patient.id}")
    batches, images = (banner(page).locator(".imgcore-badge").nth(place) for place in (0, 1))
    expect(batches).to_have_text("20 batches")
    expect(images).to_have_text("0 images")
    left, right = batches.bounding_box(), images.bounding_box()
    assert left is not None and right is not None
    assert right["x"] - (left["x"] + left["width"]) == pytest.approx(24, abs=0.5)
    colour = "element => getComputedStyle(element).backgroundColor"
    assert (batches.evaluate(colour), images.evaluate(colour)) == ("rgb(47, 111, 222)", "rgb(207, 63, 63)")
    page.locator('[class*="st-key-batch-row-"]').last.scroll_into_view_if_needed()
    expect(banner(page)).to_be_in_viewport(ratio=0.99)
    page.get_by_test_id("stSidebar").hover()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    expect(banner(page)).to_be_in_viewport(ratio=0.99)


def test_a_batch_is_made_thrown_away_and_brought_back(page: Page, desk: Desk, patient: Patient) -> None:
    go(page, desk, f"/?patient={patient.id}")
    named(page, "New batch").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("AFO fitting")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="AFO fitting")).to_be_visible(timeout=SLOW)
    expect(dialog).to_be_hidden()
    expect_badge(page, "1 batch")
    named(page, "Move AFO fitting to the trash").click()
    expect(dialog).to_contain_text("AFO fitting with 0 images")
    dialog.get_by_role("button", name="Move to trash").click()
    expect_badge(page, "0 batches")
    expect(page.get_by_role("status").filter(has_text="is in the trash")).to_be_visible()
    shot(page, "patients-trashed")
    named(page, "Undo").click()
    expect_badge(page, "1 batch")
    expect(page.get_by_role("heading", name="AFO fitting")).to_be_visible(timeout=SLOW)


def test_a_batch_has_words_for_everything_and_is_downloaded_from_its_row(
    page: Page, desk: Desk, patient: Patient
) -> None:
    desk.open(page, desk.batch(patient, images=3))
    every_picture_has_words_and_every_button_a_name(page)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download 6 Nov 2025").filter(visible=True).click()
    assert started.value.suggested_filename == "2025-11-06_6 Nov 2025.zip"
    started.value.delete()


def every_picture_has_words_and_every_button_a_name(page: Page) -> None:
    expect(page.locator(".imgcore-strip img")).to_have_count(3)
    shot(page, "patients-list")
    unnamed = """elements => elements
        .filter(each => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
        .filter(each => !(each.ariaLabel || each.title || each.textContent.trim()))
        .map(each => each.outerHTML)"""
    assert page.locator("button, a").evaluate_all(unnamed) == []
    assert page.locator("img:not([alt])").count() == 0


@pytest.mark.parametrize("name", [NASTY, MARKS])
def test_a_name_is_text_wherever_it_stands(page: Page, desk: Desk, watch: Watch, name: str) -> None:
    watch.allow(BELOW_THE_PAGE)
    patient = desk.patient(name=name, mrn=None)
    desk.batch(patient, name=name)
    go(page, desk, f"/patients?patient={patient.id}")
    page.locator(".st-key-privacy label").first.click()
    expect(banner(page).locator("strong")).to_have_text(name, timeout=SLOW)
    row = page.locator(f".st-key-name-{patient.id}")
    expect(row.locator("strong")).to_have_text(_joined(name))
    row.get_by_role("button").click()
    expect(page.get_by_role("heading", name=_joined(name))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name=re.compile("to the trash$")).filter(visible=True).first.click()
    expect(page.get_by_role("dialog").locator("strong")).to_have_text(_joined(name))
    assert page.title() != "1"
    links = page.locator("a[href*='example.com']")
    assert links.count() == 0


def test_on_a_phone_the_list_gives_way_to_the_batch(phone: Page, desk: Desk, patient: Patient) -> None:
    older = desk.batch(patient, images=12, taken_on="2025-05-14")
    desk.batch(patient)
    go(phone, desk, f"/?patient={patient.id}")
    expect(banner(phone)).to_be_in_viewport(ratio=0.99)
    phone.get_by_test_id("stExpandSidebarButton").click()
    row = phone.locator(f".st-key-name-{older.id}").get_by_role("button")
    expect(row).to_be_in_viewport()
    row.click()
    expect(phone.get_by_role("heading", name="14 May 2025")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    expect(tiles(phone).locator("img[src]").first).to_be_visible(timeout=SLOW)
    settle(phone)
    shot(phone, "patients-phone")
    phone.mouse.move(200, 600)
    phone.mouse.wheel(0, 2000)
    expect(phone.get_by_role("heading", name="14 May 2025")).not_to_be_in_viewport()
    expect(banner(phone)).to_be_in_viewport(ratio=0.99)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def _joined(name: str) -> re.Pattern[str]:
    """Return a pattern of the name that lets the invisible joiners pass."""
    return re.compile("\u2060?".join(map(re.escape, name)))
