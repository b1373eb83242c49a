"""Repairs of what a check found: copies are made again, foreign files set aside."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.tables import Image, Rendition
from imgcore.domain.access import Actor
from imgcore.errors import FileRefused, NotFound, ObjectMissing, Unavailable
from imgcore.services import leases
from imgcore.services.files import Kind, Renditions
from imgcore.services.work import Ledger
from imgcore.storage import ObjectInfo, ObjectStore

QUARANTINE = "quarantine/"


class Repairs:
    """Mends one thing at a time, beside a working server; whoever calls has found it wrong."""

    def __init__(self, ledger: Ledger, store: ObjectStore, renditions: Renditions) -> None:
        self._ledger = ledger
        self._store = store
        self._renditions = renditions

    def original(self, actor: Actor, image_id: UUID, key: str, sha256: str) -> bool:
        """Replace a damaged original by the same bytes of another image; False when there is none."""
        with self._ledger.read(actor) as work:
            if leases.is_held(work):  # for a moment the object would be missing in the copy
                return False
            same = select(Image.key).where(Image.sha256 == sha256, Image.state == "ready")
            twins = work.session.exec(same.where(Image.id != image_id, Image.key != key).limit(10)).all()
            mime_type = work.session.exec(select(Image.mime_type).where(Image.id == image_id)).first()
        for twin in twins:
            draft = self._draft()
            try:
                self._store.fetch(twin, draft)
                if _sha256(draft) == sha256:
                    self._store.delete([key])
                    self._store.put(key, draft, content_type=mime_type or "", sha256=sha256)
                    return True
            except (ObjectMissing, Unavailable):
                continue  # the twin is damaged too
            finally:
                draft.unlink(missing_ok=True)
        return False

    def rendition(self, actor: Actor, image_id: UUID, kind: Kind, revision: int, key: str) -> bool:
        """Make a copy again; one of an earlier state of the image only goes, and so do those in the trash."""
        with self._ledger.draft(actor) as work:
            at = (Rendition.image_id == image_id, Rendition.kind == kind, Rendition.edit_revision == revision)
            work.session.execute(sa.delete(Rendition).where(*at))  # type: ignore[arg-type]
        self._store.delete([key])
        with self._ledger.read(actor) as work:
            source = self._renditions.source(work, image_id, kind)
        if source is None or source.revision != revision:
            return True
        try:
            self._renditions.ensure(actor, source, kind)
        except (FileRefused, ObjectMissing, NotFound):
            return False
        return True

    def stray_rendition(self, actor: Actor, key: str) -> bool:
        """Forget a copy whose image does not exist; its file is a foreign one from now on."""
        with self._ledger.draft(actor) as work:
            work.session.execute(sa.delete(Rendition).where(col(Rendition.key) == key))
        return True

    def foreign(self, info: ObjectInfo) -> bool:
        """Set a file aside that belongs to no image: it may be the last trace of one."""
        draft = self._draft()
        try:
            self._store.fetch(info.key, draft)
            target, sha256 = QUARANTINE + info.key, _sha256(draft)
            self._store.put(target, draft, content_type="application/octet-stream", sha256=sha256)
        except (ObjectMissing, Unavailable):
            return False
        finally:
            draft.unlink(missing_ok=True)
        self._store.delete([info.key])
        return True

    def let_go(self, info: ObjectInfo, now: datetime) -> None:
        """Remove a file for good that was set aside for as long as the trash is kept."""
        if info.modified_at < now - timedelta(days=self._ledger.settings.trash_days):
            self._store.delete([info.key])

    def _draft(self) -> Path:
        return self._ledger.settings.temporary_dir / f"{uuid4()}.repair"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
