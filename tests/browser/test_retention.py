"""From a rule to the report, the trash and back, as an administrator does it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import system
from tests.browser.desks import SLOW, Desk
from tests.servers.browser import Watch, shot

pytestmark = pytest.mark.xdist_group("retention")

PROBES = r"/(retention|trash|patients)/_stcore/(health|host-config)"
LONG_AGO = datetime(2001, 2, 3, 10, tzinfo=UTC)


def make_old(desk: Desk, batch_id: UUID, patient_id: UUID) -> None:
    """Let a patient have been seen for the last time long ago."""
    with desk.visits.clinic.database.write() as session:
        session.get_one(Patient, patient_id).created_at = LONG_AGO
        session.get_one(Batch, batch_id).taken_on = LONG_AGO.date()
        for image in desk.visits.clinic.services.images.ids(system(), batch_id):
            session.get_one(Image, image).uploaded_at = LONG_AGO


def test_what_a_rule_names_goes_to_the_trash_and_comes_back(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow(PROBES)
    batch = desk.batch(desk.patient(), images=2)
    make_old(desk, batch.id, batch.patient_id)
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/retention")
    expect(page.get_by_text("There are no rules")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Add rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("spinbutton", name="Years after the last visit").fill("10")
    dialog.get_by_role("button", name="Add rule").click()
    expect(page.get_by_text("go 10 years after the last visit")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert "Mary Kowalski" in download.value.path().read_text(encoding="utf-8-sig")
    shot(page, "retention")
    page.get_by_role("button", name="Move what is due to the trash").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 patient with 2 images")
    page.get_by_role("dialog").get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("Nothing is past its time.")).to_be_visible(timeout=SLOW)
    services, who = desk.visits.clinic.services, desk.actor
    assert [each.id for each in services.trash.list(who, "patient").items] == [batch.patient_id]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=SLOW)
    assert services.patients.counts(who, batch.patient_id).images == 2
    page.get_by_role("button", name="Move what is due to the trash").click()
    page.get_by_role("dialog").get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("Nothing is past its time.")).to_be_visible(timeout=SLOW)
    page.goto(f"{desk.visits.server.url}/trash")
    page.get_by_role("radio", name="Patients").click(timeout=SLOW)
    page.get_by_role("button", name="Restore").click(timeout=SLOW)
    expect(page.get_by_text(re.compile("No patient is in the trash"))).to_be_visible(timeout=SLOW)
    assert services.patients.counts(who, batch.patient_id).images == 2


def test_a_hold_and_an_erasure_from_the_list_of_patients(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow(PROBES)
    # By this name on the first page of the list, whoever else is in the shared clinic.
    patient = desk.patient(name="Aaron Yttrick", mrn="77-9")
    desk.batch(patient, images=1)
    desk.sign_in(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{desk.visits.server.url}/patients?patient={patient.id}")
    keeping = page.get_by_role("button", name="How long A. Y. is kept")
    keeping.click(timeout=SLOW)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name=re.compile("Legal hold")).fill("Claim 12")
    dialog.get_by_role("button", name="Set the legal hold").click()
    expect(page.get_by_text("Legal hold: nothing can be removed").first).to_be_attached(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "retention-hold-phone")
    keeping.click()
    expect(dialog.get_by_role("button", name="Erase this patient for good")).to_be_disabled(timeout=SLOW)
    dialog.get_by_role("button", name="Lift the legal hold").click()
    expect(dialog).to_contain_text("goes for good with the next sweep", timeout=SLOW)
    dialog.get_by_role("button", name="Lift the legal hold").click()
    expect(dialog).to_have_count(0, timeout=SLOW)
    keeping.click(timeout=SLOW)
    dialog.get_by_role("button", name="Erase this patient for good").click(timeout=SLOW)
    expect(dialog).to_contain_text("This cannot be undone", timeout=SLOW)
    dialog.get_by_role("combobox").click(timeout=SLOW)
    page.get_by_role("option", name="The patient asked for it").click()
    dialog.get_by_role("textbox", name=re.compile("typed once more")).fill("77-9")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(keeping).to_have_count(0, timeout=SLOW)
    assert desk.visits.clinic.services.patients.find(desk.actor, "Aaron").items == ()
