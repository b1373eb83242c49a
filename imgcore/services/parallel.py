"""The same work on many things, a few of them at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # how many things a thread may be ahead of whoever takes the results


@contextmanager
def side_by_side(work: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[Iterator[R]]:
    """Give the results in the order of ``things``; what has not begun when the block is left is dropped."""
    waiting: deque[Future[R]] = deque()

    def results() -> Iterator[R]:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    with ThreadPoolExecutor(threads, thread_name_prefix="parallel") as pool:
        try:
            yield results()
        finally:
            for each in waiting:
                each.cancel()
