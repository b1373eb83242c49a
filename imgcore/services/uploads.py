"""Uploads: each file is checked, stored, and only then listed; a bad one never stops the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

from imgcore.db.tables import Batch
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.failpoints import FailPoint, InjectedFault
from imgcore.domain.records import Received, Refused, Stored
from imgcore.domain.values import ImageFields
from imgcore.errors import FileRefused, ImgcoreError, StorageFull, TooLarge, Unavailable
from imgcore.imaging import ImagingPool, Prepared
from imgcore.services import arrivals, repeats, sight
from imgcore.services.intake import Incoming, Intake
from imgcore.services.lots import Lots
from imgcore.services.work import Ledger, Line, Service, performs
from imgcore.storage import ObjectStore
from imgcore.texts import _

JPEG = "image/jpeg"
PATIENCE_SECONDS = 15.0
ENOUGH = 2


@dataclass(frozen=True)
class Offered:
    """One file that somebody wants to store, with what is already known of it."""

    file: Incoming
    fields: ImageFields = field(default_factory=ImageFields)


class Patience:
    """How long one request waits for a store or database that hangs: not anew for every file."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._failed: list[Refused] = []

    def seen(self, outcome: Stored | Refused) -> Stored | Refused:
        """Take note of what became of a file; one that is stored shows that waiting is worth it."""
        if isinstance(outcome, Refused) and outcome.can_retry:
            self._failed.append(outcome)
        else:
            self._failed.clear()
        return outcome

    def spent(self, offered: Offered | Refused) -> Refused | None:
        """Return the refusal of the next file when two before it have waited for too long."""
        is_over = time.monotonic() - self._began > PATIENCE_SECONDS
        if len(self._failed) < ENOUGH or not is_over or isinstance(offered, Refused):
            return None
        return replace(self._failed[-1], name=offered.file.name)


