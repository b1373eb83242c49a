"""Fixtures that hand a test its servers and its browser, and clean up behind it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page

from tests.servers.browser import HOW_TO_GET, Watch, find_chromium, open_browser
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.postgres import Postgres
from tests.servers.seaweedfs import SeaweedFS

# The folder that all processes of one test run share; short, for the sockets in it.
RUN = "IMGCORE_TEST_RUN"
LEFT_OUT = "browser-tests-left-out"


def run_folder() -> Path:
    """Return the folder that all processes of this test run share."""
    return Path(os.environ[RUN])


def _leads(config: pytest.Config) -> bool:
    """Tell the process that started the run from the workers that it started."""
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Make the shared folder before the first worker starts."""
    if _leads(config):
        os.environ[RUN] = tempfile.mkdtemp(prefix="imgcore-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the workers shared, when the last of them has ended."""
    if _leads(config) and RUN in os.environ:
        Postgres(run_folder() / "postgres").stop()
        shutil.rmtree(os.environ.pop(RUN))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need a browser, and leave them out where there is none.

    In CI they stay, and fail.
    """
    browsing = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    for item in browsing:
        item.add_marker("browser")
    if browsing and find_chromium() is None and "IMGCORE_CI" not in os.environ:
        config.hook.pytest_deselected(items=browsing)
        items[:] = [item for item in items if item not in browsing]
        (run_folder() / LEFT_OUT).write_text(str(len(browsing)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line which tests were left out, and how to have them."""
    note = run_folder() / LEFT_OUT
    if note.exists():
        terminalreporter.write_line(f"{note.read_text()} browser tests left out, no Chromium: {HOW_TO_GET}")


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """One PostgreSQL server for all workers, started by the first test of the run that asks."""
    server = Postgres(run_folder() / "postgres")
    with FileLock(run_folder() / "postgres.lock"):
        server.start()
    return server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def outer_stores(postgres: Postgres, seaweedfs: SeaweedFS) -> Iterator[dict[str, str]]:
    """Settings with which a server keeps its rows in PostgreSQL and its pictures in S3, both empty.

    Mark the test ``xdist_group("seaweedfs")``.
    """
    url = postgres.create_database()
    stores = {"IMGCORE_DATABASE_URL": url, "IMGCORE_STORAGE_URL": seaweedfs.storage_url(uuid4().hex)}
    yield stores | seaweedfs.environment
    postgres.drop_database(url)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ImgcoreServer]]:
    """Start servers of the product, each in a folder of its own; fail when one leaves a process behind.

    Takes ``kind`` and ``env`` as ``ImgcoreServer`` does, and ``folder`` for servers that share one.
    """
    servers: list[ImgcoreServer] = []

    def start(*, folder: Path | None = None, **options: object) -> ImgcoreServer:
        server = ImgcoreServer(folder or tmp_path / f"server{len(servers)}", **options)  # type: ignore[arg-type]
        servers.append(server)
        return stack.enter_context(server)

    try:
        with ExitStack() as stack:
            yield start
    finally:
        for server in servers:
            print(f"--- {server.url}, {server.log}\n{server.last_lines()}")


# Not for the whole session: while it lives, asyncio.run() fails in this process.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def watch() -> Watch:
    """What ``page`` complains of; a test that expects a complaint allows it here."""
    return Watch()


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """A page of 1400 x 900, in a profile of its own; complaints that no test allowed fail it at the end."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    watch.observe(context)
    yield context.new_page()
    context.close()
    assert watch.rest() == []
