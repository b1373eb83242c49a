"""A visit from its first word to its photographs, and the ways between them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from imgcore.domain.values import BatchFields, NewVisit
from tests.browser.desks import SLOW, Desk, allow_filmstrip, choose_files, expect_badge
from tests.browser.photos import tiny
from tests.browser.test_images_upload import payload
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("visits")


# Streamlit first asks for these below the screen's own address.
PROBES = r"/visits/_stcore/(health|host-config)"


def test_a_visit_gets_its_note_and_its_images(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow(PROBES)
    allow_filmstrip(watch)
    patient = desk.patient()
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/visits?patient={patient.id}")
    page.get_by_role("button", name="New visit").click(timeout=SLOW)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    page.get_by_role("textbox", name="Note").fill(
        "Pain at the **left heel**\n![x](https://elsewhere.example)"
    )
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".st-key-note strong")).to_have_text("left heel", timeout=SLOW)
    title = page.get_by_role("heading", level=1).inner_text()
    assert re.fullmatch(r"Visit of \d+ \w{3} \d{4}", title)
    page.get_by_role("button", name="Add images").click()
    page.locator(".zone").wait_for(timeout=SLOW)
    choose_files(page, *(payload(f"{number}.png", tiny(number)) for number in (1, 2, 3)))
    page.get_by_role("button", name="Upload 3 images to M. K., born 1961").click(timeout=SLOW)
    expect_badge(page, "3 images")
    page.get_by_role("button", name=title).click()
    pictures = page.locator(".imgcore-tiles img")
    expect(pictures).to_have_count(3, timeout=SLOW)
    expect(page.locator(".st-key-heading")).to_contain_text("3 images")
    for picture in pictures.all():
        expect(picture).to_have_js_property("naturalWidth", 48)
    shot(page, "visit")
    (visit,) = desk.visits.clinic.services.visits.list(desk.actor, patient.id).items
    assert (visit.image_count, visit.images_taken) == (3, True)
    assert f"visit={visit.id}" in page.url
    page.locator(".imgcore-tiles a").first.click()
    expect(page.locator(".viewer .place")).to_have_text(re.compile(r"\d of 3"), timeout=SLOW)
    expect(page.get_by_role("button", name=title)).to_be_visible()


def test_a_visit_fits_a_phone(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow(PROBES)
    batch = desk.batch(desk.patient(), images=2)
    services = desk.visits.clinic.services
    visit = services.visits.create(desk.actor, batch.patient_id, NewVisit(note="Long " * 200))
    services.batches.edit(desk.actor, batch.id, BatchFields(visit_id=visit.id))
    page.set_viewport_size({"width": 390, "height": 844})
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/visits?visit={visit.id}")
    expect(page.locator(".imgcore-tiles img")).to_have_count(2, timeout=SLOW)
    shot(page, "visit-phone")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    note, images = (page.locator(f".st-key-visit-{each}").bounding_box() for each in ("note", "images"))
    assert note is not None and images is not None
    assert note["x"] == images["x"] and note["y"] + note["height"] <= images["y"]
