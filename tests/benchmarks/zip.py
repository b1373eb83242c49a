"""Packing 200 photos of 5 MB beside ``cp``, a bare loop and an archive made in memory.

``python -m tests.benchmarks.zip`` measures; ``python -m tests.benchmarks.zip limits`` checks archives
beyond 65,535 files and beyond 4 GiB. Linux only; the measurement needs 3 GB in the temporary folder.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from zlib import crc32

from imgcore.documents.archives import Archive, ArchiveEntry
from imgcore.domain.names import EntryLabel, entry_names
from imgcore.storage.local import LocalFolder
from imgcore.storage.objects import CHUNK

PHOTOS, PHOTO_BYTES = 200, 5_000_000
ROUNDS = 5
GIB = 1024**3


@dataclass(frozen=True)
class Run:
    """What one run took: seconds until written, until on the disk, until its first byte; bytes of memory."""

    written: float
    synced: float
    first_byte: float
    memory: int


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(CHUNK):
            yield piece


def product(photos: list[Path], target: Path) -> float:
    began = time.perf_counter()
    first_byte = 0.0
    names = entry_names([EntryLabel(None, "L-Anterior", "jpg") for _photo in photos])
    checksums = [int(photo.stem, 16) for photo in photos]
    store = LocalFolder(photos[0].parent)
    entries = [
        ArchiveEntry(name, PHOTO_BYTES, checksum, datetime.now(UTC), partial(store.read, photo.name))
        for name, checksum, photo in zip(names, checksums, photos, strict=True)
    ]
    archive = Archive(entries, documents={"manifest.csv": b"name\r\n"})
    with target.open("wb", buffering=0) as file:
        for piece in archive.stream():
            first_byte = first_byte or time.perf_counter() - began
            file.write(piece)
    if target.stat().st_size != archive.content_length:
        raise SystemExit("The announced length is wrong.")
    return first_byte


def bare_loop(photos: list[Path], target: Path) -> float:
    with target.open("wb", buffering=0) as file:
        for photo in photos:
            for piece in pieces(photo):
                file.write(piece)
    return 0.0


def bare_loop_with_crc(photos: list[Path], target: Path) -> float:
    with target.open("wb", buffering=0) as file:
        for photo in photos:
            checksum = 0
            for piece in pieces(photo):
                checksum = crc32(piece, checksum)
                file.write(piece)
    return 0.0


def copy(photos: list[Path], target: Path) -> float:
    target.mkdir()
    subprocess.run(["cp", *map(str, photos), str(target)], check=True)
    return 0.0


def in_memory(photos: list[Path], target: Path) -> float:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for photo in photos:
            archive.write(photo, photo.name)
    target.write_bytes(content.getbuffer())
    return 0.0


def memory_of(kind: str) -> int:
    """Return the memory of this process in bytes: ``VmRSS`` is now, ``VmHWM`` the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:"))


def run(pack: Callable[[list[Path], Path], float], photos: list[Path], target: Path) -> Run:
    """Measure one way in a process of its own, from a quiet disk."""
    os.sync()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    memory = memory_of("VmRSS")
    began = time.perf_counter()
    first_byte = pack(photos, target)
    written = time.perf_counter() - began
    os.sync()
    synced = time.perf_counter() - began
    memory = memory_of("VmHWM") - memory
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    return Run(written, synced, first_byte, memory)


def make_photos(folder: Path) -> list[Path]:
    """Write the photos, each named by its CRC."""
    photos = []
    for _number in range(PHOTOS):
        content = os.urandom(PHOTO_BYTES)
        photos.append(folder / f"{crc32(content):08x}.jpg")
        photos[-1].write_bytes(content)
    return photos


def measure(folder: Path) -> None:
    photos = make_photos(folder)
    ways = [copy, product, bare_loop, bare_loop_with_crc, in_memory]
    runs: dict[str, list[Run]] = {way.__name__: [] for way in ways}
    for _round in range(ROUNDS):
        for way in ways:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                runs[way.__name__].append(pool.submit(run, way, photos, folder / "target").result())
    print(f"{PHOTOS} x {PHOTO_BYTES:,} bytes, median of {ROUNDS} rounds; speed of cp = 1.00")
    print(f"{'':20}{'written':>9}{'x cp':>7}{'on disk':>9}{'x cp':>7}{'memory':>11}")
    written, synced = (median(getattr(r, key) for r in runs["copy"]) for key in ("written", "synced"))
    for name, results in runs.items():
        mine, durable = median(r.written for r in results), median(r.synced for r in results)
        memory = max(r.memory for r in results) / 2**20
        ratios = f"{mine:8.2f}s{written / mine:7.2f}{durable:8.2f}s{synced / durable:7.2f}"
        print(f"{name.replace('_', ' '):20}{ratios}{memory:+7.1f} MiB")
    print(f"first byte of the product: {median(r.first_byte for r in runs['product']) * 1000:.1f} ms")


def zeros(size: int) -> Iterator[bytes]:
    for start in range(0, size, CHUNK):
        yield bytes(min(CHUNK, size - start))


def check(title: str, sizes: list[int], path: Path) -> None:
    """Stream files of zeros, compare the length, and let ``zipfile`` read everything."""
    checksums = {size: _crc_of_zeros(size) for size in set(sizes)}
    entries = [
        ArchiveEntry(f"{number}.jpg", size, checksums[size], None, partial(zeros, size))
        for number, size in enumerate(sizes)
    ]
    archive = Archive(entries)
    began = time.perf_counter()
    with path.open("wb") as file:
        for piece in archive.stream():
            # Zeros become holes, so that the check needs no space on the disk.
            file.seek(len(piece), 1) if piece == bytes(len(piece)) else file.write(piece)
    took = time.perf_counter() - began
    exact = path.stat().st_size == archive.content_length
    with zipfile.ZipFile(path) as opened:
        damaged = opened.testzip()
        whole = damaged is None and [info.file_size for info in opened.infolist()[:-1]] == sizes
    verdict = "right" if exact and whole else f"WRONG (length {exact}, content {whole}, {damaged})"
    print(f"{title}: {archive.content_length:,} bytes in {took:.1f} s: {verdict}")
    if not (exact and whole):
        raise SystemExit(1)


def _crc_of_zeros(size: int) -> int:
    checksum = 0
    for piece in zeros(size):
        checksum = crc32(piece, checksum)
    return checksum


def check_limits(folder: Path) -> None:
    path = folder / "limits.zip"
    for count in (65_534, 65_535, 65_536, 70_000):
        check(f"{count:,} members", [3] * (count - 1), path)
    check("one file just below 4 GiB", [4 * GIB - 2, 1], path)
    check("one file of 4 GiB less a byte", [4 * GIB - 1, 1], path)
    check("one file of 5 GiB", [7, 5 * GIB, 7], path)
    check("900 files, 4.2 GiB", [5_000_000] * 900, path)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        (check_limits if sys.argv[1:] == ["limits"] else measure)(Path(name))


if __name__ == "__main__":
    main()
