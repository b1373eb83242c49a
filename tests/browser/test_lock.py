"""A screen that was left alone is locked: nothing is seen or done there, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

import httpx2
import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from imgcore.config import SESSION_COOKIE
from imgcore.db.tables import UserSession
from imgcore.domain.records import Batch
from imgcore.services.work import utc_now
from tests.browser.desks import SLOW, Desk, open_desk
from tests.server.visits import OURS, PASSWORD
from tests.servers.browser import Watch, shot

pytestmark = pytest.mark.xdist_group("lock")

LOCKED = r"401 .*|Client Error"


@pytest.fixture(scope="module")
def batch(desk: Desk) -> Batch:
    """A batch with an image."""
    return desk.batch(desk.patient(), images=1)


# The answers of a busy server: the first moves come before it is known how often to tell them.
LATE = """
const ask = window.fetch;
window.fetch = async (...all) => {
  const answer = await ask(...all);
  await new Promise((done) => setTimeout(done, 1500));
  return answer;
};
"""


def used(desk: Desk, at: datetime) -> None:
    """Let every session have been used at this moment, and not since."""
    with desk.visits.clinic.database.write() as session:
        session.execute(sa.update(UserSession).values(seen_at=at))


@pytest.fixture(autouse=True)
def in_use(desk: Desk) -> Iterator[None]:
    """Begin and end each test with sessions that were used just now."""
    used(desk, utc_now())
    yield
    used(desk, utc_now())


def leave_alone(desk: Desk) -> None:
    """Let twenty minutes go by in which nobody uses any session."""
    used(desk, utc_now() - timedelta(minutes=20))


def sheet(page: Page) -> Locator:
    """Return the sheet over a locked page."""
    return page.get_by_role("dialog", name="Imgcore is locked")


def wake(page: Page) -> None:
    """Let the page look how its session stands, as when somebody comes back to its window."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def open_new_batch(page: Page, desk: Desk, batch: Batch) -> Locator:
    """Open the dialog for a new batch, and return the field for its name."""
    desk.open(page, batch)
    page.get_by_role("button", name="New batch").first.click()
    field = page.get_by_role("dialog").get_by_label("Name")
    expect(field).to_be_visible(timeout=SLOW)
    return field


def test_what_was_typed_survives_the_lock(page: Page, desk: Desk, watch: Watch, batch: Batch) -> None:
    watch.allow(LOCKED)
    watch.allow("403")
    field = open_new_batch(page, desk, batch)
    field.press_sequentially("Left heel, before")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    leave_alone(desk)
    wake(page)
    expect(sheet(page)).to_be_visible(timeout=SLOW)
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.locator(".imgcore-banner").first).to_be_hidden()
    # Neither a click behind the sheet, nor Escape, nor a program with the cookie gets anywhere.
    page.mouse.click(5, 5)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(sheet(page)).to_be_visible()
    answer = page.request.get(f"{desk.visits.server.url}/api/patients/")
    assert (answer.status, answer.json()["error"]["code"]) == (401, "locked")
    page.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(sheet(page).get_by_role("alert")).to_have_text("The password is wrong.", timeout=SLOW)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(sheet(page)).to_have_count(0, timeout=SLOW)
    expect(field).to_have_value("Left heel, before")
    assert sockets == []
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Left heel, before")).to_be_visible(timeout=SLOW)


def test_a_locked_tab_can_draw_nothing(page: Page, desk: Desk, watch: Watch, batch: Batch) -> None:
    watch.allow("ERR_FAILED")
    # Whoever switches the watcher off gets no sheet, and no answer either.
    page.route("**/auth/session", lambda route: route.abort())
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(1)))
    desk.open(page, batch)
    page.wait_for_timeout(1000)
    leave_alone(desk)
    before = len(frames)
    page.get_by_role("button", name="New batch").first.click()
    page.wait_for_timeout(3000)
    assert len(frames) == before
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_all_tabs_lock_and_unlock_together(page: Page, desk: Desk, watch: Watch, batch: Batch) -> None:
    watch.allow(LOCKED)
    desk.open(page, batch)
    other = page.context.new_page()
    desk.open(other, batch)
    leave_alone(desk)
    for each in (page, other):
        wake(each)
        expect(sheet(each)).to_be_visible(timeout=SLOW)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    for each in (page, other):
        expect(sheet(each)).to_have_count(0, timeout=SLOW)


def test_a_page_that_is_loaded_while_locked_asks_first_and_comes_back(
    page: Page, desk: Desk, watch: Watch, batch: Batch
) -> None:
    watch.allow(r"404 .*/_stcore/")
    desk.sign_in(page)
    leave_alone(desk)
    page.goto(desk.address(batch))
    expect(page.get_by_role("heading", name="Imgcore is locked")).to_be_visible()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(desk.address(batch))
    expect(page.locator(".imgcore-banner:visible").first).to_be_visible(timeout=SLOW)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic that locks after twelve seconds."""
    with open_desk(tmp_path_factory.mktemp("hasty"), {"IMGCORE_LOCK_MINUTES": "0.2"}) as desk:
        yield desk


def test_it_locks_by_itself_and_not_while_somebody_moves(page: Page, hasty: Desk, watch: Watch) -> None:
    watch.allow(LOCKED)
    batch = hasty.batch(hasty.patient(), images=1)
    token = hasty.visits.session()
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": hasty.visits.server.url}])
    page.add_init_script(LATE)
    # The first drawing may take longer than the twelve seconds.
    used(hasty, utc_now() + timedelta(minutes=1))
    page.goto(hasty.address(batch))
    page.wait_for_load_state()
    for step in range(200):
        page.mouse.move(300 + step, 300)
        page.wait_for_timeout(100)
    expect(page.locator(".imgcore-banner:visible").first).to_be_visible(timeout=SLOW)
    expect(sheet(page)).to_have_count(0)
    expect(sheet(page)).to_be_visible(timeout=SLOW)
    headers = {**OURS, "Cookie": f"{SESSION_COOKIE}={token}"}
    state = httpx2.get(f"{hasty.visits.server.url}/auth/session", headers=headers, timeout=60).json()
    assert state["is_locked"] is True


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sheet_fits_every_screen(
    page: Page, desk: Desk, watch: Watch, batch: Batch, scheme: Literal["light", "dark"]
) -> None:
    watch.allow(LOCKED)
    page.emulate_media(color_scheme=scheme)
    desk.open(page, batch)
    leave_alone(desk)
    wake(page)
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 844})
        expect(sheet(page)).to_be_visible(timeout=SLOW)
        shot(page, f"locked-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
