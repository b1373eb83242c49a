"""A real browser that tolerates nothing a clinic would not: foreign hosts, script errors, complaints."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    WebSocket,
    expect,
    sync_playwright,
)

SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
HOW_TO_GET = "apt-get install chromium, or set IMGCORE_CHROMIUM to its path"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No foreign host has an address. Stopping requests one by one would switch off the browser's cache.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# Milliseconds that an expectation waits by itself: a busy machine may take its time over each drawing.
PATIENCE = 30_000
# They name no host.
LOCAL_SCHEMES = ("about", "blob", "data")
# What a page may leave in a profile, but for cookies and for what was fetched.
LEFT_BEHIND = "local_storage,indexeddb,cache_storage,service_workers,file_systems"

# The servers that a profile has visited, with their schemes.
_kept: WeakKeyDictionary[BrowserContext, set[str]] = WeakKeyDictionary()


def find_chromium() -> str | None:
    """Return the path of Chromium: the one set in ``IMGCORE_CHROMIUM``, or the system's.

    The build that has no window at all comes first: it is the same browser, and takes a quarter less time.
    """
    if path := os.environ.get("IMGCORE_CHROMIUM"):
        return path if Path(path).exists() else None
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium without a window, and end it."""
    path = find_chromium()
    if path is None:
        raise RuntimeError(f"Chromium is missing: {HOW_TO_GET}")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What a page did that it should not have: each a line in ``complaints``.

    The server is the one whose page is opened first; requests to any other count as foreign.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.visited: set[str] = set()
        self._origins: set[str] = set()
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Let complaints pass, earlier ones too, in which the regular expression is found."""
        self._allowed.append(re.compile(pattern))

    def allow_origin(self, url: str) -> None:
        """Let the page ask a second server too."""
        self._origins.add(_origin(url))

    def rest(self) -> list[str]:
        """Return the complaints that no pattern allows."""
        return [line for line in self.complaints if not any(each.search(line) for each in self._allowed)]

    @contextmanager
    def observing(self, context: BrowserContext) -> Iterator[None]:
        """Listen to every page of a context for a while."""
        listeners: dict[str, Any] = {
            "request": self._on_request,
            "requestfailed": self._on_failure,
            "console": self._on_console,
            "weberror": self._on_error,
            "page": lambda page: page.on("websocket", self._on_websocket),
        }
        for event, listener in listeners.items():
            context.on(event, listener)  # type: ignore[call-overload]
        yield
        for event, listener in listeners.items():
            context.remove_listener(event, listener)

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request():
            self.visited.add(f"{urlsplit(request.url).scheme}://{_origin(request.url)}")
            if not self._origins:
                self.allow_origin(request.url)
        if self._is_foreign(request.url):
            self.complaints.append(_foreign(request))

    def _on_failure(self, request: Request) -> None:
        """Take back what the page's own content security policy has stopped: nobody was asked."""
        if request.failure == "csp" and _foreign(request) in self.complaints:
            self.complaints.remove(_foreign(request))

    def _on_websocket(self, socket: WebSocket) -> None:
        if self._is_foreign(socket.url):
            self.complaints.append(f"foreign host: websocket {socket.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self.complaints.append(f"script error: {error.error}")

    def _is_foreign(self, url: str) -> bool:
        return urlsplit(url).scheme not in LOCAL_SCHEMES and _origin(url) not in self._origins


@contextmanager
def open_page(profile: BrowserContext, watch: Watch) -> Iterator[Page]:
    """Open a page that remembers nothing but what was fetched; fail at the end for what nobody allowed."""
    profile.clear_cookies()
    with watch.observing(profile):
        page = profile.new_page()
        _forget(page)
        yield page
        for page in profile.pages:
            page.close()
    _kept.setdefault(profile, set()).update(watch.visited)
    assert watch.rest() == []


def _forget(page: Page) -> None:
    """Empty what the servers that were visited before have left in the profile of a new page."""
    if visited := _kept.pop(page.context, None):
        session = page.context.new_cdp_session(page)
        for origin in visited:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": LEFT_BEHIND})
        session.detach()


def shot(page: Page, name: str) -> Path:
    """Keep a picture of the page as ``.screenshots/<name>.png``, for a person to look at."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path


def _foreign(request: Request) -> str:
    return f"foreign host: {request.method} {request.url}"


def _origin(url: str) -> str:
    """Return host and port: the websocket of a server counts as the server."""
    return urlsplit(url).netloc
