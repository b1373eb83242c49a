"""Image sets in the browser: made from a selection, looked at by a reviewer, opened by a guest with a PIN."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role
from imgcore.domain.records import Batch
from imgcore.domain.sets import ImageSet, NewImageSet, NewShare
from tests.browser.desks import SLOW, Desk, tile
from tests.imaging.pictures import exif, noise, saved
from tests.servers.browser import Watch, shot

# One worker, one clinic.
pytestmark = pytest.mark.xdist_group("image-sets")

PERSON = "Zebulon Quartz"
PRIVATE = (PERSON, "Quartz", "1951-02-03", "zq-photo", "heel of Z")


@pytest.fixture
def batch(desk: Desk) -> Batch:
    """Three photographs of a patient who agreed; their files name the owner."""
    agreed = {"consent_record": {"given_on": "2025-11-06"}}
    patient = desk.patient(name=PERSON, birth_on="1951-02-03", **agreed)
    batch = desk.batch(patient)
    owner = exif(Artist=PERSON, DateTimeOriginal="2025:11:06 10:00:00")
    files = {f"zq-photo-{n}.jpg": saved(noise(seed=n), "JPEG", exif=owner) for n in range(1, 4)}
    desk.send(batch, files)
    with desk.visits.client(desk.token) as client:
        for image in desk.images(batch):
            client.patch(f"/api/images/{image['id']}/", json={"caption": "heel of Z"})
    return desk.visits.clinic.services.batches.get(desk.actor, batch.id)


def make(desk: Desk, batch: Batch) -> ImageSet:
    new = NewImageSet(name="Heels", purpose="record", image_ids=[each["id"] for each in desk.images(batch)])
    return desk.visits.clinic.services.image_sets.create(desk.actor, new).image_set


def test_a_second_opinion_from_selection_to_answer(
    page: Page, browser: Browser, desk: Desk, batch: Batch
) -> None:
    desk.open(page, batch)
    for number in (1, 3):
        tile(page, number).locator("input").check()
    page.get_by_role("button", name="Share for a second opinion").click()
    page.get_by_label("For whom").fill("Dr Berg", timeout=SLOW)
    page.get_by_role("button", name="Make link and PIN").click()
    codes = page.get_by_role("dialog").locator("code")
    expect(codes).to_have_count(2, timeout=SLOW)
    link, pin = codes.all_inner_texts()
    shot(page, "set-link-and-pin")

    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    guest = context.new_page()
    addresses = asked_for(guest)
    guest.goto(link)
    guest.get_by_label("PIN").fill("000000" if pin != "000000" else "111111")
    guest.get_by_role("button", name="Show the pictures").click()
    expect(guest.get_by_role("alert")).to_contain_text("The link or the PIN is wrong.")
    guest.get_by_label("PIN").fill(pin)
    guest.get_by_role("button", name="Show the pictures").click()
    pictures = guest.locator(".pictures img")
    expect(pictures).to_have_count(2)
    assert link.rpartition("/")[2] not in guest.url
    guest.locator(".pictures a").first.click()
    expect(guest.get_by_text("1 of 2")).to_be_visible()
    guest.get_by_role("link", name="Next").click()
    expect(guest.locator("img.large")).to_have_js_property("complete", True)
    guest.get_by_role("link", name="All pictures").click()
    guest.get_by_label("Your name").fill("Dr Berg")
    guest.get_by_label("Answer", exact=True).fill("It is infected.")
    guest.get_by_role("button", name="Send the answer").click()
    expect(guest.get_by_role("status")).to_have_text("Your answer was sent. Thank you.")
    shot(guest, "set-guest-phone")
    tell_nothing(guest, addresses)

    page.get_by_role("button", name="Open the image set").click()
    expect(page.get_by_text("It is infected.")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Revoke the link for Dr Berg").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked", exact=True)).to_be_visible(timeout=SLOW)
    for _stopped in (guest.reload(), guest.goto(link)):
        expect(guest.get_by_role("heading")).to_have_text("This link no longer works.")
    context.close()


def test_a_reviewer_sees_theirs_and_nothing_else(page: Page, desk: Desk, batch: Batch, watch: Watch) -> None:
    given, other = make(desk, batch), make(desk, batch)
    email = f"{uuid4().hex}@clinic.example"
    reviewer = desk.visits.add(email, Role.REVIEWER)
    assert reviewer.user_id
    services = desk.visits.clinic.services
    services.image_sets.give(desk.actor, given.id, reviewer.user_id)
    services.shares.create(desk.actor, given.id, NewShare(label="Dr Berg"))
    token = desk.visits.session(email)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.visits.server.url}])
    addresses = asked_for(page)
    page.goto(desk.visits.server.url)
    page.get_by_role("button", name="Heels").click(timeout=SLOW)
    expect(page.locator(".imgcore-set-picture img")).to_have_count(3, timeout=SLOW)
    shot(page, "set-reviewer")
    page.get_by_role("button", name="picture 1").press("Enter")
    large = page.locator(".imgcore-set-large img")
    expect(large).to_have_attribute("src", re.compile("/images/1/picture/"), timeout=SLOW)
    page.keyboard.press("ArrowRight")
    expect(large).to_have_attribute("src", re.compile("/images/2/picture/"), timeout=SLOW)
    page.keyboard.press("ArrowLeft")
    expect(large).to_have_attribute("src", re.compile("/images/1/picture/"), timeout=SLOW)
    page.keyboard.press("Escape")
    expect(page.locator(".imgcore-set-picture img")).to_have_count(3, timeout=SLOW)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "Heels.zip"
    assert not [word for word in PRIVATE if word in page.content()]
    tell_nothing(page, addresses)
    with desk.visits.client(token) as client:
        assert client.get(f"/api/image-sets/{other.id}/").status_code == 404
        assert client.get(f"/api/patients/{batch.patient_id}/").status_code in (403, 404)
        assert client.get(f"/api/images/{desk.images(batch)[0]['id']}/display/").status_code in (403, 404)
    services.image_sets.take_back(desk.actor, given.id, reviewer.user_id)
    page.reload()
    expect(page.get_by_text("was not given to you")).to_be_visible(timeout=SLOW)
    watch.allow("status of 404")  # the pictures of a set that was taken back


def asked_for(page: Page) -> set[str]:
    """Collect the addresses of our own routes that a page asks for from now on."""
    found: set[str] = set()

    def note(request: Request) -> None:
        if request.method == "GET" and urlsplit(request.url).path.startswith(("/share/", "/api/")):
            found.add(request.url)

    page.on("request", note)
    return found


def tell_nothing(page: Page, addresses: set[str]) -> None:
    """Look through every body that the page was given for what leads to the patient."""
    for address in addresses:
        answer = page.context.request.get(address)
        assert answer.status == 200, address
        body = answer.body() + str(answer.headers).encode()
        assert [word for word in PRIVATE if word.encode() in body] == [], address
    assert len(addresses) > 3
