"""The bytes of images: who may have them, in which form, and how they are named on the wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.tables import Batch, Image, Patient, Rendition
from imgcore.domain import failpoints, links
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.links import derived_key
from imgcore.errors import NotFound, ObjectMissing, Unauthenticated, Unavailable
from imgcore.imaging import ImagingPool
from imgcore.services import rows, sight
from imgcore.services.arrivals import put_rendition
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.storage import ObjectStore, rendition_key
from imgcore.texts import _

Kind = Literal["thumbnail", "display", "compressed", "analysis"]
JPEG = "image/jpeg"


@dataclass(frozen=True)
class File:
    """An object that may be sent: ``read(start, stop)`` gives its bytes in chunks."""

    key: str
    name: str
    mime_type: str
    size: int
    etag: str
    store: ObjectStore
    revision: int = 0
    crc32: int = 0
    remake: Callable[[], tuple[int, int]] | None = None

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes from ``start`` up to ``stop``; ``ObjectMissing`` before the first of them.

        A rendition that is gone from the store is made again.
        """
        try:
            return self.store.read(self.key, start, stop)
        except ObjectMissing:
            if self.remake is None:
                raise
        size, _crc32 = self.remake()
        if size != self.size:  # made by another version: what was said of it no longer holds
            raise Unavailable(_("This picture has just been made again. Please open it once more."))
        return self.store.read(self.key, start, stop)


class Source(NamedTuple):
    """What is needed of an image to send it; ``made`` is size and CRC-32 of the rendition that is wanted."""

    id: UUID
    key: str
    name: str
    mime_type: str
    size: int
    sha256: str
    revision: int
    browser_shows: bool
    patient_id: UUID
    made: tuple[int, int] | None


# Put together once, since every thumbnail asks for it.
_FACTS: sa.Select[Any] = (
    sa.select(
        Image.id, Image.key, Image.original_name, Image.mime_type, Image.file_size, Image.sha256,
        Image.edit_revision, Image.browser_shows, Batch.patient_id, Rendition.file_size, Rendition.crc32,
    )  # type: ignore[call-overload]
    .join(Batch, col(Image.batch_id) == col(Batch.id))
    .join(Patient, col(Batch.patient_id) == col(Patient.id))
    .outerjoin(
        Rendition,
        sa.and_(
            col(Rendition.image_id) == col(Image.id),
            col(Rendition.edit_revision) == col(Image.edit_revision),
            col(Rendition.kind) == sa.bindparam("kind"),
        ),
    )
)  # fmt: skip
_WANTED = _FACTS.where(col(Image.id) == sa.bindparam("image_id"), col(Image.state) == "ready")


