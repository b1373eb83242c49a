"""Kill rounds: a server dies under uploads, starts again, and the same requests are sent once more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx2

from tests.faults.backends import Backend
from tests.faults.programs import Program, acknowledged, picture
from tests.faults.verdicts import judge
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer, Kind

CLIENTS = 3


@dataclass
class Request:
    """One upload: its key, its files, and the ids that were acknowledged for it, once they were."""

    key: str
    contents: list[bytes]
    ids: list[str] = field(default_factory=list)


@dataclass
class Rounds:
    """One server on one backend, killed again and again; ``kept`` grows from round to round."""

    server: ImgcoreServer
    backend: Backend
    random: Random
    kept: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    _seeds: int = 0
    _load_seconds: float = 2.0

    def run(self, requests: int, files: int) -> None:
        """Do one round, and raise when anything is lost, changed, doubled or stray after it."""
        with Program(self.server.url) as program:
            batch = program.sign_in().batch()
            token = program.client.headers["Authorization"]
        load = [self._request(files) for _ in range(requests)]
        killer = threading.Timer(self.random.uniform(0.02, self._load_seconds), self.server.kill)
        killer.start()
        began = time.monotonic()
        self._send(load, batch, token)
        took = time.monotonic() - began
        killer.join()
        unanswered = sum(not each.ids for each in load)
        self.cut += unanswered > 0
        if not unanswered:
            self._load_seconds = took
        else:
            self._load_seconds = min(60.0, self._load_seconds * 1.2)
        self.server.start()
        self._send_again(load, batch, token)
        listed = judge(self.server.folder, self.backend.env, self.kept, batch)
        assert {str(each) for each in listed} == {each for request in load for each in request.ids}
        assert len(listed) == requests * files, f"{len(listed)} rows for {requests * files} files"

    def _request(self, files: int) -> Request:
        self._seeds += files
        return Request(uuid4().hex, [picture(seed) for seed in range(self._seeds - files, self._seeds)])

    def _send(self, load: list[Request], batch: str, token: str) -> None:
        """Send everything, a few requests at a time; what is not answered any more stays without ids."""

        def send(request: Request) -> None:
            with Program(self.server.url) as program:
                program.client.headers["Authorization"] = token
                try:
                    answer = program.send(batch, request.contents, request.key)
                except httpx2.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                self._note(request, answer)

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(send, load))

    def _send_again(self, load: list[Request], batch: str, token: str) -> None:
        """Send everything with the same keys; what was acknowledged before must be answered alike."""
        before = {request.key: list(request.ids) for request in load}
        self._send(load, batch, token)
        for request in load:
            assert len(request.ids) == len(request.contents), "a request was not answered after the restart"
            assert before[request.key] in ([], request.ids), "the same key gave other rows"

    def _note(self, request: Request, answer: httpx2.Response) -> None:
        assert not answer.json()["failed"], answer.text
        request.ids = [each["id"] for each in answer.json()["uploaded"]]
        self.kept |= acknowledged(answer.json(), request.contents)


@contextmanager
def rounds_on(backend: Backend, folder: Path, seed: int, kind: Kind = "serve") -> Iterator[Rounds]:
    """Start a server on a backend, for rounds of killing it."""
    with ImgcoreServer(folder, kind=kind, env=WITH_ADMIN | backend.env) as server:
        yield Rounds(server, backend, Random(f"{backend.name} {seed}"))