class Uploads(Service):
    """Takes photographs in: checked in a worker process, stored, acknowledged."""

    def __init__(
        self, ledger: Ledger, store: ObjectStore, imaging: ImagingPool, categories: CategorySet
    ) -> None:
        super().__init__(ledger)
        self._store = store
        self._imaging = imaging
        self._categories = categories
        self._lots = Lots(ledger, store, categories)

    @performs(Action.IMAGE_UPLOAD)
    def check_batch(self, actor: Actor, batch_id: UUID) -> None:
        """Raise before the first byte is read when files cannot be stored in this batch."""
        with self._ledger.read(actor) as work:
            sight.batch(work, batch_id, Action.IMAGE_UPLOAD)

    @performs(Action.IMAGE_UPLOAD)
    def check_file(self, actor: Actor, file: Incoming) -> None:
        """Raise what this file would be refused with; nothing is stored, and it stays where it is."""
        thumbnail = _thumbnail_path(file.path)
        try:
            self._imaging.prepare(file.path, thumbnail)
        except FileRefused:
            self._ledger.note(actor, Line(Action.IMAGE_UPLOAD, outcome="refused", entity="image", count=1))
            raise
        finally:
            thumbnail.unlink(missing_ok=True)

    @performs(Action.IMAGE_UPLOAD)
    def intake(self, actor: Actor, name: str) -> Intake:
        """Return where the bytes of a file that arrives now go to."""
        return Intake(self._settings.temporary_dir, name, self._settings.max_file_bytes)

    @performs(Action.IMAGE_UPLOAD)
    def store(
        self,
        actor: Actor,
        batch_id: UUID,
        offered: Sequence[Offered | Refused],
        *,
        key: str | None = None,
        keep_duplicates: bool = False,
        asked: Mapping[str, str | None] | None = None,
    ) -> Received:
        """Store files in a batch and say of each what became of it; their temporary files are consumed.

        A place may hold the refusal of a file that did not arrive whole. With ``key`` the same
        request can be sent again and makes nothing twice; ``asked`` is what else belongs to that request.
        """
        with _consumed(offered):
            wanted = self._repeats(actor, batch_id, offered, key, asked or {})
            patience = Patience()
            outcomes = [
                patience.spent(each[0]) or patience.seen(self._keep(actor, batch_id, *each, keep_duplicates))
                for each in zip(offered, self._all_prepared(offered), wanted, strict=True)
            ]
        return self._answer(actor, batch_id, outcomes)

    @performs(Action.IMAGE_UPLOAD)
    def store_lot(
        self, actor: Actor, batch_id: UUID, offered: Sequence[Offered | Refused]
    ) -> list[Stored | Refused]:
        """Store many files faster, none of which is ready before all are; return what became of each."""
        with _consumed(offered):
            checked = [
                self._arrival(batch_id, *each)
                for each in zip(offered, self._all_prepared(offered), strict=True)
            ]
            lot = [each for each in checked if not isinstance(each, Refused)]
            kept = iter(self._lots.keep(actor, batch_id, lot) if lot else ())
            outcomes = [each if isinstance(each, Refused) else _told(each, next(kept)) for each in checked]
        self._answer(actor, batch_id, outcomes)
        return outcomes

    def _repeats(
        self,
        actor: Actor,
        batch_id: UUID,
        offered: Sequence[Offered | Refused],
        key: str | None,
        asked: Mapping[str, str | None],
    ) -> list[repeats.Repeat | None]:
        """Check the whole request before any of it is stored; return each file's repeat key."""
        wanted: list[repeats.Repeat | None] = []
        with self._ledger.read(actor) as work:
            sight.batch(work, batch_id, Action.IMAGE_UPLOAD)
            for place, each in enumerate(offered):
                if isinstance(each, Refused):
                    wanted.append(None)
                    continue
                if "category" in each.fields.model_fields_set:
                    self._categories.require_active(each.fields.category)
                content = {
                    "batch": batch_id,
                    "files": len(offered),
                    "sha256": each.file.sha256,
                    "fields": each.fields.model_dump(mode="json", exclude_unset=True),
                    **asked,
                }
                wanted.append(repeats.repeat(key, place, content))
                repeats.recall(work, wanted[-1])
        return wanted

    def _all_prepared(self, offered: Sequence[Offered | Refused]) -> list[Prepared | Refused]:
        with ThreadPoolExecutor(self._settings.decoders, thread_name_prefix="prepare") as threads:
            return list(threads.map(self._prepare, offered))

    def _prepare(self, offered: Offered | Refused) -> Prepared | Refused:
        if isinstance(offered, Refused):
            return offered
        try:
            failpoints.reach(FailPoint.UPLOAD_RECEIVED)
            prepared = self._imaging.prepare(offered.file.path, _thumbnail_path(offered.file.path))
            failpoints.reach(FailPoint.UPLOAD_PREPARED)
        except (ImgcoreError, InjectedFault) as error:
            return refusal(offered.file.name, error)
        return prepared

    def _keep(
        self,
        actor: Actor,
        batch_id: UUID,
        offered: Offered | Refused,
        prepared: Prepared | Refused,
        wanted: repeats.Repeat | None,
        keep_duplicates: bool,
    ) -> Stored | Refused:
        arrival = self._arrival(batch_id, offered, prepared, keep_duplicates)
        if isinstance(arrival, Refused):
            return arrival
        try:
            return self._write(actor, arrival, wanted)
        except (ImgcoreError, InjectedFault) as error:
            return refusal(arrival.file.name, error)

    def _arrival(
        self,
        batch_id: UUID,
        offered: Offered | Refused,
        prepared: Prepared | Refused,
        keep_duplicates: bool = False,
    ) -> arrivals.Arrival | Refused:
        if isinstance(offered, Refused):
            return offered
        if isinstance(prepared, Refused):
            return prepared
        return arrivals.Arrival(uuid4(), batch_id, offered.file, offered.fields, prepared, keep_duplicates)

    def _write(self, actor: Actor, arrival: arrivals.Arrival, wanted: repeats.Repeat | None) -> Stored:
        """Do steps 3 to 5 of the write protocol: a pending row, the objects, the ready row."""
        with self._ledger.draft(actor) as work:
            # The lock on the batch makes the same request, sent twice, wait for itself.
            batch = sight.batch(work, arrival.batch_id, Action.IMAGE_UPLOAD)
            known = repeats.recall(work, wanted)
            plan = arrivals.resume(work, known) if known else None
            if plan is None:
                there = arrivals.same_in_batch(work, arrival)
                if there is not None:
                    return Stored(there, already_there=True)
                plan = arrivals.begin(work, batch, arrival, self._categories)
                repeats.keep(work, wanted, plan.image_id)
            elif plan.stored is not None:
                return Stored(plan.stored)
        failpoints.reach(FailPoint.UPLOAD_PENDING)
        mime_type = arrival.prepared.facts.mime_type
        self._store.put(plan.key, arrival.file.path, content_type=mime_type, sha256=arrival.file.sha256)
        failpoints.reach(FailPoint.UPLOAD_ORIGINAL_PUT)
        arrivals.put_rendition(self._store, plan.thumbnail_key, arrival.prepared.thumbnail.path)
        failpoints.reach(FailPoint.UPLOAD_THUMBNAIL_PUT)
        with self._ledger.write(actor) as work:
            stored = arrivals.finish(work, plan, arrival)
        if stored is None:
            self._store.delete([plan.key, plan.thumbnail_key])
            raise Unavailable(_("The upload took too long and was taken back. Please try again."))
        failpoints.reach(FailPoint.UPLOAD_READY)
        return stored

    def _answer(self, actor: Actor, batch_id: UUID, outcomes: Sequence[Stored | Refused]) -> Received:
        failed = tuple(each for each in outcomes if isinstance(each, Refused))
        if failed:
            with suppress(
                Unavailable, StorageFull
            ):  # the files are answered for even when the audit cannot be
                with self._ledger.read(actor) as work:
                    batch = work.session.get(Batch, batch_id)
                    patient_id = batch.patient_id if batch else None
                noted = Line(
                    Action.IMAGE_UPLOAD,
                    outcome="refused",
                    patient_id=patient_id,
                    entity="batch",
                    entity_ids=[batch_id],
                    count=len(failed),
                )
                self._ledger.note(actor, noted)
        return Received(tuple(each for each in outcomes if isinstance(each, Stored)), failed)


