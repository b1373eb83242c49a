"""What servers take of the machine: the memory of a process with all that it started."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

MEGABYTE = 1_000_000
EVERY_SECONDS = 0.1


@dataclass
class Peak:
    """The most memory seen, in bytes: the sum of what each process holds, shared parts counted in each."""

    resident: int = 0


@contextmanager
def peak_of(pid: int) -> Iterator[Peak]:
    """Watch a process and its children, ten times a second, as long as the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while True:
            peak.resident = max(peak.resident, resident(pid))
            if done.wait(EVERY_SECONDS):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def resident(pid: int) -> int:
    """Return what a process and its children hold now, in bytes."""
    try:
        server = psutil.Process(pid)
        family = [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_resident(member) for member in family)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def load() -> str:
    """Return how busy the machine has been, for the reader of a figure."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
