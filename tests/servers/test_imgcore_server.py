"""The product starts both ways, answers, and leaves nothing running when it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.servers.imgcore_server import ImgcoreServer, Kind

StartServer = Callable[..., ImgcoreServer]


@pytest.mark.parametrize(("kind", "code"), [("streamlit", -signal.SIGTERM), ("serve", 0)])
def test_a_server_starts_and_stops(start_server: StartServer, kind: Kind, code: int) -> None:
    server = start_server(kind=kind)
    assert server.stop() == code


def test_a_killed_server_starts_again_with_its_data(start_server: StartServer) -> None:
    server = start_server()
    kept = {path.name for path in (server.folder / "data").iterdir()}
    server.kill()
    server.start()
    assert kept <= {path.name for path in (server.folder / "data").iterdir()}


def test_a_server_that_cannot_start_says_why(start_server: StartServer) -> None:
    with pytest.raises(RuntimeError, match="IMGCORE_MAX_PIXELS"):
        start_server(kind="serve", env={"IMGCORE_MAX_PIXELS": "none"})
