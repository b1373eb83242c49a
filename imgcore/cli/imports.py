"""``import``: the photographs of a folder, each checked and stored as an upload is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from imgcore.cli.commands import opened
from imgcore.cli.keeping import bring_back
from imgcore.domain.copies import MANIFEST
from imgcore.errors import Invalid
from imgcore.services.folders import Folder, Outcome
from imgcore.services.intake import clean_name
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands


def add_to(commands: Commands) -> None:
    """Add these commands."""
    bring = commands.add_parser("import", help=_("store all photographs of a folder"))
    bring.add_argument("folder", metavar="FOLDER", type=Path)
    bring.add_argument(
        "--patient",
        metavar="REF",
        help=_("id, external id or MRN; an export needs none: it becomes a clinic"),
    )
    bring.add_argument("--batch", metavar="NAME", help=_("name of the batch; the folder's when left out"))
    bring.set_defaults(run=_import)


def _import(asked: argparse.Namespace) -> int:
    if asked.patient is None:
        if not (asked.folder / MANIFEST).is_file():
            raise Invalid(
                _("This folder is no whole export of Imgcore."),
                hint=_("Name whose photographs are in it: --patient REF"),
            )
        return bring_back(asked.folder)
    folder = Folder(asked.folder)
    folder.files()  # says what is wrong with it before anything is made
    name = asked.batch or asked.folder.absolute().name
    with opened() as (services, actor):
        batch = services.folders.target(actor, asked.patient, name)
        brought = services.folders.bring(actor, batch.id, folder, told=_tell)
    text = _("{stored} stored, {there} already there, {failed} not stored.")
    failed = len(brought.refused)
    print(text.format(stored=brought.stored, there=brought.already_there, failed=failed))
    return 1 if failed else 0


def _tell(outcome: Outcome) -> None:
    if outcome.refused is not None:
        print(f"{outcome.refused.name}: {outcome.refused.message}")
        return
    word = _("already there") if outcome.already_there else _("stored")
    print(f"{clean_name(outcome.path)}: {word}")
