"""Importing a folder beside the bare work on its files: ``python -m tests.benchmarks.imports [FILES]``.

10,000 photographs of 12 megapixels unless another number is given; ``small`` behind it makes them of 2. The
bare work hashes a file, decodes it at 1/8 and brings a copy to the disk, on two cores, for the first 300.
Needs twice the room of the photographs in the temporary folder: 3.2 or 0.8 MB each.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import system
from imgcore.domain.values import NewPatient
from imgcore.services.folders import Folder
from tests.benchmarks.imaging import as_jpeg, photograph
from tests.benchmarks.processes import load
from tests.benchmarks.upload import _commented, bare_seconds

FILES, SCENES, BARE = 10_000, 4, 300
LARGE, SMALL = (4000, 3000), (1600, 1200)
SHOWN_EVERY = 1_000


def lay(folder: Path, count: int, size: tuple[int, int] = SMALL) -> list[Path]:
    """Write photographs, told apart by a comment in each file."""
    folder.mkdir()
    scenes = [as_jpeg(photograph(size, seed), 80) for seed in range(SCENES)]
    files = [folder / f"DSC_{number:05}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(_commented(scenes[number % SCENES], f"{number:05}".encode()))
    return files


def import_seconds(source: Path, data: Path) -> tuple[float, int]:
    """Return what the import takes, its worker processes started before, and how many files it stored."""
    clinic = bootstrap.build(load_settings(data_dir=data))
    try:
        services, actor = clinic.services, system("benchmark")
        services.patients.create(actor, NewPatient(name="Mary Kowalski", mrn="4471"))
        batch = services.folders.target(actor, "4471", "Import")
        clinic.imaging.start()
        began = time.perf_counter()

        def tell(done: int, total: int) -> None:
            if done and done % SHOWN_EVERY == 0:
                print(f"  {done} of {total}: {done / (time.perf_counter() - began):.0f} files a second")

        brought = services.folders.bring(actor, batch.id, Folder(source), tell)
        return time.perf_counter() - began, brought.stored
    finally:
        clinic.close()


def main() -> None:
    """Print both rates, and the one as a part of the other."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    size = SMALL if "small" in sys.argv else LARGE
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = lay(folder / "photos", count, size)
        mean = sum(file.stat().st_size for file in files) / count
        pixels = size[0] * size[1] / 1e6
        print(f"{count} photographs of {pixels:.0f} megapixels, {mean / 1000:.0f} kB each; {load()}")
        sample = files[:BARE]
        bare = len(sample) / bare_seconds(sample, folder / "bare")
        shutil.rmtree(folder / "bare")
        print(f"bare work: {bare:.0f} files a second")
        taken, stored = import_seconds(folder / "photos", folder / "data")
        rate = count / taken
        print(f"import: {stored} stored, {rate:.0f} files a second, {rate / bare:.2f} of the bare; {load()}")


if __name__ == "__main__":
    main()
