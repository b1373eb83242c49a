"""Where ids of jobs wait; what a job is and how it stands is known to the database alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from imgcore.errors import ConfigError, Unavailable
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.queue.hueys import Line


class Workers(Protocol):
    """Threads that take ids from the queue."""

    def stop(self) -> None:
        """Take no more ids, and wait a few seconds for those that are worked on."""


class Queue:
    """Ids of jobs, each given out once. It may be lost: the jobs are rows, and are put in again.

    Opened when it is first used; every method may be called from any thread and raises
    ``Unavailable`` when the queue does not answer.
    """

    def __init__(self, url: str) -> None:
        if url.startswith("redis") and find_spec("redis") is None:
            raise ConfigError(
                _("IMGCORE_QUEUE_URL names a Redis server, and the package for it is not installed."),
                hint=_("Install it with: pip install redis"),
            )
        self._url = url
        self._opening = threading.Lock()
        self._line: Line | None = None
        self._is_closed = False

    def put(self, job_id: UUID) -> None:
        """Let a job wait for a worker."""
        with _faults():
            self._opened().put(job_id)

    def is_empty(self) -> bool:
        """Tell whether no id waits."""
        with _faults():
            return self._opened().is_empty()

    def work(self, run: Callable[[UUID], None], workers: int) -> Workers:
        """Call ``run`` for each id, in so many threads, until they are stopped."""
        with _faults():
            return self._opened().work(run, workers)

    def close(self) -> None:
        """Let go of file or connection; it is not opened again, whoever still asks for it."""
        with self._opening:
            self._is_closed = True
            if self._line is not None:
                self._line.close()
            self._line = None

    def _opened(self) -> Line:
        with self._opening:
            if self._is_closed:
                raise RuntimeError("the queue was closed")
            if self._line is None:
                from imgcore.queue.hueys import Line

                self._line = Line(self._url)
            return self._line


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each kind of queue raises what its own driver raises
        raise Unavailable(_("The queue of jobs does not answer. Please try again in a moment.")) from error
