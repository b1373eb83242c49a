"""Fixtures that hand a test its servers and its browser, and clean up behind it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, Page

from tests.servers import redis
from tests.servers.browser import HOW_TO_GET, Watch, find_chromium, open_browser, open_page
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.postgres import Postgres
from tests.servers.seaweedfs import SeaweedFS

# The folder that all processes of one test run share; short, for the sockets in it.
RUN = "IMGCORE_TEST_RUN"
# Where files are kept in memory, and how many bytes a run may fill there.
IN_MEMORY = Path("/dev/shm")
ENOUGH = 4 * 2**30
LEFT_OUT = "-tests-left-out"
# What no package of Python brings, by the mark of the tests that need it.
OF_THE_SYSTEM = {
    "browser": ("Chromium", find_chromium, HOW_TO_GET),
    "redis": ("Redis", redis.find_redis, redis.HOW_TO_GET),
}


def run_folder() -> Path:
    """Return the folder that all processes of this test run share."""
    return Path(os.environ[RUN])


def _leads(config: pytest.Config) -> bool:
    """Tell the process that started the run from the workers that it started."""
    return not hasattr(config, "workerinput")


def _memory() -> Path | None:
    """Return the folder whose files are in memory, if there is room for a run: nobody waits for a disk.

    Programs must be able to start from it, for some tests write their own.
    """
    try:
        here = os.statvfs(IN_MEMORY)
    except OSError:
        return None
    room = min(here.f_bavail * here.f_frsize, psutil.virtual_memory().available // 2)
    can_run = not here.f_flag & os.ST_NOEXEC
    return IN_MEMORY if "TMPDIR" not in os.environ and can_run and room >= ENOUGH else None


def pytest_configure(config: pytest.Config) -> None:
    """Make the shared folder before the first worker starts."""
    if _leads(config):
        os.environ[RUN] = tempfile.mkdtemp(prefix="imgcore-", dir=_memory())
        run_folder().chmod(0o1777)  # as the system's own: some tests go on as another user
        # Whatever is written in this run, servers and browsers included, goes with its folder.
        tempfile.tempdir = os.environ["TMPDIR"] = os.environ[RUN]
        # Dozens of servers are started, and each would compile the whole product anew.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the workers shared, when the last of them has ended."""
    if _leads(config) and RUN in os.environ:
        Postgres(run_folder() / "postgres").stop()
        shutil.rmtree(os.environ.pop(RUN))
        tempfile.tempdir = None
        del os.environ["TMPDIR"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need a browser, and leave out those whose program is not there.

    In CI they stay, and fail.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    for mark, (name, find, how_to_get) in OF_THE_SYSTEM.items():
        wanting = [item for item in items if item.get_closest_marker(mark)]
        if wanting and find() is None and "IMGCORE_CI" not in os.environ:
            config.hook.pytest_deselected(items=wanting)
            items[:] = [item for item in items if item not in wanting]
            line = f"{len(wanting)} {mark} tests left out, no {name}: {how_to_get}"
            (run_folder() / f"{mark}{LEFT_OUT}").write_text(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in a line which tests were left out, and how to have them."""
    for note in sorted(run_folder().glob(f"*{LEFT_OUT}")):
        terminalreporter.write_line(note.read_text())


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


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One profile for the tests of a module: scripts that one of them has fetched are there for the next."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context
    context.close()


@pytest.fixture
def watch() -> Watch:
    """What ``page`` complains of; a test that expects a complaint allows it here."""
    return Watch()


@pytest.fixture
def page(profile: BrowserContext, watch: Watch) -> Iterator[Page]:
    """A page of 1400 x 900 with no cookie; complaints that no test allowed fail it at the end."""
    with open_page(profile, watch) as page:
        yield page
