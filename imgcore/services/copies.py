"""Copies of the whole clinic, for backups and exports: the rows of one moment, then their pictures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col

from imgcore import __version__
from imgcore.db import portable, schema
from imgcore.db.tables import Batch, Image, Patient
from imgcore.documents.containers import CHUNK, Container
from imgcore.domain.access import Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.copies import (
    ABOUT,
    INDEX,
    MANIFEST,
    README,
    About,
    Entry,
    Fault,
    Kind,
    Manifest,
    Places,
    row_line,
    table_part,
)
from imgcore.domain.progress import Progress
from imgcore.errors import Invalid, StorageFull
from imgcore.services import readings
from imgcore.services.leases import Lease
from imgcore.services.parallel import side_by_side
from imgcore.services.work import Ledger, Work
from imgcore.storage import ObjectStore
from imgcore.storage.disks import FULL
from imgcore.texts import _

THREADS = 4
# Nobody gets in with an export: it has no secrets, not even as hashes.
_NOT_EXPORTED = frozenset({"access_token"})


@dataclass(frozen=True)
class Copied:
    """What a copy holds; ``faults`` names the images whose file was damaged already."""

    images: int
    faults: tuple[Fault, ...]


class Copies:
    """Writes copies; whether somebody may have one was decided before."""

    def __init__(self, ledger: Ledger, store: ObjectStore, categories: CategorySet) -> None:
        self._ledger = ledger
        self._store = store
        self._categories = categories

    def write(self, actor: Actor, container: Container, kind: Kind, progress: Progress) -> Copied:
        """Write all parts; the last one is written when all the others are."""
        manifest = Manifest(id=str(uuid4()))
        with Lease(self._ledger, actor) as lease, self._spool() as index:
            with self._ledger.read(actor) as work:  # one moment for all rows, after the lease began
                self._write_tables(work, container, kind, manifest, lease)
                manifest.counts["files"] = _fill(index, self._lines(work), lease)
            manifest.parts[INDEX] = container.add(INDEX, *_part(index))
            total = manifest.counts["files"]
            progress(0, total)
            for number, fault in enumerate(self._write_images(container, index, lease), 1):
                manifest.faults += [fault] if fault is not None else []
                progress(number, total)
            lease.renew()
        content = manifest.written()
        container.add(MANIFEST, len(content), [content])
        return Copied(manifest.counts["files"], tuple(manifest.faults))

    def _write_tables(
        self, work: Work, container: Container, kind: Kind, manifest: Manifest, lease: Lease
    ) -> None:
        names = [name for name in portable.tables() if kind == "backup" or name not in _NOT_EXPORTED]
        at = work.at.isoformat()
        about = About(manifest.id, kind, __version__, schema.revisions()[-1], at, names)
        for name, content in ((README, _readme(kind)), (ABOUT, about.written())):
            manifest.parts[name] = container.add(name, len(content), [content])
        for name in names:
            found = portable.rows(work.session, name)
            rows = found if kind == "backup" else (_without_secrets(name, row, at) for row in found)
            with self._spool() as spool:
                manifest.counts[name] = _fill(spool, map(row_line, rows), lease)
                part = table_part(name)
                manifest.parts[part] = container.add(part, *_part(spool))

    def _lines(self, work: Work) -> Iterator[bytes]:
        """Yield the index: each image with the place that it gets, those of one batch together."""
        places = Places()
        wanted = (
            sa.select(Image, Batch, Patient)
            .join(Batch, col(Image.batch_id) == col(Batch.id))
            .join(Patient, col(Batch.patient_id) == col(Patient.id))
            .where(col(Image.state) == "ready")
            .order_by(col(Patient.id), col(Batch.taken_on), col(Batch.id), col(Image.order), col(Image.id))
            .execution_options(yield_per=portable.AT_ONCE)
        )
        for image, batch, patient in work.session.execute(wanted):
            places.patient(patient.id, patient.name, patient.mrn)
            places.batch(batch.id, batch.taken_on, batch.name)
            day, label = image.date_taken or batch.taken_on, self._categories.label(image.category)
            ending, in_trash = image.key.rpartition(".")[2], image.trashed_at is not None
            path = places.image(day, label, ending, in_trash=in_trash)
            mime_type, size = image.mime_type, image.file_size
            yield Entry(path, str(image.id), image.key, mime_type, size, image.sha256).written()

    def _write_images(self, container: Container, index: IO[bytes], lease: Lease) -> Iterator[Fault | None]:
        """Write every original as it is now; yield of each what was wrong with it before."""
        index.seek(0)
        waiting = set[readings.Held]()

        def read(entry: Entry) -> tuple[Entry, readings.Outcome, readings.Held]:
            held = readings.Held(self._ledger.settings.temporary_dir)
            waiting.add(held)
            return entry, readings.read(self._store, entry.key, held), held

        try:
            with side_by_side(read, map(Entry.read, index), THREADS) as images:
                for entry, outcome, held in images:
                    lease.renew()
                    yield self._write_image(container, entry, outcome, held, lease)
                    held.file.close()
                    waiting.discard(held)
        finally:
            for held in waiting:
                held.file.close()

    def _write_image(
        self,
        container: Container,
        entry: Entry,
        outcome: readings.Outcome,
        held: readings.Held,
        lease: Lease,
    ) -> Fault | None:
        if outcome != "whole":
            lease.confirm()  # or it may have been removed in good order
            return Fault(entry.id, entry.key)
        sha256 = container.add(entry.path, *_part(held.file))
        return None if sha256 == entry.sha256 else Fault(entry.id, entry.key, sha256)

    def _spool(self) -> Any:
        """Open a file without a name in the data folder, where patients' names may stand for a while."""
        return tempfile.TemporaryFile(dir=self._ledger.settings.temporary_dir)


