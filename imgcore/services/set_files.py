"""The pictures of image sets on their way out: copies without metadata, named by pseudonym and place."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from imgcore.db.journal import ImageSet
from imgcore.documents import Archive, ArchiveEntry, LeftOut, csv_bytes
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.names import safe_file_name
from imgcore.domain.sets import SetItem
from imgcore.errors import NotFound, ObjectMissing
from imgcore.services import set_contents
from imgcore.services.downloads import Download
from imgcore.services.files import File, Kind, Renditions, Source
from imgcore.services.set_contents import Content
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _


class SetFiles(Service):
    """Gives out the pictures of a set to whoever may see it; nothing else leads to them."""

    def __init__(self, ledger: Ledger, renditions: Renditions, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._renditions = renditions
        self._categories = categories

    @performs(Action.SET_SEE)
    def thumbnail(self, actor: Actor, set_id: UUID, place: int) -> File:
        """Return the small picture; it leaves no audit line, since the list that shows it does."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_SEE)
            content = at_place(work, row, place, self._categories)
            source = source_of(work, self._renditions, content, "thumbnail")
        return self._renditions.file(actor, source, "thumbnail", file_name(content))

    @performs(Action.SET_SEE)
    def picture(self, actor: Actor, set_id: UUID, place: int) -> File:
        """Return the upright copy without metadata."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_SEE)
            content = at_place(work, row, place, self._categories)
            source = source_of(work, self._renditions, content, "compressed")
            set_contents.record(work, Action.SET_SEE, [content], "image", once=True)
        return self._renditions.file(actor, source, "compressed", file_name(content))

    @performs(Action.SET_DOWNLOAD)
    def download(self, actor: Actor, set_id: UUID) -> Download:
        """Return the ZIP of all that is shown, with a list that names no patient."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_DOWNLOAD)
            held = set_contents.shown(set_contents.contents(work, [row], self._categories)[row.id])
            if not held:
                raise NotFound(_("There is nothing to download in this image set."))
            sources = [source_of(work, self._renditions, each, "compressed") for each in held]
            set_contents.record(work, Action.SET_DOWNLOAD, held, "image")
            title, frozen_at = safe_file_name(row.name, 200), row.frozen_at or row.created_at
        copies = self._copies(actor, held, sources)
        told = [set_contents.item(each, self._categories, for_staff=False) for each in held]
        entries = [
            ArchiveEntry(copy.name, copy.size, copy.crc32, frozen_at, copy.read) for copy in copies if copy
        ]
        left_out = [
            LeftOut(file_name(each), _("its file is missing in the store"))
            for each, copy in zip(held, copies, strict=True)
            if copy is None
        ]
        archive = Archive(entries, documents={"manifest.csv": _manifest(told)}, left_out=left_out)
        return Download(f"{title}.zip", archive.content_length, archive)

    def _copies(self, actor: Actor, held: Sequence[Content], sources: Sequence[Source]) -> list[File | None]:
        """Return the copies, making those that are missing; None where the original is gone."""

        def copy(content: Content, source: Source) -> File | None:
            try:
                return self._renditions.file(actor, source, "compressed", file_name(content))
            except ObjectMissing:
                return None

        with ThreadPoolExecutor(max(1, self._settings.decoders), thread_name_prefix="copies") as threads:
            return list(threads.map(copy, held, sources))


def at_place(work: Work, row: ImageSet, place: int, categories: CategorySet) -> Content:
    """Return the picture at a place; ``NotFound`` when it is withheld or was removed."""
    held = set_contents.contents(work, [row], categories, place)[row.id]
    for content in set_contents.shown(held):
        return content
    raise NotFound(_("This picture is not shown any more."))


def source_of(work: Work, renditions: Renditions, content: Content, kind: Kind) -> Source:
    """Return what is needed to send a picture that was found to be shown."""
    source = renditions.source(work, content.image.id, kind)
    if source is None:
        raise NotFound(_("This picture is not shown any more."))
    return source


def file_name(content: Content) -> str:
    """Return how a copy is called: "P-7K3QXM_004.jpg"."""
    return f"{content.pseudonym}_{content.place:03}.jpg"


def _manifest(told: Sequence[SetItem]) -> bytes:
    header = [
        _("Place"),
        _("Pseudonym"),
        _("Category"),
        _("Image type"),
        _("Body location"),
        _("Laterality"),
        _("Width"),
        _("Height"),
    ]
    cells = (
        (
            each.place, each.pseudonym, each.category, each.image_type, each.body_location, each.laterality,
            each.width, each.height,
        )
        for each in told
    )  # fmt: skip
    return csv_bytes(header, cells)
