"""F1 and F11: a server that is killed under uploads, and one that is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.faults.backends import NAMES, Outside
from tests.faults.programs import Program, picture
from tests.faults.rounds import Rounds, rounds_on
from tests.faults.verdicts import eventually, judge
from tests.server.conftest import EVERYWHERE
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer, Kind

pytestmark = pytest.mark.xdist_group("faults")

STOPS: list[tuple[Kind, str]] = [("streamlit", "sqlite-folder"), ("serve", "postgresql-s3")]
MORE: list[tuple[Kind, str]] = [(kind, name) for kind in ("serve", "streamlit") for name in NAMES]
SERVERS = pytest.mark.parametrize(
    "rounds", MORE if EVERYWHERE else STOPS, indirect=True, scope="module", ids="-".join
)
REQUESTS = 40 if EVERYWHERE else 12
KILLED = 10 if EVERYWHERE else 3  # requests of 20 images


@pytest.fixture(scope="module")
def rounds(
    request: pytest.FixtureRequest, outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rounds]:
    """A server that is killed, started again, told to stop, and started once more."""
    kind, name = request.param
    with (
        outside.backend(name) as backend,
        rounds_on(backend, tmp_path_factory.mktemp("k"), seed=1, kind=kind) as rounds,
    ):
        yield rounds


@SERVERS
def test_images_cut_off_in_the_middle_are_as_many_rows_as_were_sent(rounds: Rounds) -> None:
    rounds.run(requests=KILLED, files=20)


@SERVERS
def test_a_server_that_is_told_to_stop_loses_nothing_and_ends_in_time(rounds: Rounds) -> None:
    server = rounds.server
    with Program(server.url) as program:
        batch = program.sign_in().batch()
        token = program.client.headers["Authorization"]
    load = Load(server, batch, token)
    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(load.send, range(REQUESTS))
        assert load.begun.wait(30)
        began = time.monotonic()
        code = server.stop(signal.SIGTERM)
        took = time.monotonic() - began
        list(answers)
    assert code == (0 if server.kind == "serve" else -signal.SIGTERM)
    assert took < 10
    assert load.refused, "the server was not stopped in the middle of the load"
    server.start()
    with Program(server.url) as program:
        program.client.headers["Authorization"] = token
        for number in range(REQUESTS):
            load.again(program, number)
    listed = judge(server.folder, server.env, rounds.kept | load.kept, batch)
    assert len(listed) == REQUESTS * 3


class Load:
    """Uploads by many clients, until the server is not there any more."""

    def __init__(self, server: ImgcoreServer, batch: str, token: str) -> None:
        self._url = server.url
        self._batch = batch
        self._token = token
        self.kept: dict[str, str] = {}
        self.refused: list[int] = []
        self.begun = threading.Event()

    def send(self, number: int) -> None:
        """Send one request; what is cut off or not taken counts as refused."""
        with Program(self._url) as program:
            program.client.headers["Authorization"] = self._token
            try:
                answer = self.again(program, number)
            except httpx2.TransportError:
                self.refused.append(number)
                return
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 503:
                self.refused.append(number)
            self.begun.set()

    def again(self, program: Program, number: int) -> httpx2.Response:
        """Send a request by its own key."""
        contents = [picture(3 * number + place) for place in range(3)]
        answer = program.send(self._batch, contents, key=f"{self._batch} {number}")
        self.kept |= program.kept
        return answer


if EVERYWHERE:

    def test_a_server_whose_store_hangs_ends_in_time(outside: Outside, tmp_path: Path) -> None:
        with (
            outside.backend("postgresql-s3") as backend,
            ImgcoreServer(tmp_path, "serve", WITH_ADMIN | backend.env) as server,
        ):
            with Program(server.url) as program:
                batch = program.sign_in().batch()
                token = program.client.headers["Authorization"]
            load = Load(server, batch, token)
            assert backend.store is not None
            with ThreadPoolExecutor(1) as threads, backend.store.doing("hole") as hole:
                sent = threads.submit(load.send, 0)
                eventually(lambda: hole.met, bool)
                began = time.monotonic()
                code = server.stop(signal.SIGTERM)
                took = time.monotonic() - began
                sent.result()
            assert (code, load.refused) == (0, [0])
            assert took < 10
            judge(server.folder, server.env, {}, batch)
