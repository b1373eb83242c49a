"""Exports: the whole clinic as a folder with plain names, for other programs or to move to another clinic."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from secrets import token_hex

from imgcore.documents.containers import FolderContainer
from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress, nothing
from imgcore.errors import Conflict, Invalid
from imgcore.services.copies import Copied, Copies, ids_of, settle, writing
from imgcore.services.work import Ledger, Line, Service, performs
from imgcore.texts import _


class Exports(Service):
    """Writes exports while the clinic works."""

    def __init__(self, ledger: Ledger, copies: Copies) -> None:
        super().__init__(ledger)
        self._copies = copies

    @performs(Action.DATA_EXPORT)
    def make(self, actor: Actor, target: Path, progress: Progress = nothing) -> Copied:
        """Write an export to a new or empty folder; until it is whole, it has a name that says so."""
        if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
            raise Conflict(_("There is something of this name already; it was left as it is."))
        if not target.parent.is_dir():
            raise Invalid(_("There is no folder for the export."))
        self._ledger.note(actor, Line(Action.DATA_EXPORT, outcome="begun"))
        draft = target.with_name(f"{target.name}.{token_hex(4)}.part")
        with writing():
            try:
                draft.mkdir(mode=0o700)
                copied = self._copies.write(actor, FolderContainer(draft), "export", progress)
                os.sync()  # all of its files at once: one by one takes far longer
                draft.rename(target)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
            settle(target.parent)
        faults = ids_of(copied.faults)
        named = {"entity": "image" if faults else "", "entity_ids": faults}
        self._ledger.note(actor, Line(Action.DATA_EXPORT, count=copied.images, **named))  # type: ignore[arg-type]
        return copied
