"""Checks of the whole clinic: every row against its stored bytes, and every stored file against the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db import integrity
from imgcore.db.journal import Setting
from imgcore.db.portable import lots
from imgcore.db.tables import Batch, Image, Patient, Rendition
from imgcore.domain.access import Action, Actor
from imgcore.domain.findings import Finding, Kind, LastCheck, Tally
from imgcore.domain.progress import Progress, nothing
from imgcore.services import readings
from imgcore.services.audit import Audit
from imgcore.services.parallel import side_by_side
from imgcore.services.repairs import QUARANTINE, Repairs
from imgcore.services.rows import unfinished
from imgcore.services.sweeps import UNFINISHED_MINUTES, Sweeps
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.storage import ObjectInfo, ObjectStore

LAST = "last_check"
AT_ONCE = 200
THREADS = 4
UNDER_WAY = timedelta(hours=1)
Tell = Callable[[Finding], None]


class _Original(NamedTuple):
    """What is known of a stored original, and of whom it is."""

    id: UUID
    key: str
    size: int
    sha256: str
    is_marked: bool
    batch_id: UUID | None
    patient_id: UUID | None
    names: str


class _Copy(NamedTuple):
    """What is known of a stored rendition."""

    image_id: UUID
    kind: Any
    revision: int
    key: str
    size: int
    crc32: int


@dataclass(frozen=True)
class Options:
    """What a check does: ``quick`` looks at sizes only, ``names`` names people in what it tells."""

    repair: bool = False
    quick: bool = False
    names: bool = False


class Checks(Service):
    """Finds what is missing, changed or foreign, beside a working server."""

    def __init__(
        self, ledger: Ledger, store: ObjectStore, audit: Audit, sweeps: Sweeps, repairs: Repairs
    ) -> None:
        super().__init__(ledger)
        self._store = store
        self._audit = audit
        self._sweeps = sweeps
        self._repairs = repairs

    @performs(Action.DATA_CHECK)
    def run(
        self,
        actor: Actor,
        options: Options = Options(),
        progress: Progress = nothing,
        tell: Tell = lambda _finding: None,
    ) -> Tally:
        """Check everything and tell each finding as it is found; damaged originals are marked as such.

        Memory stays the same whatever the number of images. ``progress`` counts images.
        """
        tally = Tally()

        def found(finding: Finding) -> None:
            tally.count(finding)
            tell(finding)

        self._look_at_database(actor, options, found)
        self._look_at_unfinished(actor, options, found)
        self._look_at_images(actor, options, progress, tally, found)
        self._look_at_strays(actor, options, found)
        self._look_at_store(actor, options, tally, found)
        self._keep(actor, options, tally)
        return tally

    @performs(Action.OPERATIONS_SEE)
    def last(self, actor: Actor) -> LastCheck | None:
        """Return when the last whole check was, and what it found; None when there was none."""
        with self._ledger.read(actor) as work:
            row = work.session.get(Setting, LAST)
            return LastCheck.of(row.value) if row is not None else None

    def _look_at_database(self, actor: Actor, options: Options, found: Tell) -> None:
        for fault in integrity.faults(self._ledger.database, quick=options.quick):
            found(Finding("database", detail=fault))
        for line in self._audit.verify(actor).findings:
            found(Finding("audit", detail=line.text))

    def _look_at_unfinished(self, actor: Actor, options: Options, found: Tell) -> None:
        """Find uploads that the sweeper should have taken back long ago."""
        with self._ledger.read(actor) as work:
            late = work.at - timedelta(minutes=2 * UNFINISHED_MINUTES)
            over = select(Image.id, Image.key).where(unfinished("pending"), col(Image.uploaded_at) < late)
            left = work.session.exec(over.limit(AT_ONCE)).all()
        if left and options.repair:
            self._sweeps.run(actor)
        for image_id, key in left:
            found(Finding("unfinished", key, image_id, is_mended=options.repair))

    def _look_at_images(
        self, actor: Actor, options: Options, progress: Progress, tally: Tally, found: Tell
    ) -> None:
        """Go through originals and renditions in the order of their images' ids."""
        with self._ledger.read(actor) as work:
            ready = sa.select(sa.func.count()).where(col(Image.state) == "ready")
            total = int(work.session.execute(ready).scalar_one())
        last: UUID | None = None
        while True:
            progress(tally.images, max(total, tally.images))
            with self._ledger.read(actor) as work:
                originals = _originals(work, last, names=options.names)
                copies = _copies(work, [each.id for each in originals])
            if not originals:
                return
            last = originals[-1].id
            tally.images += len(originals)
            tally.renditions += len(copies)
            damaged = self._look_at_originals(actor, options, originals, found)
            self._look_at_copies(
                actor, options, copies, {each.id: each for each in originals}, damaged, found
            )

    def _look_at_originals(
        self, actor: Actor, options: Options, originals: Sequence[_Original], found: Tell
    ) -> set[UUID]:
        """Return the ids of the images whose original is damaged, and could not be replaced."""
        with side_by_side(lambda each: self._fault(each, options), originals, THREADS) as faults:
            wrong = {each.id: fault for each, fault in zip(originals, faults, strict=True) if fault}
        there = self._still_there(actor, wrong)
        damaged = set[UUID]()
        for each in originals:
            if each.patient_id is None:
                found(Finding("stray_image", each.key, each.id))
            if each.id not in there:
                continue
            is_mended = options.repair and self._repairs.original(actor, each.id, each.key, each.sha256)
            damaged |= set() if is_mended else {each.id}
            finding = Finding(wrong[each.id], each.key, each.id, each.patient_id, each.names)
            found(replace(finding, is_mended=is_mended))
        whole = {each.id for each in originals if each.is_marked and each.id not in damaged}
        new = {each.id for each in originals if each.id in damaged and not each.is_marked}
        self._mark(actor, new, set() if options.quick else whole)
        return damaged

    def _fault(self, each: _Original, options: Options) -> Kind | None:
        info = self._store.info(each.key)
        if info is None:
            return "missing"
        if info.size != each.size:
            return "changed"
        sums = readings.Sums()
        outcome = "whole" if options.quick else readings.read(self._store, each.key, sums)
        if outcome == "missing":
            return "missing"
        return None if options.quick or (outcome, sums.sha256) == ("whole", each.sha256) else "changed"

    def _still_there(self, actor: Actor, wrong: dict[UUID, Kind]) -> set[UUID]:
        """Return those of the images that nobody has removed in the meantime."""
        if not wrong:
            return set()
        with self._ledger.read(actor) as work:
            kept = select(Image.id).where(col(Image.id).in_(wrong), Image.state == "ready")
            return set(work.session.exec(kept))

    def _mark(self, actor: Actor, damaged: set[UUID], whole: set[UUID]) -> None:
        """Mark the images whose file is damaged, and take the mark from those that are whole again."""
        for ids, outcome in ((damaged, "damaged"), (whole, "whole")):
            if not ids:
                continue
            with self._ledger.write(actor) as work:
                at = work.at if outcome == "damaged" else None
                marked = sa.update(Image).where(col(Image.id).in_(ids)).values(damaged_at=at)
                work.session.execute(marked)
                work.record(Action.DATA_CHECK, outcome=outcome, entity="image", entity_ids=sorted(ids))

    def _look_at_copies(
        self,
        actor: Actor,
        options: Options,
        copies: Sequence[_Copy],
        owners: dict[UUID, _Original],
        damaged: set[UUID],
        found: Tell,
    ) -> None:
        with side_by_side(lambda each: self._copy_fault(each, options), copies, THREADS) as faults:
            wrong = [(each, fault) for each, fault in zip(copies, faults, strict=True) if fault]
        for each, fault in wrong:
            with self._ledger.read(actor) as work:
                row = work.session.get(Rendition, (each.image_id, each.kind, each.revision))
                if row is None or (row.key, row.crc32) != (each.key, each.crc32):
                    continue  # made again or removed meanwhile
            owner = owners[each.image_id]
            may = options.repair and each.image_id not in damaged
            where = (each.image_id, each.kind, each.revision, each.key)
            finding = Finding(fault, each.key, owner.id, owner.patient_id, owner.names)
            found(replace(finding, is_mended=may and self._repairs.rendition(actor, *where)))

    def _copy_fault(self, each: _Copy, options: Options) -> Kind | None:
        info = self._store.info(each.key)
        if info is None:
            return "rendition_missing"
        if info.size != each.size:
            return "rendition_changed"
        if options.quick:
            return None
        sums = readings.Sums()
        outcome = readings.read(self._store, each.key, sums)
        if outcome == "missing":
            return "rendition_missing"
        return None if (outcome, sums.crc32) == ("whole", each.crc32) else "rendition_changed"

    def _look_at_strays(self, actor: Actor, options: Options, found: Tell) -> None:
        """Find renditions of images that do not exist."""
        with self._ledger.read(actor) as work:
            image = sa.exists().where(col(Image.id) == col(Rendition.image_id))
            strays = work.session.exec(select(Rendition.image_id, Rendition.key).where(~image)).all()
        for image_id, key in strays:
            is_mended = options.repair and self._repairs.stray_rendition(actor, key)
            found(Finding("stray_rendition", key, image_id, is_mended=is_mended))

    def _look_at_store(self, actor: Actor, options: Options, tally: Tally, found: Tell) -> None:
        """Find files that no row names; what is about to be stored or made is younger than an hour."""
        for lot in lots(self._store.walk()):
            tally.objects += len(lot)
            old = [info for info in lot if info.modified_at < self._ledger.clock() - UNDER_WAY]
            for info in self._foreign(actor, old):
                if info.key.startswith(QUARANTINE):
                    if options.repair:
                        self._repairs.let_go(info, self._ledger.clock())
                    continue
                is_mended = options.repair and self._repairs.foreign(info)
                found(Finding("foreign", info.key, is_mended=is_mended))

    def _foreign(self, actor: Actor, infos: Sequence[ObjectInfo]) -> Iterator[ObjectInfo]:
        with self._ledger.read(actor) as work:
            keys = [info.key for info in infos]
            known = {
                key
                for column in (col(Image.key), col(Rendition.key))
                for key in work.session.execute(sa.select(column).where(column.in_(keys))).scalars()
            }
        for info in infos:
            # It may have been removed in good order between the two looks.
            if info.key not in known and self._store.info(info.key) is not None:
                yield info

    def _keep(self, actor: Actor, options: Options, tally: Tally) -> None:
        with self._ledger.write(actor) as work:
            value = LastCheck(work.at, options.quick, tally).kept()
            work.session.merge(Setting(name=LAST, value=value, updated_at=work.at))
            work.record(Action.DATA_CHECK, outcome="failed" if tally.left else "done", count=tally.images)


def _originals(work: Work, last: UUID | None, *, names: bool) -> list[_Original]:
    wanted = (
        sa.select(Image, col(Batch.id), col(Patient.id), col(Patient.name))
        .outerjoin(Batch, col(Image.batch_id) == col(Batch.id))
        .outerjoin(Patient, col(Batch.patient_id) == col(Patient.id))
        .where(col(Image.state) == "ready")
        .order_by(col(Image.id))
        .limit(AT_ONCE)
    )
    if last is not None:
        wanted = wanted.where(col(Image.id) > last)
    return [
        _Original(
            image.id,
            image.key,
            image.file_size,
            image.sha256,
            image.damaged_at is not None,
            batch_id,
            patient_id,
            f"{name}: {image.original_name}" if names else "",
        )
        for image, batch_id, patient_id, name in work.session.execute(wanted)
    ]


def _copies(work: Work, ids: Sequence[UUID]) -> list[_Copy]:
    wanted = select(Rendition).where(col(Rendition.image_id).in_(ids))
    return [
        _Copy(row.image_id, row.kind, row.edit_revision, row.key, row.file_size, row.crc32)
        for row in work.session.exec(wanted)
    ]