def refusal(name: str, error: Exception) -> Refused:
    """Return what a person is told about a file that was not stored."""
    if isinstance(error, ImgcoreError):
        return Refused(
            name, error.code, error.message, can_retry=isinstance(error, Unavailable | StorageFull)
        )
    return Refused(name, "interrupted", _("The upload was interrupted. Please try again."), can_retry=True)


def error_of(refused: Refused) -> ImgcoreError:
    """Return the error that a file was refused with."""
    usual: type[ImgcoreError] = Unavailable if refused.can_retry else FileRefused
    kinds: list[type[ImgcoreError]] = [StorageFull]
    kinds += [*FileRefused.__subclasses__(), *Unavailable.__subclasses__()]
    return next((kind for kind in kinds if kind.code == refused.code), usual)(refused.message)


def _told(arrival: arrivals.Arrival, kept: Stored | ImgcoreError) -> Stored | Refused:
    return kept if isinstance(kept, Stored) else refusal(arrival.file.name, kept)


@contextmanager
def _consumed(offered: Sequence[Offered | Refused]) -> Iterator[None]:
    """Remove the temporary files of an upload at the end."""
    files = [each.file.path for each in offered if isinstance(each, Offered)]
    try:
        yield
    finally:
        for path in files:
            path.unlink(missing_ok=True)
            _thumbnail_path(path).unlink(missing_ok=True)


def all_too_large(received: Received) -> bool:
    """Tell whether nothing was stored because every file was over the limit."""
    return not received.uploaded and {each.code for each in received.failed} == {TooLarge.code}


def _thumbnail_path(path: Path) -> Path:
    return path.with_suffix(".thumbnail")
