"""A patient's own account in the browser: all that is theirs, nothing else, and no way to change it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from imgcore.config import SESSION_COOKIE
from imgcore.db.tables import Analysis
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch
from imgcore.domain.values import NewUser
from tests.browser.desks import SCHEMES, SLOW, Desk, allow_filmstrip, expect_banner, settle, tile
from tests.server.visits import PASSWORD
from tests.servers.browser import Watch, shot

pytestmark = pytest.mark.xdist_group("patient-account")

# What another patient's ids are answered with, and what Streamlit asks below the page first.
NOT_THEIRS = r"404 .*/(api|_stcore)/"
EDITING = ["New batch", "Edit details", "Move to the trash", "Set category", "Recent", "Add patient", "Undo"]


@pytest.fixture(autouse=True)
def complaints_allowed(watch: Watch) -> None:
    allow_filmstrip(watch)
    watch.allow(NOT_THEIRS)
    watch.allow("page that you have requested does not seem to exist")


@pytest.fixture(scope="module")
def own(desk: Desk) -> Batch:
    """The batch of the patient who signs in, with a result that was released."""
    batch = desk.batch(desk.patient(mrn="8800"), images=4)
    image = desk.images(batch)[0]
    at = datetime(2025, 11, 6, 10, tzinfo=UTC)
    row = Analysis.model_validate(
        {"patient_id": batch.patient_id, "image_id": image["id"], "analyser": "Skin check",
         "analyser_version": "1", "input_sha256": image["sha256"], "predictions": {"melanocytic_nevus": 0.9},
         "risk_level": "low", "body_region": "Left heel", "created_at": at, "updated_at": at}
    )  # fmt: skip
    with desk.visits.clinic.database.write() as session:
        session.add(row)
        session.flush()
        result_id = row.id
    desk.visits.clinic.services.results.release(system(), result_id)
    return batch


@pytest.fixture(scope="module")
def foreign(desk: Desk) -> Batch:
    """A batch of another patient."""
    return desk.batch(desk.patient(name="Zoe Zander", mrn="8801"), images=2)


@pytest.fixture(scope="module")
def token(desk: Desk, own: Batch) -> str:
    """The session of the patient."""
    new = {"email": "mary@home.example", "name": "Mary Kowalski", "role": Role.PATIENT, "password": PASSWORD}
    account = NewUser.model_validate(new | {"patient_id": str(own.patient_id)})
    desk.visits.clinic.services.accounts.create(system(), account)
    return desk.visits.session("mary@home.example")


def go(page: Page, desk: Desk, token: str, path: str) -> None:
    """Open a screen as the patient, and wait until it is drawn."""
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.visits.server.url}])
    page.goto(desk.visits.server.url + path)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=SLOW
    )


def expect_no_editing(page: Page) -> None:
    """Fail when there is anything that changes something."""
    for name in EDITING:
        expect(page.get_by_role("button", name=name).filter(visible=True)).to_have_count(0)
    for each in (".zone", ".field select", ".viewer select", "[data-testid=stFileUploader]"):
        expect(page.locator(each)).to_have_count(0)


def test_a_patient_sees_their_pictures_and_changes_nothing(
    page: Page, desk: Desk, own: Batch, token: str
) -> None:
    go(page, desk, token, f"/?batch={own.id}")
    expect_banner(page, "Mary Kowalski")
    tile(page, 1).wait_for(timeout=SLOW)
    expect_no_editing(page)
    menu = page.get_by_test_id("stTopNavLink")
    assert not {"Patients", "Trash", "Users"} & set(menu.all_inner_texts())
    shot(page, "patient-images")
    before = desk.images(own)
    for key in ("Delete", "1", "z"):
        tile(page, 1).focus()
        page.keyboard.press(key)
    tile(page, 1).locator(".picture").click()
    expect(page.locator(".viewer .place")).to_have_text(re.compile("1 of 4"), timeout=SLOW)
    expect_no_editing(page)
    for key in ("Delete", "1", "z"):
        page.keyboard.press(key)
    shot(page, "patient-viewer")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the original").click()
    assert download.value.suggested_filename.endswith(".png")
    assert desk.images(own) == before


def test_other_ids_in_the_address_give_nothing(
    page: Page, desk: Desk, foreign: Batch, token: str, own: Batch
) -> None:
    image = desk.images(foreign)[0]["id"]
    places = (
        f"/?patient={foreign.patient_id}",
        f"/?batch={foreign.id}",
        f"/?patient={foreign.patient_id}&batch={foreign.id}&image={image}",
        f"/?batch={own.id}&image={image}",
        f"/patients?patient={foreign.patient_id}",
        f"/results?patient={foreign.patient_id}",
    )
    for place in places:
        go(page, desk, token, place)
        text = page.locator("body").inner_text()
        assert "Zander" not in text, place
        assert "8801" not in text, place
    with desk.visits.client(token) as client:
        for path in (f"images/{image}", f"images/{image}/display", f"images/batches/{foreign.id}",
                     f"images/batches/{foreign.id}/download", f"patients/{foreign.patient_id}",
                     f"patients/{foreign.patient_id}/results"):  # fmt: skip
            assert client.get(f"/api/{path}/").status_code == 404, path


def test_my_results_on_a_phone(phone: Page, desk: Desk, own: Batch, token: str) -> None:
    go(phone, desk, token, "/results")
    expect(phone.get_by_role("heading", name="Melanocytic nevus")).to_be_visible(timeout=SLOW)
    expect(phone.get_by_text("Not a diagnosis", exact=True)).to_be_visible()
    picture = phone.get_by_alt_text("The picture that was looked at")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    for scheme in SCHEMES:
        phone.emulate_media(color_scheme=scheme)
        expect(picture).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        shot(phone, f"patient-results-phone-{scheme}")
    go(phone, desk, token, f"/?batch={own.id}")
    for scheme in SCHEMES:
        phone.emulate_media(color_scheme=scheme)
        settle(phone)
        # While the page is drawn anew the grid before it may still be there.
        expect(tile(phone, 1)).to_have_count(1, timeout=SLOW)
        tile(phone, 1).wait_for(timeout=SLOW)
        expect_no_editing(phone)
        shot(phone, f"patient-images-phone-{scheme}")
