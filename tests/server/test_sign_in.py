"""Sign-in in a real browser: by keyboard alone, on a phone, in the dark, and with no complaint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.server.visits import ADMIN, PASSWORD, WITH_ADMIN
from tests.servers.browser import Watch, shot
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("sign_in")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImgcoreServer]:
    """One server for the tests of the module."""
    with ImgcoreServer(tmp_path_factory.mktemp("server"), env=WITH_ADMIN) as server:
        yield server


def test_a_deep_link_survives_sign_in_by_keyboard_alone(
    server: ImgcoreServer, page: Page, watch: Watch
) -> None:
    # Streamlit looks for its server below the page first.
    watch.allow(r"404 .*/visits/_stcore/")
    page.goto(f"{server.url}/visits?seen=5")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.keyboard.type(ADMIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/visits?seen=5*")
    expect(page.get_by_test_id("stApp")).to_be_visible()


def test_a_wrong_password_is_told_and_the_address_stays(
    server: ImgcoreServer, page: Page, watch: Watch
) -> None:
    watch.allow("401")
    page.goto(f"{server.url}/auth/login")
    page.get_by_label("E-mail").fill("nobody@clinic.example")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(page.get_by_label("E-mail")).to_have_value("nobody@clinic.example")
    expect(page.get_by_label("Password")).to_be_focused()


def test_sign_out_shows_sign_in_even_to_the_back_button(server: ImgcoreServer, page: Page) -> None:
    page.goto(f"{server.url}/auth/login")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stApp")).to_be_visible()
    page.goto(f"{server.url}/auth/logout")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImgcoreServer]:
    """A server that nobody has set up."""
    with ImgcoreServer(tmp_path_factory.mktemp("untouched")) as server:
        yield server


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_pages_fit_every_screen(
    page: Page, untouched: ImgcoreServer, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{untouched.url}/auth/setup")
    shot(page, f"set-up-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
