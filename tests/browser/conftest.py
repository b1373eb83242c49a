"""One running clinic for the browser tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.desks import Desk
from tests.browser.photos import make_all
from tests.server.visits import WITH_ADMIN, beside
from tests.servers.imgcore_server import ImgcoreServer


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic with an administrator who is signed in."""
    folder = tmp_path_factory.mktemp("clinic")
    with ImgcoreServer(folder, env=WITH_ADMIN) as server, beside(server) as visits:
        try:
            yield Desk(visits, visits.session())
        finally:
            print(server.last_lines())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The 45 files of a day: 40 photographs, and 5 that cannot be stored."""
    return make_all(tmp_path_factory.mktemp("photos"))
