"""What the tests of many folders share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.seaweedfs import SeaweedFS

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.servers.once",
    "tests.structure.no_skips",
    "tests.structure.shares",
]


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """A running S3 server; tests keep apart by the prefix of their keys.

    Mark the test ``xdist_group("seaweedfs")``, so that one worker starts one server.
    """
    with tempfile.TemporaryDirectory(prefix="weed", ignore_cleanup_errors=True) as folder:
        server = SeaweedFS(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
