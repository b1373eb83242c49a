"""Worker processes that decode pictures, so that no file can hurt the server or another file."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import spawn
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool
from pebble.pool.process import WORKERS_NAME

from imgcore.errors import DecoderUnavailable
from imgcore.imaging import workers
from imgcore.imaging.facts import Kind, Limits, Prepared, RenditionFile
from imgcore.imaging.preparations import prepare, render
from imgcore.texts import _

T = TypeVar("T")
# A worker is replaced after so many files, which bounds what a leak in a decoder can hold.
FILES_PER_WORKER = 500
# How long the pool itself may take beyond a file's own limit before it counts as broken.
GRACE_SECONDS = 8.0
# How often a waiting thread looks whether its pool is still there.
LOOK_SECONDS = 0.2


class ImagingPool:
    """Prepares and renders photographs in worker processes; every method may be called from any thread.

    A file that kills its worker or is too slow gets ``DecoderUnavailable``; the others go on.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        self._workers = workers
        self._limits = limits
        # No more files in flight than workers, so that the time of each starts when it is sent.
        self._slots = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._closed = False

    def prepare(self, source: Path, thumbnail: Path) -> Prepared:
        """Check a file and write its thumbnail, as ``imgcore.imaging.prepare`` does."""
        return self._run(prepare, source, thumbnail, self._limits)

    def render(self, source: Path, target: Path, kind: Kind) -> RenditionFile:
        """Write one copy of a photograph, as ``imgcore.imaging.render`` does."""
        return self._run(render, source, target, kind, self._limits)

    def start(self) -> None:
        """Start the workers now rather than with the first file."""
        with self._lock:
            # Pebble starts its processes with the first task; this one does nothing.
            self._started().schedule(int)

    def close(self) -> None:
        """End the workers at once; what they were doing, and what comes later, is refused."""
        with self._lock:
            self._closed = True
            self._end(self._pool)

    def _run(self, task: Callable[..., T], *arguments: object) -> T:
        with self._slots:
            # The second try is for files whose pool broke for another reason: an idle worker was
            # killed, or a neighbour made the pool be replaced.
            for _try in range(2):
                with contextlib.suppress(BrokenProcessPool, RuntimeError):
                    return self._tried(task, arguments)
            raise _stopped()

    def _tried(self, task: Callable[..., T], arguments: tuple[object, ...]) -> T:
        with self._lock:
            pool = self._started()
            future: ProcessFuture[T] = pool.schedule(task, arguments, timeout=self._limits.max_seconds)
        overdue = time.monotonic() + self._limits.max_seconds + GRACE_SECONDS
        while not future.done():
            wait([future], timeout=LOOK_SECONDS)
            # A pool that breaks or is stopped can leave a file behind without an answer.
            if not pool.active:
                raise BrokenProcessPool
            if time.monotonic() > overdue:
                self._replace(pool)
                raise _too_slow()
        try:
            return future.result()
        except TimeoutError:
            raise _too_slow() from None
        except ProcessExpired:
            raise _stopped() from None

    def _started(self) -> ProcessPool:
        if self._closed:
            raise DecoderUnavailable(_("The server is shutting down."))
        if self._pool is None or not self._pool.active:
            self._end(self._pool)
            self._pool = ProcessPool(
                self._workers,
                FILES_PER_WORKER,
                workers.start,
                (self._limits,),
                multiprocessing.get_context("spawn"),
            )
        return self._pool

    def _replace(self, pool: ProcessPool) -> None:
        with self._lock:
            if pool is self._pool:
                self._end(pool)

    def _end(self, pool: ProcessPool | None) -> None:
        self._pool = None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _stopped() -> DecoderUnavailable:
    return DecoderUnavailable(
        _("The part that opens photographs stopped while it read this file."),
        hint=_("Try again; if it happens again, export the photograph as JPEG."),
    )


def _too_slow() -> DecoderUnavailable:
    return DecoderUnavailable(
        _("This photograph took too long to open."),
        hint=_("Try again; if it happens again, export the photograph as JPEG."),
    )


_preparation_data = spawn.get_preparation_data


def _without_main_script(name: str) -> dict[str, Any]:
    """Return what a new process is told, for a decoding worker without the server's main script.

    Run again in a worker, that script would load Streamlit; Python has no setting against it.
    Processes of another name start as they always do.
    """
    data = _preparation_data(name)
    if name == WORKERS_NAME:
        data.pop("init_main_from_name", None)
        data.pop("init_main_from_path", None)
    return data


spawn.get_preparation_data = _without_main_script
