"""One running clinic, and one browser that knows it, for all modules here that do not ask for their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.desks import Desk, open_desk
from tests.browser.photos import make_all
from tests.servers.browser import Watch, open_browser, open_page


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all modules here: none of them runs an event loop of its own."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic with an administrator who is signed in: a module counts and ends only what it has made.

    One that cannot keep to that has a clinic of its own.
    """
    with open_desk(tmp_path_factory.mktemp("clinic")) as desk:
        yield desk


@pytest.fixture(scope="package")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One profile: scripts that one test has fetched are there for the next."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="package")
def phone_profile(browser: Browser) -> Iterator[BrowserContext]:
    """One phone."""
    screen = {"width": 390, "height": 844}
    context = browser.new_context(viewport=screen, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    yield context
    context.close()


@pytest.fixture
def phone(phone_profile: BrowserContext, watch: Watch) -> Iterator[Page]:
    """A page as wide as a phone, that complains as ``page`` does."""
    with open_page(phone_profile, watch) as page:
        yield page


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The 45 files of a day: 40 photographs, and 5 that cannot be stored."""
    return make_all(tmp_path_factory.mktemp("photos"))
