"""Tables of many images: seconds and memory, ``python -m tests.benchmarks.frames [IMAGES]``.

Each way runs in a process of its own, beside pandas that reads the same cells from the same file by SQL.
Memory is the most that the process ever held, above what it held before it read.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pandas

from imgcore import bootstrap, frames
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import system
from imgcore.domain.datasets import FileForm, Part
from tests.benchmarks import large_clinics
from tests.benchmarks.large_clinics import Size
from tests.benchmarks.processes import load

IMAGES = 100_000
FEW = ("image_id", "category", "uploaded_at")
MEGABYTE = 1_000_000
SAME = """
    SELECT image.id, batch_id, batch.visit_id, batch.patient_id, category, image_type, body_location,
        laterality, caption, description, is_primary, "order", date_taken, taken_on, captured_at,
        captured_offset, camera_make, camera_model, original_name, mime_type, file_size, width, height,
        sha256, duplicate_of, damaged_at, uploaded_at, uploaded_by, user.name, image.updated_at
    FROM image JOIN batch ON batch_id = batch.id LEFT JOIN user ON uploaded_by = user.id
    WHERE state = 'ready' AND image.trashed_at IS NULL ORDER BY uploaded_at, image.id
"""


def _bare(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "imgcore.sqlite3")) as connection:
        return len(pandas.read_sql_query(SAME, connection, parse_dates=["uploaded_at", "updated_at"]))


def _whole(folder: Path) -> int:
    with frames.open(data_dir=folder) as clinic:
        return len(clinic.images())


def _few(folder: Path) -> int:
    with frames.open(data_dir=folder) as clinic:
        return len(clinic.images(columns=FEW))


def _parts(folder: Path) -> int:
    with frames.open(data_dir=folder) as clinic:
        return sum(len(part) for part in clinic.parts("images"))


def _sent(form: FileForm) -> Callable[[Path], int]:
    """Return the way of a file, byte by byte, as REST sends it; what it counts is its size."""

    def sent(folder: Path) -> int:
        with closing(bootstrap.build(load_settings(data_dir=folder))) as clinic:
            extract = clinic.services.datasets.extract(system(), "images", Part(), form)
            return sum(map(len, extract.sheet(form).chunks))

    return sent


WAYS: dict[str, Callable[[Path], int]] = {
    "pandas alone": _bare,
    "whole": _whole,
    "three columns": _few,
    "in parts": _parts,
    "csv": _sent("csv"),
    "parquet": _sent("parquet"),
}


def _peak() -> int:
    """Return the most bytes that this process has held since it began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _one(way: str, folder: Path) -> None:
    import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: F401  # loaded before, not measured

    before, start, used = _peak(), time.perf_counter(), time.process_time()
    found = WAYS[way](folder)
    print(time.perf_counter() - start, time.process_time() - used, _peak() - before, found)


def _measure(folder: Path, ways: Iterable[str]) -> None:
    for way in ways:
        command = [sys.executable, "-m", "tests.benchmarks.frames", "--way", way, "--folder", str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        seconds, used, peak, found = map(float, said[-4:])
        text = (
            f"{way:14} {seconds:7.1f} s  {used:7.1f} s of processor {peak / MEGABYTE:7.0f} MB  {found:,.0f}"
        )
        print(text, flush=True)


def main() -> None:
    """Make a clinic and print one line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="?", type=int, default=IMAGES)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.way:
        _one(asked.way, asked.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'imgcore.sqlite3'}"
        large_clinics.make(url, Size(asked.images))
        with closing(Database(url)) as database:
            schema.upgrade(database)
        print(f"{asked.images:,} images, load {load()}")
        _measure(folder, WAYS)


if __name__ == "__main__":
    main()
