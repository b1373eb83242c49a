"""Restores: a backup or an export becomes a clinic, in an empty place and whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db import portable, schema
from imgcore.db.engine import Database
from imgcore.db.journal import Setting
from imgcore.db.tables import Image
from imgcore.documents import envelopes
from imgcore.documents.containers import FolderSource, Source, TarSource
from imgcore.documents.contents import Contents
from imgcore.domain.access import Action, Actor
from imgcore.domain.copies import About, Entry, Manifest
from imgcore.domain.progress import Progress, nothing
from imgcore.errors import ConfigError, Conflict, Invalid, ObjectExists, StoreUnavailable
from imgcore.services import readings
from imgcore.services.parallel import side_by_side
from imgcore.services.seals import Seals
from imgcore.services.work import Ledger, Line, Service, event_of, performs
from imgcore.storage import ObjectStore
from imgcore.storage.disks import disk_faults
from imgcore.texts import _

RESTORING = "restoring"
THREADS = 4


class Restores(Service):
    """Brings a copy of a clinic back; what was begun and cut off goes on with the same command."""

    def __init__(self, ledger: Ledger, store: ObjectStore) -> None:
        super().__init__(ledger)
        self._store = store
        self._database = ledger.database

    @performs(Action.DATA_IMPORT)
    def run(
        self, actor: Actor, path: Path, identity: Path | None = None, progress: Progress = nothing
    ) -> Manifest:
        """Restore a backup (a file) or an export (a folder), once all of it was compared with itself.

        ``progress`` counts every image twice: when it is compared, and when it is stored.
        """
        folder = self._settings.temporary_dir
        with disk_faults(), _opened(path, identity) as source:
            about, manifest = _compared(Contents(source, folder), progress)
        self._begin(about)
        if schema.current(self._database) == about.schema:  # later it is full, and was brought up already
            with disk_faults(), _opened(path, identity) as source:
                self._fill(Contents(source, folder), manifest, progress)
        self._end(actor, manifest)
        return manifest

    def _begin(self, about: About) -> None:
        """Make the tables as they were, and mark the clinic as half restored; or refuse."""
        known, at = schema.revisions(), schema.current(self._database)
        if about.schema not in known:
            raise Conflict(
                _("This copy was written by a newer version of Imgcore."),
                hint=_("Restore it with that version, or a newer one."),
            )
        begun = half_restored(self._database)
        if begun == about.id and at in (about.schema, known[-1]):
            return
        if begun is not None:
            raise Conflict(
                _("The restore of another copy was cut off here."),
                hint=_("Finish that one, or name an empty database."),
            )
        if at is None:
            schema.upgrade(self._database, about.schema)
        self._mark(about, at)

    def _mark(self, about: About, at: str | None) -> None:
        with self._database.write() as session:
            if not portable.is_empty(session):
                raise Conflict(
                    _("This clinic is not empty; nothing was changed."),
                    hint=_("Name an empty database and another data folder, and restore there."),
                )
            if at not in (None, about.schema):
                raise Conflict(
                    _("The tables are those of another version of Imgcore than the copy."),
                    hint=_("Name a database in which nothing was made yet."),
                )
            session.execute(sa.delete(Setting))  # of the start of a server that had no clinic yet
            session.add(Setting(name=RESTORING, value=about.id, updated_at=self._ledger.clock()))

    def _fill(self, contents: Contents, manifest: Manifest, progress: Progress) -> None:
        """Store rows and objects; what is there from an earlier try stays."""
        for name, rows in contents.tables():
            for lot in portable.lots(rows):
                with self._database.write() as session:
                    portable.load(session, name, lot)
        total, waiting = manifest.counts["files"], set[Path]()

        def put(entry: Entry, draft: Path | None, sha256: str) -> None:
            if draft is not None:
                self._put(entry, draft, sha256)
                draft.unlink()
                waiting.discard(draft)

        try:
            drafts = self._drafts(contents, waiting)
            with side_by_side(lambda each: put(*each), drafts, THREADS) as stored:
                for number, _nothing in enumerate(stored, 1):
                    progress(total + number, 2 * total)
        finally:
            for draft in waiting:
                draft.unlink(missing_ok=True)
        if contents.finish() != manifest:
            raise Invalid(_("The copy was changed while it was restored. Run the same restore again."))

    def _drafts(self, contents: Contents, waiting: set[Path]) -> Iterator[tuple[Entry, Path | None, str]]:
        """Yield each image with a file that has its bytes, and their SHA-256; None for one without bytes."""
        for entry, chunks in contents.images():
            if chunks is None:
                yield entry, None, ""
                continue
            draft = self._settings.temporary_dir / f"{uuid4()}.restored"
            waiting.add(draft)
            digest = hashlib.sha256()
            with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            yield entry, draft, digest.hexdigest()

    def _put(self, entry: Entry, draft: Path, sha256: str) -> None:
        """Store the file; in a store that was kept it takes the place of a damaged one."""
        try:
            return self._store.put(entry.key, draft, content_type=entry.mime_type, sha256=sha256)
        except ObjectExists:
            if sha256 != entry.sha256:  # neither is what it should be
                return None
        except StoreUnavailable:
            if readings.read(self._store, entry.key, readings.Sums()) != "unreadable":
                raise
        self._store.delete([entry.key])
        self._store.put(entry.key, draft, content_type=entry.mime_type, sha256=sha256)

    def _end(self, actor: Actor, manifest: Manifest) -> None:
        """Bring the tables up to this version, say in the audit what was done, and open the clinic."""
        copy = schema.upgrade(self._database)
        if copy is not None:
            copy.unlink()
        now = self._ledger.clock()
        damaged = [UUID(fault.id) for fault in manifest.faults]
        with self._database.write() as session:
            for name in portable.tables():
                if portable.count(session, name) != manifest.counts.get(name, 0):
                    raise Conflict(_("The rows of the copy contradict each other; it cannot be restored."))
            for lot in portable.lots(damaged):
                marked = sa.update(Image).where(col(Image.id).in_(lot))
                session.execute(marked.values(damaged_at=now))
            portable.settle(session)
            line = Line(Action.DATA_IMPORT, outcome="restored", count=manifest.counts["files"])
            session.add(event_of(line, actor, now))
            session.execute(sa.delete(Setting).where(col(Setting.name) == RESTORING))
        seals = Seals(self._ledger)
        seals.run(actor)
        seals.keep_head(actor, is_end=True)


def half_restored(database: Database) -> str | None:
    """Return the id of the copy whose restore was begun here and has not ended; None when there is none."""
    if schema.current(database) is None:
        return None
    with database.read() as session:
        wanted = sa.select(Setting.value).where(col(Setting.name) == RESTORING)
        return session.execute(wanted).scalar_one_or_none()


def refuse_half_restored(database: Database) -> None:
    """Raise ``ConfigError`` for a clinic whose restore was cut off: half of it would look like all."""
    if half_restored(database) is not None:
        raise ConfigError(
            _("The restore of this clinic was cut off; it is not whole yet."),
            hint=_("Run the same restore again: it goes on where it was cut off."),
        )


def _compared(contents: Contents, progress: Progress) -> tuple[About, Manifest]:
    """Walk through the whole copy and compare it with itself."""
    for _name, rows in contents.tables():
        for _row in rows:
            pass
    for number, (_entry, chunks) in enumerate(contents.images(), 1):
        for _chunk in chunks or ():
            pass
        progress(number, 0)
    return contents.about, contents.finish()


@contextmanager
def _opened(path: Path, identity: Path | None) -> Iterator[Source]:
    if path.is_dir():
        yield FolderSource(path)
        return
    with ExitStack() as stack:
        try:
            file: Any = stack.enter_context(open(path, "rb"))
            key = identity.read_text(encoding="utf-8") if identity is not None else ""
        except (OSError, UnicodeDecodeError):
            raise Invalid(_("There is no such backup or identity file, or it cannot be read.")) from None
        is_closed = file.read(len(envelopes.MARK)) == envelopes.MARK
        file.seek(0)
        if is_closed and not key:
            raise Invalid(
                _("This backup is encrypted."), hint=_("Name the file with its key: --identity FILE")
            )
        if is_closed:
            file = stack.enter_context(envelopes.opened(file, envelopes.identities_of(key)))
        yield TarSource(file)
