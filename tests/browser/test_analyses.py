"""Analyses in a browser: from the upload to history, release and dashboard, and results that wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch
from imgcore.domain.values import NewUser
from tests.analysis.inference import Answer, Inference, inference
from tests.browser.desks import (
    SCHEMES,
    SLOW,
    Desk,
    allow_filmstrip,
    choose_files,
    expect_badge,
    open_desk,
    settle,
    tile,
)
from tests.imaging.pictures import noise, saved
from tests.server.visits import ADMIN, PASSWORD
from tests.servers.browser import Watch, open_page, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("analyses")

PROBES = r"/(analyses|dashboard|results|sets)/_stcore/(health|host-config)"
UPLOAD = 90_000
HIDDEN = "Hidden until you have your own impression"
CALM = Answer({"calm": 0.9, "urgent": 0.1})
CARD = """
name = "slow-check"
version = "1.0"
title = "Slow check"
intended_use = "Tests."
limits = "Tests."
kind = "http"
labels = ["calm", "urgent"]
[server]
url = "{url}"
timeout = 300
"""


@pytest.fixture(autouse=True)
def complaints_allowed(watch: Watch) -> None:
    watch.allow(PROBES)
    watch.allow("page that you have requested does not seem to exist")  # a patient at the page of all
    allow_filmstrip(watch)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Inference]]:
    """A clinic where results wait until somebody has an impression of their own.

    It has a model whose server answers when the test wants.
    """
    models = tmp_path_factory.mktemp("models")
    with inference() as server:
        (models / "slow").mkdir()
        (models / "slow" / "card.toml").write_text(CARD.format(url=server.url), encoding="utf-8")
        settings = {"IMGCORE_MODELS_DIR": str(models), "IMGCORE_HIDE_RESULTS_UNTIL_IMPRESSION": "true"}
        with open_desk(tmp_path_factory.mktemp("strict"), settings) as desk:
            yield desk, server


def photo(number: int) -> FilePayload:
    """Return a photograph that is chosen without lying on the disk."""
    content = saved(noise((640, 480), seed=number), "JPEG")
    return {"name": f"mole-{number}.jpg", "mimeType": "image/jpeg", "buffer": content}


def cards(page: Page | Locator) -> Locator:
    return page.locator(".imgcore-analysis")


def click(page: Page, button: Locator) -> None:
    """Click a button once nothing is being drawn any more."""
    expect(button).to_be_visible(timeout=SLOW)
    settle(page)
    button.click()


def run(page: Page) -> None:
    """Start the run that the open dialog is about."""
    click(page, page.get_by_role("dialog").get_by_role("button", name="Analyse"))


def to_results(page: Page) -> None:
    """Wait until the run has ended, and go on to what came of it."""
    click(page, page.get_by_role("button", name="See the results"))
    expect(page.get_by_role("heading", name="Analyses")).to_be_visible(timeout=SLOW)


def test_from_the_upload_to_history_release_and_dashboard(
    page: Page, browser: Browser, desk: Desk, watch: Watch
) -> None:
    batch = desk.batch(desk.patient())
    upload(page, desk, batch)
    for number in (1, 2):
        tile(page, number).locator("input").check()
    click(page, page.locator(".bar").get_by_role("button", name="Analyse"))
    expect(page.get_by_role("dialog")).to_contain_text("not a diagnosis")
    shot(page, "analyses-dialog")
    run(page)
    expect(page.get_by_text("Capture quality: 2 analysed")).to_be_visible(timeout=SLOW)
    expect(page.locator(".bar")).to_contain_text("2 selected")
    shot(page, "analyses-strip")
    to_results(page)
    expect(page).to_have_url(re.compile(f"/analyses.*patient={batch.patient_id}.*model=capture-quality"))
    expect(cards(page)).to_have_count(2, timeout=SLOW)
    for card in cards(page).all():
        expect(card).to_contain_text("Not a diagnosis")
        expect(card.locator("img")).to_have_js_property("complete", True)
    shot(page, "analyses-history")
    release(page)
    seen_by_the_patient(browser, desk, batch, watch)
    page.goto(f"{desk.visits.server.url}/dashboard?patient={batch.patient_id}&only=1")
    expect(page.get_by_text(re.compile("Of the newest 2 results"))).to_be_visible(timeout=SLOW)
    take_back(page, desk, batch)


def upload(page: Page, desk: Desk, batch: Batch) -> None:
    desk.open(page, batch)
    choose_files(page, *map(photo, range(1, 4)))
    send = page.get_by_role("button", name=re.compile("Upload 3 images to"))
    expect(send).to_be_visible(timeout=UPLOAD)
    send.click()
    expect_badge(page, "3 images")
    expect(tile(page, 3).locator("input")).to_be_visible(timeout=SLOW)


def release(page: Page) -> None:
    click(page, page.get_by_role("button", name="Release to the patient").first)
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("My results")
    click(page, question.get_by_role("button", name="Release", exact=True))
    expect(page.get_by_text("Released to the patient")).to_be_visible(timeout=SLOW)


def take_back(page: Page, desk: Desk, batch: Batch) -> None:
    page.goto(f"{desk.visits.server.url}/analyses?patient={batch.patient_id}")
    click(page, page.get_by_role("button", name="Take back").first)
    click(page, page.get_by_role("dialog").get_by_role("button", name="Take back"))
    expect(page.get_by_role("button", name="Release to the patient")).to_have_count(2, timeout=SLOW)


def seen_by_the_patient(browser: Browser, desk: Desk, batch: Batch, watch: Watch) -> None:
    new = {"email": "nine@home.example", "name": "Mary Kowalski", "role": Role.PATIENT, "password": PASSWORD}
    account = NewUser.model_validate(new | {"patient_id": str(batch.patient_id)})
    desk.visits.clinic.services.accounts.create(system(), account)
    context = browser.new_context()
    with open_page(context, watch) as own:
        token = desk.visits.session("nine@home.example")
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.visits.server.url}])
        own.goto(f"{desk.visits.server.url}/results")
        expect(own.locator(".imgcore-result")).to_have_count(1, timeout=SLOW)
        expect(own.get_by_text("Not a diagnosis", exact=True)).to_be_visible()
        own.goto(f"{desk.visits.server.url}/analyses")
        expect(own.get_by_test_id("stApp")).to_be_visible(timeout=SLOW)
        settle(own)
        expect(cards(own)).to_have_count(0)
    context.close()


def test_a_link_to_some_results_survives_the_sign_in(page: Page, desk: Desk) -> None:
    batch = filled(desk)
    address = f"/analyses?patient={batch.patient_id}&model=capture-quality+1&from=2025-01-02"
    page.goto(desk.visits.server.url + address)
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(cards(page)).to_have_count(2, timeout=SLOW)
    expect(page).to_have_url(re.compile(r"model=capture-quality(\+|%20)1.*from=2025-01-02"))
    click(page, page.get_by_role("button", name="Open the picture").first)
    expect(page.locator(".viewer .place")).to_have_text(re.compile(r"\d of 2"), timeout=SLOW)
    click(page, page.get_by_role("button", name="Results of this picture"))
    expect(cards(page.get_by_role("dialog"))).to_have_count(1, timeout=SLOW)
    shot(page, "analyses-viewer")
    click(page, page.get_by_role("dialog").get_by_role("button", name="Open in Analyses"))
    expect(page.get_by_text("Only the results of one picture.")).to_be_visible(timeout=SLOW)
    expect(cards(page)).to_have_count(1, timeout=SLOW)


def test_a_batch_is_analysed_from_its_menu(page: Page, desk: Desk) -> None:
    batch = desk.batch(desk.patient(), images=2)
    desk.open(page, batch)
    click(page, page.get_by_role("button", name=re.compile("^More for ")))
    page.get_by_text("Analyse all images").click()
    expect(page.get_by_role("dialog")).to_contain_text("Analyse 2 images", timeout=SLOW)
    run(page)
    to_results(page)
    expect(cards(page)).to_have_count(2, timeout=SLOW)
    page.get_by_test_id("stApp").get_by_text("Jobs", exact=True).click()
    expect(page.get_by_text("analysed: 2").first).to_be_visible(timeout=SLOW)


def test_a_run_is_cancelled_midway_and_keeps_what_was_done(
    page: Page, strict: tuple[Desk, Inference], watch: Watch
) -> None:
    desk, server = strict
    server.will(*[CALM] * 4, Answer(wait=True))  # the first group is four images
    batch = desk.batch(desk.patient(), images=9)
    desk.sign_in(page)
    address = f"{desk.visits.server.url}/analyses?patient={batch.patient_id}"
    page.goto(address)
    click(page, page.get_by_role("button", name="Analyse all of"))
    click(page, page.get_by_role("dialog").get_by_role("combobox"))
    page.get_by_role("option", name="Slow check").click()
    run(page)
    expect(page.get_by_text("Slow check: 4 of 9 images")).to_be_visible(timeout=SLOW)
    second = page.context.new_page()
    second.goto(desk.visits.server.url)
    expect(second.get_by_text("Slow check: 4 of 9 images")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Cancel").click()
    for tab in (page, second):
        expect(tab.get_by_text("Slow check: cancelled after 4 images")).to_be_visible(timeout=SLOW)
    expect(cards(page)).to_have_count(4, timeout=SLOW)
    shot(page, "analyses-cancelled")
    server.will(CALM)
    click(page, page.get_by_role("button", name="Try again"))
    expect(page.get_by_text("Slow check: 5 analysed, 4 known before")).to_be_visible(timeout=SLOW)
    expect(cards(page)).to_have_count(9, timeout=SLOW)


def test_what_is_filtered_comes_back_with_the_back_button(page: Page, desk: Desk) -> None:
    batch = filled(desk)
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/analyses?patient={batch.patient_id}&model=capture-quality")
    expect(cards(page)).to_have_count(2, timeout=SLOW)
    settle(page)
    page.get_by_text("With errors").click()
    expect(page).to_have_url(re.compile("errors=0"))
    settle(page)
    click(page, page.get_by_role("button", name="Open the picture").first)
    expect(page.locator(".viewer .place")).to_have_text(re.compile(r"\d of 2"), timeout=SLOW)
    page.go_back()  # Streamlit leaves an entry of its own between two screens
    settle(page)
    page.go_back()
    expect(page).to_have_url(re.compile("/analyses.*model=capture-quality.*errors=0"), timeout=SLOW)
    expect(cards(page)).to_have_count(2, timeout=SLOW)
    expect(page.get_by_role("checkbox", name="With errors")).not_to_be_checked()


def test_a_result_waits_for_an_impression_and_then_both_are_shown(
    page: Page, strict: tuple[Desk, Inference]
) -> None:
    desk, _server = strict
    batch = filled(desk, images=1)
    desk.sign_in(page)
    page.goto(f"{desk.visits.server.url}/analyses?patient={batch.patient_id}")
    card = cards(page)
    expect(card).to_contain_text(HIDDEN, timeout=SLOW)
    expect(card).not_to_contain_text("Sharpness")
    settle(page)
    shot(page, "analyses-hidden")
    page.get_by_label("Your impression").fill("Sharp enough, no glare.")
    click(page, page.get_by_role("button", name="Keep my impression"))
    expect(card).to_contain_text("Sharp enough, no glare.", timeout=SLOW)
    expect(card).to_contain_text("Sharpness")
    shot(page, "analyses-impression")
    page.reload()
    expect(card).to_contain_text("Sharp enough, no glare.", timeout=SLOW)


def test_it_fits_on_a_phone(phone: Page, desk: Desk) -> None:
    batch = filled(desk)
    desk.sign_in(phone)
    address = f"{desk.visits.server.url}/analyses?patient={batch.patient_id}"
    for part, found in (("", cards(phone).first), ("&part=trends", phone.get_by_test_id("stVegaLiteChart"))):
        phone.goto(address + part)
        for scheme in SCHEMES:
            phone.emulate_media(color_scheme=scheme)
            expect(found).to_be_visible(timeout=SLOW)
            settle(phone)
            assert phone.evaluate("document.documentElement.scrollWidth") <= 390
            shot(phone, f"analyses-phone-{part[6:] or 'history'}-{scheme}")


def filled(desk: Desk, images: int = 2) -> Batch:
    """Return a batch whose images have a result of the shipped model."""
    batch = desk.batch(desk.patient(), images=images)
    for image in desk.images(batch):
        desk.visits.clinic.services.analyses.run(desk.actor, UUID(image["id"]))
    return batch
