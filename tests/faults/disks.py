"""A small disk for the data folder of a server, which a test can fill and make read-only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES = 320


class SmallDisk:
    """A file system in memory of a few megabytes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave no more than so many bytes."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while (room := shutil.disk_usage(self.place).free - leave) > 0:
                file.write(bytes(min(room, 1 << 20)))

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse every write for a while."""
        _mount("-o", "remount,ro", self.place)
        try:
            yield
        finally:
            _mount("-o", "remount,rw", self.place)


@contextmanager
def small_disk(place: Path) -> Iterator[SmallDisk]:
    """Mount a small disk at a folder that is made here; this takes root."""
    place.mkdir(parents=True)
    _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "tmpfs", place)
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run([*_as_root(), "umount", "--lazy", str(place)], check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run([*_as_root(), "mount", *map(str, arguments)], check=True, capture_output=True)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]
