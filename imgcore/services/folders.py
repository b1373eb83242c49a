"""Photographs that lie somewhere already: a folder or another store, brought in file by file."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlmodel import select

from imgcore.db.tables import Image
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress, nothing
from imgcore.domain.records import Refused, Stored
from imgcore.domain.values import ImageFields, NewBatch, parse
from imgcore.errors import (
    DatabaseUnavailable,
    FileRefused,
    ImgcoreError,
    Invalid,
    NotFound,
    ObjectMissing,
    StorageFull,
    StoreUnavailable,
)
from imgcore.services import rows, sight
from imgcore.services.batches import Batches
from imgcore.services.intake import clean_name
from imgcore.services.parallel import side_by_side
from imgcore.services.patients import Patients
from imgcore.services.uploads import Offered, Uploads, refusal
from imgcore.services.work import Ledger, Service, performs
from imgcore.storage import ObjectStore
from imgcore.texts import _

LOT = 8  # files that are stored together
LOTS = 2  # while one is decoded, another is written; more only fight for the interpreter (measured)
CHUNK = 1024 * 1024
# What stands in the way of every other file too, so that the whole import waits for it.
_STOPPING = {each.code: each for each in (StoreUnavailable, DatabaseUnavailable, StorageFull)}


class Place(Protocol):
    """Where files lie."""

    def files(self) -> list[str]:
        """Return the path of every file in one order that stays, hidden ones left out."""

    def read(self, path: str) -> Iterator[bytes]:
        """Return a file's bytes; ``OSError`` or ``FileRefused`` when it cannot be read."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine; links in it that lead out of ``within`` are not followed."""

    path: Path
    within: Path | None = None

    def files(self) -> list[str]:
        """Return the files of the folder and all below it, by name."""
        if not self.path.is_dir():
            raise Invalid(_("There is no such folder."))
        found = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        files = sorted(path for path in found if not any(part.startswith(".") for part in path.parts))
        if not files:
            raise Invalid(_("The folder holds no files."))
        return [path.as_posix() for path in files]

    def read(self, path: str) -> Iterator[bytes]:
        """Return a file's bytes."""
        file = (self.path / path).resolve()
        if self.within is not None and not file.is_relative_to(self.within.resolve()):
            raise FileRefused(_("This is a link to a file outside of the folder."))
        with file.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                yield chunk


@dataclass(frozen=True)
class Prefix:
    """The part of a store whose keys begin with ``prefix``, which is empty or ends with a slash."""

    store: ObjectStore
    prefix: str = ""

    def files(self) -> list[str]:
        """Return the objects below the prefix, by key."""
        found = sorted(info.key.removeprefix(self.prefix) for info in self.store.walk(self.prefix))
        if not found:
            raise Invalid(_("There are no files below this prefix."))
        return found

    def read(self, path: str) -> Iterator[bytes]:
        """Return an object's bytes."""
        try:
            yield from self.store.read(self.prefix + path)
        except ObjectMissing as error:
            raise FileRefused(_("The file is gone.")) from error


@dataclass(frozen=True)
class Outcome:
    """What became of the file at ``path``; without ``refused`` it is in the batch."""

    path: str
    already_there: bool = False
    refused: Refused | None = None


@dataclass(frozen=True)
class Brought:
    """What one import did."""

    stored: int
    already_there: int
    refused: tuple[Outcome, ...]