class Renditions:
    """The copies that are made of images; whether somebody may have one was decided before."""

    def __init__(self, ledger: Ledger, store: ObjectStore, imaging: ImagingPool) -> None:
        self._ledger = ledger
        self._store = store
        self._imaging = imaging
        self._making: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def source(self, work: Work, image_id: UUID, kind: Kind) -> Source | None:
        """Return what is needed to send a kept image."""
        return _found(work, _WANTED.where(col(Image.trashed_at).is_(None)), image_id, kind)

    def sources(self, work: Work, image_ids: Sequence[UUID], kind: Kind) -> list[Source]:
        """Return what is needed to send kept images, in no order; what is in the trash is left out."""
        wanted = _FACTS.where(sight.among(work, col(Image.id), image_ids), rows.kept())
        return [_source(row) for row in work.session.execute(wanted, {"kind": kind})]

    def file(self, actor: Actor, source: Source, kind: Kind, name: str = "") -> File:
        """Return a copy of an image that the actor was found to be allowed to have."""
        key = rendition_key(source.key, kind, source.revision)
        remake = partial(self._make, actor, source, kind, key)
        size, crc32 = source.made or remake()
        name = name or f"{Path(source.name).stem}_{kind}.jpg"
        etag = f'"{crc32:08x}-{size:x}-{source.revision}"'
        return File(key, name, JPEG, size, etag, self._store, source.revision, crc32, remake)

    def ensure(self, actor: Actor, source: Source, kind: Kind, *, again: bool = False) -> bool:
        """Make a copy that is missing, or ``again`` one that is there; return whether it was made."""
        key = rendition_key(source.key, kind, source.revision)
        if again:
            self._store.delete([key])  # whoever asks for it meanwhile makes it
        elif self._made(actor, source, kind, key) is not None:
            return False
        self._make(actor, source, kind, key)
        return True

    def _make(self, actor: Actor, source: Source, kind: Kind, key: str) -> tuple[int, int]:
        """Make a rendition from the original, store it, and then name it in the database."""
        with self._guard:
            lock = self._making.setdefault(key, threading.Lock())
        folder = self._ledger.settings.temporary_dir
        original, made = folder / f"{uuid4()}.source", folder / f"{uuid4()}.{kind}"
        try:
            with lock:
                known = self._made(actor, source, kind, key)
                if known is not None:
                    return known
                self._store.fetch(source.key, original)
                result = self._imaging.render(original, made, kind)
                failpoints.reach(FailPoint.RENDITION_MADE)
                put_rendition(self._store, key, made)
                failpoints.reach(FailPoint.RENDITION_PUT)
                row = Rendition(image_id=source.id, kind=kind, edit_revision=source.revision, key=key,
                                file_size=result.file_size, width=result.width, height=result.height,
                                crc32=result.crc32)  # fmt: skip
                self._keep(actor, row)
                return result.file_size, result.crc32
        finally:
            original.unlink(missing_ok=True)
            made.unlink(missing_ok=True)
            with self._guard:
                self._making.pop(key, None)

    def _made(self, actor: Actor, source: Source, kind: Kind, key: str) -> tuple[int, int] | None:
        """Return what somebody else has made while this one waited, if it is whole."""
        with self._ledger.read(actor) as work:
            row = work.session.get(Rendition, (source.id, kind, source.revision))
            known = (row.file_size, row.crc32) if row is not None else None
        return known if known is not None and self._store.info(key) is not None else None

    def _keep(self, actor: Actor, row: Rendition) -> None:
        """Name a rendition in the database, unless its image was removed for good meanwhile."""
        with self._ledger.draft(actor) as work:
            image = select(Image.id).where(Image.id == row.image_id, Image.state == "ready")
            is_kept = work.session.exec(image.with_for_update()).first() is not None
            if is_kept:
                work.session.merge(row)
        if not is_kept:
            self._store.delete([row.key])
            raise NotFound(_("This image does not exist."))


def _found(work: Work, wanted: sa.Select[Any], image_id: UUID, kind: Kind) -> Source | None:
    row = work.session.execute(wanted, {"image_id": image_id, "kind": kind}).first()
    return None if row is None else _source(row)


def _source(row: Sequence[Any]) -> Source:
    *facts, size, crc32 = row
    return Source._make([*facts, None if size is None else (size, crc32)])


