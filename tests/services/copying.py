"""Backups and restores that are cut off: ``python -m tests.services.copying``.

Arguments: ``backup`` or ``restore``, the data folder, the database URL, the file, and how many images
pass before the process dies; with ``full`` in its place no file may become larger than eight mebibytes.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import system
from imgcore.domain.progress import Progress, nothing
from imgcore.errors import ImgcoreError
from tests.services.clinics import ImagingHere, open_house

LARGEST = 8 * 1024 * 1024
DIED = 86


def run(work: str, folder: Path, url: str, file: Path, when: str) -> subprocess.CompletedProcess[str]:
    """Do it in a process of its own; return how that ended."""
    command = [sys.executable, "-m", "tests.services.copying", work, str(folder), url, str(file), when]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _dies_after(count: int) -> Progress:
    def progress(done: int, _total: int) -> None:
        if done >= count:
            os._exit(DIED)

    return progress


def _main(work: str, folder: str, url: str, file: str, when: str) -> None:
    setattr(bootstrap, "ImagingPool", ImagingHere)  # noqa: B010, one process less to start
    if when == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    progress = nothing if when == "full" else _dies_after(int(when))
    if work == "backup":
        with open_house(Path(folder), url) as house:
            house.services.backups.make(system(), Path(file), progress)
    else:
        with bootstrap.restoring(load_settings(data_dir=Path(folder), database_url=url)) as restores:
            restores.run(system(), Path(file), progress=progress)


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except ImgcoreError as error:
        sys.exit(f"{error.code}: {error.message}")