class Folders(Service):
    """Brings in what lies in a folder or a store; what is there already is passed over."""

    def __init__(self, ledger: Ledger, uploads: Uploads, patients: Patients, batches: Batches) -> None:
        super().__init__(ledger)
        self._uploads = uploads
        self._patients = patients
        self._batches = batches

    @performs(Action.DATA_IMPORT)
    def target(self, actor: Actor, patient_ref: str, batch_name: str) -> records.Batch:
        """Return the patient's batch of this name, made when there is none.

        ``patient_ref`` is an id, external id or MRN. An import that was cut off goes on in its batch.
        """
        patient = self._patient(actor, patient_ref)
        new = parse(NewBatch, name=batch_name)
        for batch in self._batches.of_patient(actor, patient.id, batch_name).items:
            if batch.name == new.name:
                return batch
        return self._batches.create(actor, patient.id, new)

    @performs(Action.DATA_IMPORT)
    def bring(
        self,
        actor: Actor,
        batch_id: UUID,
        place: Place,
        progress: Progress = nothing,
        told: Callable[[Outcome], None] | None = None,
        after: int | None = None,
    ) -> Brought:
        """Store every file of a place in a batch, in the order of their names, behind image ``after``.

        A bad file never stops the rest; a store or database that is away does, with its own error,
        and the same call goes on where this one ended. ``told`` hears of each file in its order.
        """
        files, known, last = place.files(), *self._present(actor, batch_id)
        ended = threading.Event()
        store = partial(
            self._bring_lot, actor, batch_id, place, known, last if after is None else after, ended
        )
        stored, there, done, refused = 0, 0, 0, list[Outcome]()
        progress(0, len(files))
        with side_by_side(store, _lots(files), LOTS) as lots, _set_after(ended):
            for outcome in itertools.chain.from_iterable(lots):
                if told is not None:
                    told(outcome)
                if outcome.refused is not None:
                    refused.append(outcome)
                there += outcome.already_there
                stored += outcome.refused is None and not outcome.already_there
                done += 1
                progress(done, len(files))
        return Brought(stored, there, tuple(refused))

    def _patient(self, actor: Actor, ref: str) -> records.Patient:
        try:
            return self._patients.get(actor, ref)
        except NotFound:
            same = [each for each in self._patients.find(actor, ref).items if each.mrn == ref]
            if not same:
                raise
            return same[0]

    def _present(self, actor: Actor, batch_id: UUID) -> tuple[frozenset[str], int]:
        """Return the hashes of what the batch holds, and the last place in it."""
        with self._ledger.read(actor) as work:
            batch = sight.batch(work, batch_id, Action.IMAGE_UPLOAD)
            known = frozenset(work.session.exec(select(Image.sha256).where(rows.kept(batch_id=batch_id))))
            return known, rows.batches(work, [batch])[0].last_order

    def _bring_lot(
        self,
        actor: Actor,
        batch_id: UUID,
        place: Place,
        known: frozenset[str],
        after: int,
        ended: threading.Event,
        lot: Sequence[tuple[int, str]],
    ) -> list[Outcome]:
        """Store some files; nothing of them is kept once ``ended`` is set before they were checked."""
        offered: list[Offered | Refused] = []
        new: list[Offered | Refused] = []
        try:
            for number, path in lot:
                if ended.is_set():
                    return []
                offered.append(self._offer(actor, place, path, ImageFields(order=after + number)))
            new = [each for each in offered if not _is_known(each, known)]
            kept = iter(self._uploads.store_lot(actor, batch_id, new) if new else ())
        finally:
            for each in offered:
                if isinstance(each, Offered):
                    each.file.path.unlink(missing_ok=True)
        found = [None if _is_known(each, known) else next(kept) for each in offered]
        return [_outcome(path, each) for (_number, path), each in zip(lot, found, strict=True)]

    def _offer(self, actor: Actor, place: Place, path: str, fields: ImageFields) -> Offered | Refused:
        """Copy a file in; the one that lies there stays as it is."""
        name = clean_name(path)
        intake = self._uploads.intake(actor, name)
        try:
            for chunk in place.read(path):
                intake.write(chunk)
            return Offered(intake.finish(), fields)
        except FileRefused as error:
            intake.discard()
            return refusal(name, error)
        except OSError as error:
            intake.discard()
            text = _("The file cannot be read: {reason}.").format(reason=error.strerror)
            return Refused(name, "unreadable", text)
        except ImgcoreError:
            intake.discard()
            raise


def _lots(files: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """Return the files, numbered from 1, in lots that are stored together."""
    numbered = list(enumerate(files, 1))
    return (numbered[start : start + LOT] for start in range(0, len(numbered), LOT))


def _is_known(offered: Offered | Refused, known: frozenset[str]) -> bool:
    return isinstance(offered, Offered) and offered.file.sha256 in known


def _outcome(path: str, kept: Stored | Refused | None) -> Outcome:
    """Return what became of a file; None of one that was there before."""
    if isinstance(kept, Refused):
        if kept.code in _STOPPING:
            raise _STOPPING[kept.code](kept.message)
        return Outcome(path, refused=kept)
    return Outcome(path, already_there=kept is None or kept.already_there)


@contextmanager
def _set_after(ended: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        ended.set()


def shown(outcomes: Sequence[Outcome], most: int) -> list[dict[str, str]]:
    """Return the first of the files that were not stored, and why, as they are kept with a job."""
    found = ((each.path, each.refused) for each in outcomes[:most])
    return [{"path": path, "message": why.message} for path, why in found if why is not None]
