"""Images and batches that belong elsewhere: to the right patient with a reason, to the trash and back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desks import SLOW, Desk, expect_badge, expect_banner, settle, tile, tiles
from tests.servers.browser import shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("images-moves")

WRONG = "Please say why the photographs go to another patient."


def choose_patient(page: Page, mrn: str, shown: str) -> None:
    """Find and choose a patient in the open dialog."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Patient", exact=True).fill(mrn)
    dialog.get_by_role("radio", name=shown).check(force=True, timeout=SLOW)


def test_images_go_to_the_right_patient_with_a_reason(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient(), images=3)
    right = desk.patient(name="Anna Zielinska", mrn="8001", birth_on="1970-01-02")
    desk.open(page, batch)
    tile(page, 2).locator("input").click()
    page.locator(".bar").get_by_role("button", name="Move").click()
    choose_patient(page, "8001", "A. Z. · born 1970 · MRN 8001")
    move = page.get_by_role("dialog").get_by_role("button", name="Move")
    reason = page.get_by_role("dialog").get_by_label("Reason")
    reason.wait_for(timeout=SLOW)
    move.click()
    expect(page.get_by_role("dialog")).to_contain_text(WRONG, timeout=SLOW)
    shot(page, "move-refused")
    assert len(desk.images(batch)) == 3
    reason.fill("Uploaded to the wrong patient")
    move.click()
    expect(page.get_by_text("Moved: 1 image to A. Z., born 1970.")).to_be_visible(timeout=SLOW)
    expect_badge(page, "2 images")
    expect(tiles(page)).to_have_count(2)
    there = desk.visits.clinic.services.batches.of_patient(desk.actor, right.id).items
    assert [each.image_count for each in there] == [1]


def test_a_batch_goes_to_the_right_patient_with_a_reason_and_through_the_trash(
    page: Page, desk: Desk
) -> None:
    batch = desk.batch(desk.patient(), images=2)
    right = desk.patient(name="Anna Zielinska", mrn="8101", birth_on="1970-01-02")
    desk.open(page, batch)
    page.get_by_role("button", name="More for 6 Nov 2025").click()
    page.get_by_text("Move to another patient", exact=True).click()
    choose_patient(page, "8101", "A. Z. · born 1970 · MRN 8101")
    page.get_by_role("dialog").get_by_label("Reason").fill("Uploaded to the wrong patient")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect_banner(page, "A. Z.")
    expect_badge(page, "2 images")
    assert desk.visits.clinic.services.batches.get(desk.actor, batch.id).patient_id == right.id
    settle(page)
    a_batch_is_put_into_the_trash_and_restored(page)


def a_batch_is_put_into_the_trash_and_restored(page: Page) -> None:
    expect(page.locator(".tile img[src]")).to_have_count(2, timeout=SLOW)
    page.get_by_role("button", name="Move 6 Nov 2025 to the trash").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("to (the )?trash")).click()
    expect_badge(page, "0 batches")
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("button", name="Restore").click()
    expect_badge(page, "1 batch")
    page.get_by_role("link", name="Images").click()
    expect(tiles(page)).to_have_count(2, timeout=SLOW)
