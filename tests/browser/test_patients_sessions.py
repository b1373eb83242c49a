"""Nobody sees a patient without a session: not by a deep link, and not in a tab that was left open."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role
from imgcore.domain.records import Patient
from imgcore.ui.navigation import screens_of
from tests.browser.desks import SLOW, Desk, expect_banner
from tests.server.visits import ADMIN, PASSWORD
from tests.servers.browser import Watch

pytestmark = pytest.mark.xdist_group("patients-sessions")

BELOW_THE_PAGE = r"404 .*/_stcore/"
# What a tab is told when its session has ended, before it leaves.
REFUSED = r"401|WebSocket|Client Error"


@pytest.fixture(scope="module")
def patient(desk: Desk) -> Patient:
    """A patient with a batch."""
    patient = desk.patient()
    desk.batch(patient, images=1)
    return patient


def see(page: Page, desk: Desk, token: str, path: str) -> None:
    """Open a screen with a session, and wait until it shows the patient."""
    context = page.context
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.visits.server.url}])
    page.goto(desk.visits.server.url + path)
    expect_banner(page, "M. K.")


@pytest.mark.parametrize("screen", screens_of(Role.ADMIN), ids=lambda screen: screen.name)
def test_a_cold_deep_link_shows_only_the_sign_in_page(
    page: Page, desk: Desk, watch: Watch, patient: Patient, screen: object
) -> None:
    watch.allow(BELOW_THE_PAGE)
    name = getattr(screen, "name", "")
    path = f"/{'' if name == 'images' else name}?patient={patient.id}"
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(desk.visits.server.url + path)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url == f"{desk.visits.server.url}/auth/login?next={quote(path, safe='')}"
    assert sockets == []
    assert "M. K." not in page.content()
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")
    expect_banner(page, "M. K.")


def test_sign_out_in_one_tab_ends_the_others(page: Page, desk: Desk, watch: Watch, patient: Patient) -> None:
    watch.allow(BELOW_THE_PAGE)
    watch.allow(REFUSED)
    token = desk.visits.session()
    other = page.context.new_page()
    # It must hear of it from the first tab, without asking the server.
    other.route("**/auth/session", lambda route: route.abort())
    watch.allow("ERR_FAILED")
    see(other, desk, token, f"/?patient={patient.id}")
    see(page, desk, token, f"/account?patient={patient.id}")
    page.locator(".st-key-sign-out button").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.", timeout=SLOW)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=SLOW)
    assert other.url.endswith(quote(f"/?patient={patient.id}", safe=""))
    assert "M. K." not in other.content()


def test_a_tab_whose_session_was_ended_elsewhere_leaves_by_itself(
    page: Page, desk: Desk, watch: Watch, patient: Patient
) -> None:
    watch.allow(BELOW_THE_PAGE)
    watch.allow(REFUSED)
    token = desk.visits.session()
    see(page, desk, token, f"/account?patient={patient.id}")
    desk.visits.clinic.services.sign_in.end(desk.visits.actor(token))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=SLOW)


def test_a_click_after_the_session_has_ended_draws_nothing(
    page: Page, desk: Desk, watch: Watch, patient: Patient
) -> None:
    watch.allow(BELOW_THE_PAGE)
    watch.allow(REFUSED)
    token = desk.visits.session()
    # Whoever switches the watcher off sees no more than before.
    page.route("**/auth/session", lambda route: route.abort())
    watch.allow("ERR_FAILED")
    sent: list[str | None] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: sent.append(_kind(frame)))

    page.on("websocket", listen)
    see(page, desk, token, f"/account?patient={patient.id}")
    desk.visits.clinic.services.sign_in.end(desk.visits.actor(token))
    assert "delta" in sent
    sent.clear()
    page.get_by_role("link", name="Patients").click()
    page.wait_for_timeout(3000)
    assert "delta" not in sent
    expect(page.get_by_role("heading", name="Patients")).to_have_count(0)


def _kind(frame: str | bytes) -> str | None:
    message = ForwardMsg()
    if isinstance(frame, bytes):
        message.ParseFromString(frame)
    return message.WhichOneof("type")
