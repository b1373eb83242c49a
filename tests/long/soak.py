"""Twenty people upload without a pause; memory and open files of the server must not grow."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from tests.faults.backends import Backend, own_outside
from tests.faults.programs import Program, heavy, picture
from tests.faults.verdicts import judge
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

MINUTES = 30
PEOPLE = 20
FILES = 5
PAUSE_SECONDS = 1.0
WARM_SECONDS = 30
MEBIBYTE = 1024 * 1024
# A sample is taken in the middle of requests, each of which holds something for its own time.
MORE_MEMORY = 32 * MEBIBYTE
MORE_FILES = 24


class Sample(NamedTuple):
    """What the server and its decoders hold at one moment."""

    memory: int
    files: int


def run(minutes: int) -> str:
    """Let people upload for so long; raise on an error, a loss, or growth."""
    with (
        own_outside() as outside,
        tempfile.TemporaryDirectory(prefix="soak") as folder,
        outside.backend("sqlite-folder") as backend,
        ImgcoreServer(Path(folder), "serve", WITH_ADMIN | backend.env) as server,
    ):
        return _soak(server, backend, minutes)


def _soak(server: ImgcoreServer, backend: Backend, minutes: int) -> str:
    over = threading.Event()
    kept: dict[str, str] = {}
    with Program(server.url) as program:
        token = program.sign_in().client.headers["Authorization"]
    with ThreadPoolExecutor(PEOPLE) as threads:
        people = [threads.submit(_work, server.url, token, number, over, kept) for number in range(PEOPLE)]
        try:
            samples = _samples(server, minutes, people)
        finally:
            over.set()
        for each in people:
            each.result()
    assert samples, "the work ended before it began"
    first, middle, last = _thirds(samples)
    judge(server.folder, server.env, kept)
    told = (
        f"{len(kept):,} images by {PEOPLE} people on {backend.name}, no error; "
        "medians of the three thirds: "
        f"{', '.join(f'{each.memory / MEBIBYTE:.0f}' for each in (first, middle, last))} MiB, "
        f"{first.files}, {middle.files}, {last.files} open files"
    )
    assert last.memory - first.memory < MORE_MEMORY, told
    assert last.files - first.files < MORE_FILES, told
    return told


def _work(url: str, token: str, number: int, over: threading.Event, kept: dict[str, str]) -> None:
    """Upload, look at a list, its thumbnails and an original, again and again."""
    turn = 0
    with Program(url) as program:
        program.client.headers["Authorization"] = token
        while not over.is_set():
            batch = program.batch()
            seeds = [1_000_000 * number + FILES * turn + place for place in range(FILES)]
            contents = [*map(picture, seeds[1:]), heavy(seeds[0], 800_000)]
            answer = program.send(batch, contents).raise_for_status()
            assert not (failed := answer.json()["failed"]), failed
            for image in program.listed(batch):
                program.client.get(image["urls"]["thumbnail"]).raise_for_status()
            program.original(image["id"]).raise_for_status()
            kept |= program.kept
            turn += 1
            over.wait(PAUSE_SECONDS)


def _samples(server: ImgcoreServer, minutes: int, people: list[Future[None]]) -> list[Sample]:
    """Look every second, as long as all are at work; the first half minute is for warming up."""
    process, found = psutil.Process(server.pid), []
    began = time.monotonic()
    while (now := time.monotonic() - began) < 60 * minutes and not any(each.done() for each in people):
        if now > WARM_SECONDS:
            found.append(Sample(process.memory_info().rss, process.num_fds()))
        time.sleep(1)
    return found


def _thirds(samples: list[Sample]) -> tuple[Sample, Sample, Sample]:
    """Return the medians of the first third, of the second and of the last one."""
    third = max(1, len(samples) // 3)
    return _middle(samples[:third]), _middle(samples[third:-third] or samples), _middle(samples[-third:])


def _middle(samples: list[Sample]) -> Sample:
    return Sample(int(median(each.memory for each in samples)), int(median(each.files for each in samples)))
