"""Measures what a photograph costs: ``python -m tests.benchmarks.imaging`` (about a minute)."""

from __future__ import annotations

import functools
import io
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from imgcore.imaging import ImagingPool, Limits

Pixels = np.ndarray[Any, np.dtype[np.float64]]
ROUNDS = 30
PHOTOS = 100
MEBIBYTE = 1024 * 1024
SIDE = 300


def photograph(size: tuple[int, int], seed: int = 1) -> Image.Image:
    """Return a picture with detail at every scale and a little sensor noise, as cameras deliver it."""
    random = np.random.default_rng(seed)
    layers = np.zeros((size[1], size[0], 3))
    for step in (4, 16, 64, 256):
        coarse = random.normal(128, 40, (size[1] // step + 2, size[0] // step + 2, 3)).clip(0, 255)
        layer = Image.fromarray(coarse.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        layers += (np.asarray(layer) - 128.0) * step**0.25
    layers += random.normal(0, 6, layers.shape)
    return Image.fromarray((layers / 3 + 128).clip(0, 255).astype(np.uint8))


def as_jpeg(image: Image.Image, quality: int) -> bytes:
    """Return a picture as a JPEG file with the metadata of a camera."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0132] = "Canon", "EOS R6", 6, "2024:05:02 10:11:12"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def similarity(first: Image.Image, second: Image.Image) -> float:
    """Return the mean structural similarity (Wang et al. 2004) of two pictures in grey."""
    one, two = (np.asarray(image.convert("L"), dtype=np.float64) for image in (first, second))
    mean_one, mean_two = _blurred(one), _blurred(two)
    spread_one = _blurred(one * one) - mean_one**2
    spread_two = _blurred(two * two) - mean_two**2
    shared = _blurred(one * two) - mean_one * mean_two
    steady, lively = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_one * mean_two + steady) * (2 * shared + lively)
    below = (mean_one**2 + mean_two**2 + steady) * (spread_one + spread_two + lively)
    return float((above / below).mean())


def _blurred(pixels: Pixels) -> Pixels:
    # A Gaussian of 11 pixels and sigma 1.5, as the paper has it.
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(pixels, 11, axis=axis)
        pixels = windows @ weights
    return pixels


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ingest(folder: Path, photo: Path) -> float:
    """Return the time of a photograph in one worker over the bare 1/8 decode, taken in turns."""

    def bare() -> None:
        image = Image.open(photo, formats=("JPEG",))
        image.draft(None, (image.width // 8, image.height // 8))
        image.load()

    pool = ImagingPool(1, Limits())
    try:
        whole = functools.partial(pool.prepare, photo, folder / "ingest.jpg")
        whole()
        pairs = [(seconds(whole), seconds(bare)) for _ in range(ROUNDS)]
    finally:
        pool.close()
    return min(ours for ours, _ in pairs) / min(theirs for _, theirs in pairs)


def quality(folder: Path) -> float:
    """Return the most similarity to the ideal thumbnail that the product loses, over several sizes.

    The ideal is shrunk from full size and never compressed; the peer is the ideal at our JPEG quality.
    """
    worst = 0.0
    pool = ImagingPool(1, Limits())
    for size in ((4000, 3000), (4608, 2592), (3264, 2448), (2400, 2400), (1600, 1200)):
        content = as_jpeg(photograph(size), 92)
        source, target = folder / "quality-in.jpg", folder / "quality-out.jpg"
        source.write_bytes(content)
        pool.prepare(source, target)
        ours = Image.open(target).convert("RGB")
        ideal = Image.open(source).convert("RGB").transpose(Image.Transpose.ROTATE_270)
        ideal = ideal.resize(ours.size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        ideal.save(buffer, "JPEG", quality=85)
        worst = max(worst, similarity(ideal, Image.open(buffer)) - similarity(ideal, ours))
    pool.close()
    return worst


def speed_up(folder: Path, photo: Path) -> float:
    """Return how much faster two workers are than one, taken in turns."""
    one, two = ImagingPool(1, Limits()), ImagingPool(2, Limits())
    for pool, workers in ((one, 1), (two, 2)):
        _batch(pool, workers, folder, photo)
    pairs = [(_batch(one, 1, folder, photo), _batch(two, 2, folder, photo)) for _ in range(5)]
    one.close()
    two.close()
    return min(alone for alone, _ in pairs) / min(together for _, together in pairs)


def _batch(pool: ImagingPool, workers: int, folder: Path, photo: Path) -> float:
    targets = [folder / f"batch-{index}.jpg" for index in range(PHOTOS // 4)]
    with ThreadPoolExecutor(workers) as threads:
        return seconds(lambda: list(threads.map(functools.partial(pool.prepare, photo), targets)))


def growth(folder: Path, photo: Path) -> float:
    """Return by how many MiB the server and its two workers grow at most over a hundred photographs."""
    pool = ImagingPool(2, Limits())
    done, most = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], _resident())

    with ThreadPoolExecutor(2) as threads:
        work = functools.partial(pool.prepare, photo)
        list(threads.map(work, [folder / f"warm-{index}.jpg" for index in range(8)]))
        before = _resident()
        watcher = threading.Thread(target=watch)
        watcher.start()
        list(threads.map(work, [folder / f"grow-{index}.jpg" for index in range(PHOTOS)]))
        done.set()
        watcher.join()
    pool.close()
    return (most[0] - before) / MEBIBYTE


def _resident() -> int:
    me = psutil.Process()
    return sum(int(process.memory_info().rss) for process in (me, *me.children()))


def main() -> None:
    """Print what was measured beside what was promised."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "photo.jpg"
        photo.write_bytes(as_jpeg(photograph((4000, 3000)), 90))
        print(f"photograph of 12 megapixels, {photo.stat().st_size / 1e6:.1f} MB")
        rows = (
            ("ingest, times a bare 1/8 decode", ingest(folder, photo), "at most", 1.25),
            ("similarity lost by scaled decoding", quality(folder), "at most", 0.005),
            ("two workers, times one", speed_up(folder, photo), "at least", 1.5),
            ("memory over 100 photographs, MiB", growth(folder, photo), "at most", 60.0),
        )
        for what, measured, bound, limit in rows:
            print(f"{what:38} {measured:8.4f}   {bound} {limit}")


if __name__ == "__main__":
    main()
