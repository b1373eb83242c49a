"""Backups: the whole clinic in one file, encrypted where the clinic asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from imgcore.db.journal import Setting
from imgcore.documents import envelopes
from imgcore.documents.containers import TarContainer
from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress, nothing
from imgcore.errors import Conflict, Invalid
from imgcore.services.copies import Copied, Copies, ids_of, settle, writing
from imgcore.services.work import Ledger, Line, Service, performs
from imgcore.texts import _

LAST = "last_backup"


@dataclass(frozen=True)
class LastBackup:
    """When a backup was last made, of how many images, and how many of those were damaged before."""

    at: datetime
    images: int
    faults: int
    is_encrypted: bool


class Backups(Service):
    """Makes backups while the clinic works."""

    def __init__(self, ledger: Ledger, copies: Copies) -> None:
        super().__init__(ledger)
        self._copies = copies

    @performs(Action.DATA_EXPORT)
    def make(self, actor: Actor, target: Path, progress: Progress = nothing) -> Copied:
        """Write a backup to a new file; until it is whole, it stands beside under a name that says so."""
        if os.path.lexists(target):
            raise Conflict(_("There is a file of this name already; it was left as it is."))
        if not target.parent.is_dir():
            raise Invalid(_("There is no folder for the backup."))
        recipients = envelopes.recipients_of(self._settings.backup_recipients)
        self._ledger.note(actor, Line(Action.DATA_EXPORT, outcome="begun"))
        draft = target.with_name(f"{target.name}.{token_hex(4)}.part")
        with writing():
            try:
                copied = self._write(actor, draft, recipients, progress)
                draft.rename(target)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            settle(target.parent)
        self._keep(actor, copied, is_encrypted=bool(recipients))
        return copied

    @performs(Action.OPERATIONS_SEE)
    def last(self, actor: Actor) -> LastBackup | None:
        """Return when the last backup was made; None when there was none."""
        with self._ledger.read(actor) as work:
            row = work.session.get(Setting, LAST)
            if row is None:
                return None
            at = datetime.fromisoformat(row.value["at"])
            counts = {name: row.value[name] for name in ("images", "faults", "is_encrypted")}
            return LastBackup(at, **counts)

    def _write(self, actor: Actor, draft: Path, recipients: list[object], progress: Progress) -> Copied:
        at = self._ledger.clock().timestamp()
        with (
            _drafted(draft) as file,
            _closed(file, recipients) as stream,
            TarContainer(stream, at) as container,
        ):
            return self._copies.write(actor, container, "backup", progress)

    def _keep(self, actor: Actor, copied: Copied, *, is_encrypted: bool) -> None:
        with self._ledger.write(actor) as work:
            faults = ids_of(copied.faults)
            value = {"at": work.at.isoformat(), "images": copied.images, "faults": len(faults)}
            row = Setting(name=LAST, value=value | {"is_encrypted": is_encrypted}, updated_at=work.at)
            work.session.merge(row)
            work.record(Action.DATA_EXPORT, entity="image" if faults else "", entity_ids=faults,
                        count=copied.images)  # fmt: skip


@contextmanager
def _drafted(path: Path) -> Iterator[BinaryIO]:
    """Give a new private file that is on the disk afterwards."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _closed(file: BinaryIO, recipients: list[object]) -> Iterator[BinaryIO]:
    """Give the stream to write to: an envelope where there is somebody to open it."""
    if not recipients:
        yield file
        return
    with envelopes.closed(file, recipients) as stream:
        yield stream
