"""What the tests of the REST interface share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.desks import Desk, open_desk
from tests.api.hurries import in_a_hurry


@pytest.fixture(scope="module", autouse=True)
def _in_a_hurry() -> Iterator[None]:
    """What is slow on purpose is tried elsewhere."""
    with in_a_hurry():
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One clinic for the tests of a module; each makes patients and batches of its own."""
    folder: Path = tmp_path_factory.mktemp("clinic")
    with open_desk(
        folder, max_file_bytes=200_000, max_request_bytes=4_000_000, max_request_files=50
    ) as opened:
        yield opened
