"""Downloads of many images: one ZIP, streamed, with a list of what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.tables import Batch, Image, Visit
from imgcore.documents import Archive, ArchiveEntry, LeftOut, ManifestRow, manifest
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.names import EntryLabel, entry_names, safe_file_name
from imgcore.errors import NotFound
from imgcore.services import rows, sight
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.storage import ObjectStore
from imgcore.texts import _

_LOOKS_AT_ONCE = 16
Plan = list[tuple[ManifestRow, str, int]]


@dataclass(frozen=True)
class Download:
    """A ZIP that is ready to be sent; its length is known before the first byte."""

    name: str
    content_length: int
    archive: Archive

    def stream(self) -> Iterator[bytes]:
        """Return the bytes; the iterator raises when an image vanishes on the way."""
        return self.archive.stream()


class Downloads(Service):
    """Packs originals for download."""

    def __init__(self, ledger: Ledger, store: ObjectStore, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._store = store
        self._categories = categories

    @performs(Action.BATCH_DOWNLOAD)
    def batch(self, actor: Actor, batch_id: UUID, image_ids: Sequence[UUID] = ()) -> Download:
        """Return the ZIP of a batch or of some of its images; what the store lacks is named in it."""
        with self._ledger.read(actor) as work:
            batch = sight.batch(work, batch_id, Action.BATCH_DOWNLOAD)
            plan = self._plan(
                work, batch.patient_id, [(each, batch) for each in _chosen(work, batch, image_ids)]
            )
            title = safe_file_name(f"{batch.taken_on:%Y-%m-%d}_{batch.name}", 200)
        return self._pack(title, plan)

    @performs(Action.BATCH_DOWNLOAD)
    def visit(self, actor: Actor, visit_id: UUID) -> Download:
        """Return the ZIP of all images of a visit; what the store lacks is named in it."""
        with self._ledger.read(actor) as work:
            visit = sight.visit(work, visit_id, Action.BATCH_DOWNLOAD)
            plan = self._plan(work, visit.patient_id, _of_visit(work, visit))
        return self._pack(f"{visit.visited_on:%Y-%m-%d}_visit", plan)

    def _plan(self, work: Work, patient_id: UUID, found: Sequence[tuple[Image, Batch]]) -> Plan:
        """Return row, key and CRC-32 of each image, and write who takes them away."""
        ids = [image.id for image, _batch in found]
        work.record(Action.BATCH_DOWNLOAD, patient_id=patient_id, entity="image", entity_ids=ids)
        names = entry_names([self._label(image, batch) for image, batch in found])
        return [
            (self._row(image, name), image.key, image.crc32)
            for (image, _batch), name in zip(found, names, strict=True)
        ]

    def _label(self, image: Image, batch: Batch) -> EntryLabel:
        extension = image.key.rpartition(".")[2]
        label = self._categories.label(image.category)
        return EntryLabel(image.date_taken or batch.taken_on, label, extension)

    def _row(self, image: Image, name: str) -> ManifestRow:
        return ManifestRow(
            file_name=name,
            original_name=image.original_name,
            category=self._categories.label(image.category),
            caption=image.caption,
            taken_on=image.date_taken,
            size=image.file_size,
            sha256=image.sha256,
        )

    def _pack(self, title: str, plan: Plan) -> Download:
        with ThreadPoolExecutor(_LOOKS_AT_ONCE, thread_name_prefix="look") as threads:
            there = list(threads.map(lambda each: self._store.info(each[1]), plan))
        entries: list[ArchiveEntry] = []
        packed: list[ManifestRow] = []
        left_out: list[LeftOut] = []
        for (row, key, crc32), info in zip(plan, there, strict=True):
            if info is None:
                left_out.append(LeftOut(row.file_name, _("its file is missing in the store")))
            elif info.size != row.size:
                left_out.append(LeftOut(row.file_name, _("its file in the store has another size")))
            else:
                packed.append(row)
                opener = partial(self._store.read, key)
                entries.append(ArchiveEntry(row.file_name, row.size, crc32, info.modified_at, opener))
        archive = Archive(entries, documents={"manifest.csv": manifest(packed)}, left_out=left_out)
        return Download(f"{title}.zip", archive.content_length, archive)


def _chosen(work: Work, batch: Batch, image_ids: Sequence[UUID]) -> list[Image]:
    wanted = select(Image).where(rows.kept(batch_id=batch.id))
    found = list(work.session.exec(wanted.order_by(col(Image.order), col(Image.id))))
    if image_ids:
        asked = set(image_ids)
        found = [image for image in found if image.id in asked]
        if len(found) != len(asked):
            raise NotFound(_("One of these images is not in this batch, or is in the trash."))
    if not found:
        raise NotFound(_("There is nothing to download in this batch."))
    return found


def _of_visit(work: Work, visit: Visit) -> list[tuple[Image, Batch]]:
    wanted = select(Image, Batch).join(Batch).where(rows.kept(), Batch.visit_id == visit.id)
    order = (col(Batch.created_at), col(Batch.id), col(Image.order), col(Image.id))
    found = work.session.exec(wanted.order_by(*order)).all()
    if not found:
        raise NotFound(_("There is nothing to download in this visit."))
    return [(image, batch) for image, batch in found]