def ids_of(faults: Iterable[Fault]) -> list[UUID]:
    """Return the ids of the images that have these faults."""
    return [UUID(fault.id) for fault in faults]


@contextmanager
def writing() -> Iterator[None]:
    """Turn what a disk refuses into errors about the copy."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(_("There is not enough space for the copy; nothing of it was kept.")) from error
        raise Invalid(
            _("The copy cannot be written there: {reason}.").format(reason=error.strerror)
        ) from error


def settle(folder: Path) -> None:
    """Bring the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(spool: IO[bytes], lines: Iterable[bytes], lease: Lease) -> int:
    """Write lines, and return how many they were."""
    count = 0
    for line in lines:
        spool.write(line)
        count += 1
        lease.renew()
    return count


def _part(spool: IO[bytes]) -> tuple[int, Iterator[bytes]]:
    size = spool.tell()
    spool.seek(0)
    return size, iter(lambda: spool.read(CHUNK), b"")


def _without_secrets(name: str, row: dict[str, Any], at: str) -> dict[str, Any]:
    if name == "user":
        return row | {"password_hash": None}
    if name == "share":
        closed = {"token_hash": f"left out {row['id']}", "pin_hash": ""}
        return row | closed | {"revoked_at": row["revoked_at"] or at}
    return row


def _readme(kind: Kind) -> bytes:
    text = _(
        """This is a copy of a whole clinic, made by Imgcore.

images/   every photograph as it was uploaded, a folder for each patient and each batch
trash/    the same of what lay in the trash
tables/   all that is known of them: a file for each table, a line of JSON for each row
{index}   which photograph is which row, with its SHA-256
{manifest}   what belongs to this copy; a copy without this file is not whole

It holds what must be kept secret: names, photographs and, in a backup, hashes of passwords.
Imgcore brings it back with: python -m imgcore {command}
"""
    )
    command = "restore FILE" if kind == "backup" else "import FOLDER"
    return text.format(index=INDEX, manifest=MANIFEST, command=command).encode()
