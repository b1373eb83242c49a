"""Backups, restores and checks beside ``cp`` and ``sha256sum``, and their memory at two sizes.

``python -m tests.benchmarks.copies`` needs Linux and 5 GB in the temporary folder.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.tables import Image
from imgcore.domain.access import system
from imgcore.domain.checksums import crc32
from imgcore.domain.values import NewBatch, NewPatient
from imgcore.services.checks import Options
from imgcore.storage import original_key

PHOTOS, PHOTO_BYTES = 200, 3_500_000
MANY = (2_000, 20_000)
IN_A_BATCH = 500
MEGABYTE = 1_000_000


def fill(folder: Path, count: int, size: int) -> None:
    """Make a clinic of so many images; they are no pictures, since nobody decodes them here."""
    clinic = bootstrap.build(load_settings(data_dir=folder))
    services = clinic.services
    for first in range(0, count, IN_A_BATCH):
        patient = services.patients.create(system(), NewPatient(name=f"Patient {first}"))
        batch = services.batches.create(system(), patient.id, NewBatch(name="Check-up"))
        with clinic.database.write() as session:
            for order in range(min(IN_A_BATCH, count - first)):
                session.add(_image(clinic, patient.id, batch.id, order, size))
    clinic.close()


def _image(clinic: Clinic, patient_id: UUID, batch_id: UUID, order: int, size: int) -> Image:
    image_id, content = uuid4(), os.urandom(size)
    key = original_key(patient_id, batch_id, image_id, "jpg")
    path = clinic.services.settings.data_dir / "objects" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    now, sha256 = clinic.services.patients._ledger.clock(), hashlib.sha256(content).hexdigest()
    return Image(
        id=image_id, batch_id=batch_id, original_name="a.jpg", key=key, mime_type="image/jpeg",
        file_size=size, width=1, height=1, sha256=sha256, crc32=crc32(content), order=order,
        uploaded_at=now, updated_at=now, state="ready",
    )  # fmt: skip


def work(what: str, folder: Path, file: Path) -> None:
    """Do one thing and say how long it took, and by how much it raised the most memory held."""
    settings = load_settings(data_dir=folder)
    if what == "restore":
        with bootstrap.restoring(settings) as restores:
            _timed(lambda: restores.run(system(), file))
        return
    clinic = bootstrap.build(settings)
    services = clinic.services
    _timed(
        {
            "backup": lambda: services.backups.make(system(), file),
            "check": lambda: services.checks.run(system()),
            "quick": lambda: services.checks.run(system(), Options(quick=True)),
        }[what]
    )
    clinic.close()


def _timed(call: Callable[[], object]) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # forget the most so far
    before, began = _most(), time.perf_counter()
    call()
    print(time.perf_counter() - began, _most() - before)


def _most() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def measure(what: str, folder: Path, file: Path, **settings: str) -> tuple[float, float]:
    """Do it in a process of its own; return seconds and megabytes."""
    command = [sys.executable, "-m", "tests.benchmarks.copies", what, str(folder), str(file)]
    environment = {**os.environ, **settings}
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    seconds, memory = said.stdout.split()[-2:]
    return float(seconds), float(memory) / MEGABYTE


def peer(*command: str) -> float:
    """Return how long a program of the system takes for the same, with its data on the disk."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.sync()
    return time.perf_counter() - began


def speeds(place: Path) -> None:
    """Compare what is done with 200 photographs with what copies or hashes their files."""
    from pyrage import x25519  # type: ignore[import-untyped]

    fill(place / "clinic", PHOTOS, PHOTO_BYTES)
    total = PHOTOS * PHOTO_BYTES / MEGABYTE
    objects = str(place / "clinic" / "objects")
    key = str(x25519.Identity.generate().to_public())
    rows = {
        "cp -r": peer("cp", "-r", objects, str(place / "copy")),
        "backup": measure("backup", place / "clinic", place / "a.tar")[0],
        "backup, encrypted": measure(
            "backup", place / "clinic", place / "a.age", IMGCORE_BACKUP_RECIPIENTS=key
        )[0],
        "restore": measure("restore", place / "there", place / "a.tar")[0],
        "sha256sum": peer("find", objects, "-type", "f", "-exec", "sha256sum", "{}", "+"),
        "check": measure("check", place / "clinic", place / "none")[0],
        "check --quick": measure("quick", place / "clinic", place / "none")[0],
    }
    for name, seconds in rows.items():
        print(f"{name:20} {seconds:6.2f} s  {total / seconds:7.0f} MB/s")


def memories(place: Path) -> None:
    """Show that ten times the images take no more memory."""
    for count in MANY:
        folder = place / f"many{count}"
        fill(folder, count, 1_000)
        for what in ("backup", "check", "restore"):
            where = folder if what != "restore" else place / f"there{count}"
            seconds, memory = measure(what, where, place / f"{count}.tar")
            print(f"{what:8} {count:6} images of 1 kB: {seconds:6.1f} s, +{memory:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            speeds(Path(folder))
            memories(Path(folder))
