"""Two servers on one database and one store, under uploads, edits and sweeps at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from imgcore.domain.access import system
from tests.faults.backends import Backend
from tests.faults.programs import Program, picture
from tests.faults.verdicts import judge, opened
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

CLIENTS = 8
FILES = 5


class Pair:
    """Two servers that know nothing of each other but what is stored."""

    def __init__(self, first: ImgcoreServer, second: ImgcoreServer, backend: Backend) -> None:
        self.servers = (first, second)
        self.backend = backend
        self._seed = 0

    def load(self, requests: int) -> str:
        """Upload into one batch from both, edit one image from both, sweep beside; raise on any fault."""
        with Program(self.servers[0].url) as program:
            batch = program.sign_in().batch()
            program.send(batch, [picture(10_000_000 + self._seed)]).raise_for_status()
            (edited,) = program.listed(batch)
            token = program.client.headers["Authorization"]
        kept = dict(program.kept)
        self._edits, first = 0, self._seed
        self._seed += requests * FILES
        done = threading.Event()

        def upload(number: int) -> None:
            with self._client(number, token) as client:
                seeds = range(first + number * FILES, first + (number + 1) * FILES)
                contents = [picture(seed) for seed in seeds]
                answer = client.send(batch, contents, key=f"{batch} {number}").raise_for_status()
                # The same once more from the other server, as a balancer would repeat it.
                with self._client(number + 1, token) as other:
                    again = other.send(batch, contents, key=f"{batch} {number}").raise_for_status()
                assert answer.json()["uploaded"] == again.json()["uploaded"]
                kept.update(client.kept)

        with self._beside(self._sweep, done), self._beside(lambda: self._edit(edited["id"], token), done):
            with ThreadPoolExecutor(CLIENTS) as threads:
                list(threads.map(upload, range(requests)))
            done.set()
        return self._judge(batch, kept, requests, edited["id"], token)

    def _judge(self, batch: str, kept: dict[str, str], requests: int, edited: str, token: str) -> str:
        listed = judge(self.servers[0].folder, self.servers[0].env, kept, batch)
        assert {str(each) for each in listed} == set(kept)
        assert len(listed) == requests * FILES + 1
        for server in range(2):
            with self._client(server, token) as client:
                found = client.listed(batch)
                assert [UUID(each["id"]) for each in found] == listed
                assert Counter(each["order"] for each in found).most_common(1)[0][1] == 1
                image = client.client.get(f"/api/images/{edited}/").raise_for_status().json()
                assert image["version"] == self._edits + 1, "an edit was lost or made twice"
        return (
            f"{len(listed):,} images by {requests} requests, each sent to both; {self._edits} edits in turn"
        )

    _edits = 0

    def _edit(self, image_id: str, token: str) -> None:
        """Edit by the version that was read; of two at once one must be told so."""

        def edit(number: int) -> int:
            with self._client(number, token) as client:
                headers = {"If-Match": f'"{version}"'}
                fields = {"caption": f"{number} {version}"}
                return client.client.patch(
                    f"/api/images/{image_id}/", json=fields, headers=headers
                ).status_code

        with self._client(0, token) as client:
            version = client.client.get(f"/api/images/{image_id}/").raise_for_status().json()["version"]
        with ThreadPoolExecutor(2) as threads:
            found = sorted(threads.map(edit, range(2)))
        assert found == [200, 412], found
        self._edits += 1

    def _sweep(self) -> None:
        with opened(self.servers[1].folder, self.servers[1].env) as clinic:
            clinic.services.sweeps.run(system())

    @contextmanager
    def _beside(self, work: Callable[[], None], done: threading.Event) -> Iterator[None]:
        """Do something again and again meanwhile; raise what it raised."""

        def repeat() -> None:
            while not done.wait(0.2):
                work()

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(repeat)
            try:
                yield
            finally:
                done.set()
            running.result()

    @contextmanager
    def _client(self, number: int, token: str) -> Iterator[Program]:
        with Program(self.servers[number % 2].url) as client:
            client.client.headers["Authorization"] = token
            yield client


@contextmanager
def pair_on(backend: Backend, folder: Path) -> Iterator[Pair]:
    """Start two servers on a backend, each with a data folder of its own."""
    env = WITH_ADMIN | backend.env
    with (
        ImgcoreServer(folder / "1", "serve", env) as first,
        ImgcoreServer(folder / "2", "serve", env) as second,
    ):
        yield Pair(first, second, backend)
