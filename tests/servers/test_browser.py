"""The browser of the tests notices what a page does wrong, and is not needed to run the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.browser import Watch, open_page
from tests.servers.imgcore_server import ROOT

pytest_plugins = ["pytester"]

PAGE = "<!doctype html><link rel=icon href=data:,><title>Images</title><h1>Images</h1>"
NEEDS_A_BROWSER = """
    def test_one(page): ...
    def test_two(browser): ...
    def test_three(): ...
"""


class Answer(BaseHTTPRequestHandler):
    """Answers every request with one page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Address of a server with one plain page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_sound_page_has_no_complaints(page: Page, watch: Watch, url: str) -> None:
    page.goto(url)
    assert page.title() == "Images"
    page.wait_for_timeout(100)
    assert watch.rest() == []


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            "new Image().src = 'http://pictures.example/a.png'",
            "foreign host: GET http://pictures.example/a.png",
        ),
        ("fetch('http://192.0.2.1/').catch(() => 0)", "foreign host: GET http://192.0.2.1/"),
        ("void new WebSocket('ws://news.example/')", "foreign host: websocket ws://news.example/"),
        ("setTimeout(() => { throw new Error('lost') })", "script error: lost"),
        ("console.error('the list is empty')", "console: the list is empty"),
    ],
)
def test_complaints_are_kept_until_allowed(
    page: Page, watch: Watch, url: str, script: str, complaint: str
) -> None:
    page.goto(url)
    page.evaluate(script)
    page.wait_for_timeout(300)
    assert any(line.startswith(complaint) for line in watch.rest())
    watch.allow(".")
    assert watch.rest() == []


def test_what_the_policy_of_the_page_stops_reached_nobody(page: Page, watch: Watch, url: str) -> None:
    page.goto(url)
    page.set_content("<meta http-equiv=Content-Security-Policy content=\"img-src 'self'\">")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://pictures.example/a.png'}))")
    page.wait_for_timeout(300)
    watch.allow("Content Security Policy")
    assert watch.rest() == []


def test_a_page_finds_nothing_that_one_before_it_has_left(browser: Browser, url: str) -> None:
    profile = browser.new_context()
    kept = "[document.cookie, localStorage.getItem('left'), sessionStorage.getItem('left')]"
    for _visit in range(2):
        with open_page(profile, Watch()) as page:
            page.goto(url)
            assert page.evaluate(kept) == ["", None, None]
            page.evaluate("document.cookie = 'left=1'; localStorage.left = sessionStorage.left = 1")
            assert page.evaluate(kept) == ["left=1", "1", "1"]
    profile.close()


def test_a_complaint_fails_the_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_one(page): page.evaluate(\"console.error('the list is empty')\")")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = pytester.runpytest_subprocess("-p", "tests.servers.fixtures")
    result.assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_without_chromium_the_others_run_and_one_line_says_so(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    pytester.makepyfile(NEEDS_A_BROWSER)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IMGCORE_CHROMIUM", "no-such-browser")
    monkeypatch.delenv("IMGCORE_CI", raising=False)
    result = pytester.runpytest_subprocess("-p", "tests.servers.fixtures", "-n", workers)
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["2 browser tests left out, no Chromium: *"])
    assert "error" not in result.parseoutcomes()


def test_without_chromium_ci_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(NEEDS_A_BROWSER)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IMGCORE_CHROMIUM", "no-such-browser")
    monkeypatch.setenv("IMGCORE_CI", "1")
    result = pytester.runpytest_subprocess("-p", "tests.servers.fixtures")
    result.assert_outcomes(passed=1, errors=2)
