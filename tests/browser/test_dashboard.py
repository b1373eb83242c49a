"""The dashboard in a browser: charts are drawn, on a phone too, and a link to it survives the sign-in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desks import SLOW, Desk, settle
from tests.server.visits import ADMIN, PASSWORD
from tests.servers.browser import Watch, shot

pytestmark = pytest.mark.xdist_group("dashboard")

PROBES = r"/dashboard/_stcore/(health|host-config)"


def test_a_link_to_some_days_survives_the_sign_in_and_shows_charts(
    page: Page, desk: Desk, watch: Watch
) -> None:
    watch.allow(PROBES)
    batch = desk.batch(desk.patient(), images=3)
    query = f"from=2025-01-02&patient={batch.patient_id}&only=1"
    page.goto(f"{desk.visits.server.url}/dashboard?{query}")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("3 images and 1 batch were added")).to_be_visible(timeout=SLOW)
    expect(page).to_have_url(re.compile(r"from=2025-01-02"))
    settle(page)
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.first.locator("svg, canvas").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("checkbox", name=re.compile("Only M. K."))).to_be_checked()
    table = page.get_by_test_id("stExpander").nth(1)  # of the categories
    table.get_by_text("Table").click()
    with page.expect_download() as download:
        table.get_by_role("link", name="Download CSV").click()
    assert "Other,3" in download.value.path().read_text(encoding="utf-8-sig")
    shot(page, "dashboard")


def test_it_fits_on_a_phone_in_the_dark(page: Page, desk: Desk, watch: Watch) -> None:
    watch.allow(PROBES)
    desk.batch(desk.patient(), images=2)
    desk.sign_in(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{desk.visits.server.url}/dashboard")
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.first.locator("svg, canvas").first).to_be_visible(timeout=SLOW)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "dashboard-phone-dark")
