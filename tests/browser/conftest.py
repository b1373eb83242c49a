"""One running clinic for the browser tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.desks import Desk, open_desk
from tests.browser.photos import make_all


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic with an administrator who is signed in."""
    with open_desk(tmp_path_factory.mktemp("clinic")) as desk:
        yield desk


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The 45 files of a day: 40 photographs, and 5 that cannot be stored."""
    return make_all(tmp_path_factory.mktemp("photos"))