class Files(Service):
    """Gives out originals and renditions; a rendition that is missing is made again."""

    def __init__(self, ledger: Ledger, store: ObjectStore, renditions: Renditions) -> None:
        super().__init__(ledger)
        self._store = store
        self._renditions = renditions
        self._link_key = derived_key(self._settings.secret_key.get_secret_value(), "links")

    @performs(Action.IMAGE_SEE)
    def thumbnail(self, actor: Actor, image_id: UUID) -> File:
        """Return the small picture; it leaves no audit line, since the list that shows it does."""
        source = self._source(actor, image_id, Action.IMAGE_SEE, "thumbnail")
        return self._renditions.file(actor, source, "thumbnail")

    @performs(Action.IMAGE_SEE)
    def display(self, actor: Actor, image_id: UUID) -> File:
        """Return a picture that browsers can draw: the original itself where they can."""
        source = self._source(actor, image_id, Action.IMAGE_SEE, "display")
        self._note(actor, Action.IMAGE_SEE, source)
        if source.browser_shows:
            return self._original(source)
        return self._renditions.file(actor, source, "display")

    @performs(Action.IMAGE_DOWNLOAD)
    def compressed(self, actor: Actor, image_id: UUID) -> File:
        """Return the upright copy without metadata that is fit to be passed on."""
        source = self._source(actor, image_id, Action.IMAGE_DOWNLOAD, "compressed")
        self._note(actor, Action.IMAGE_DOWNLOAD, source)
        return self._renditions.file(actor, source, "compressed")

    @performs(Action.IMAGE_DOWNLOAD)
    def original(self, actor: Actor, image_id: UUID) -> File:
        """Return the file as it was uploaded, bit for bit."""
        source = self._source(actor, image_id, Action.IMAGE_DOWNLOAD)
        self._note(actor, Action.IMAGE_DOWNLOAD, source)
        return self._original(source)

    @performs(Action.IMAGE_SEE)
    def link(self, actor: Actor, image_id: UUID, kind: Kind | Literal["original"], seconds: int) -> str:
        """Return a path that gives this picture to whoever has it, for at most five minutes."""
        source = self._source(actor, image_id, Action.IMAGE_SEE)
        if actor.user_id is None:
            raise Unauthenticated(_("Please sign in."))
        return self._path(actor.user_id, source.id, kind, seconds)

    @performs(Action.IMAGE_SEE)
    def links(
        self, actor: Actor, image_ids: Sequence[UUID], kind: Kind | Literal["original"], seconds: int
    ) -> dict[UUID, str]:
        """Return paths as ``link`` does, for those of the images that the person sees."""
        if actor.user_id is None:
            raise Unauthenticated(_("Please sign in."))
        with self._ledger.read(actor) as work:
            wanted = sa.select(col(Image.id)).join(Batch, col(Image.batch_id) == col(Batch.id))
            wanted = wanted.join(Patient, col(Batch.patient_id) == col(Patient.id))
            wanted = wanted.where(sight.among(work, col(Image.id), image_ids), rows.kept())
            seen = list(work.session.scalars(wanted.where(sight.patients(work, Action.IMAGE_SEE))))
        return {each: self._path(actor.user_id, each, kind, seconds) for each in seen}

    @performs(Action.SESSION_USE)
    def check_link(
        self, actor: Actor, user_id: UUID, image_id: UUID, kind: str, expires: int, signature: str
    ) -> None:
        """Raise ``Unauthenticated`` unless this link was made here and has not expired."""
        links.verify(self._link_key, user_id, image_id, kind, expires, signature, self._ledger.clock())

    def _path(self, user_id: UUID, image_id: UUID, kind: str, seconds: int) -> str:
        expires = int(self._ledger.clock().timestamp()) + max(1, min(seconds, links.LONGEST_SECONDS))
        signature = links.sign(self._link_key, user_id, image_id, kind, expires)
        return f"/files/{image_id}/{kind}?user={user_id}&exp={expires}&sig={signature}"

    def _source(self, actor: Actor, image_id: UUID, action: Action, kind: Kind = "thumbnail") -> Source:
        sees_trash = action is Action.IMAGE_SEE and reach(actor, Action.TRASH_SEE) is not Reach.NONE
        with self._ledger.read(actor) as work:
            wanted = _WANTED.where(sight.patients(work, action))
            if not sees_trash:
                wanted = wanted.where(col(Image.trashed_at).is_(None))
            source = _found(work, wanted, image_id, kind)
            if source is None:
                work.refusals.append(Line(action, outcome="refused", entity="image", entity_ids=[image_id]))
                raise NotFound(_("This image does not exist."))
        return source

    def _original(self, source: Source) -> File:
        etag = f'"{source.sha256}"'
        return File(
            source.key, source.name, source.mime_type, source.size, etag, self._store, source.revision
        )

    def _note(self, actor: Actor, action: Action, source: Source) -> None:
        """Write who looked, before the first byte."""
        line = Line(action, patient_id=source.patient_id, entity="image", entity_ids=[source.id], once=True)
        self._ledger.note(actor, line)
