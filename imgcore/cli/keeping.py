"""``check``, ``backup``, ``restore`` and ``export``: that nothing is lost, and how it comes back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imgcore import bootstrap
from imgcore.cli.commands import opened
from imgcore.config import load_settings
from imgcore.domain.access import system
from imgcore.domain.findings import Finding
from imgcore.errors import Invalid
from imgcore.services.checks import Options
from imgcore.services.copies import Copied
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands


def add_to(commands: Commands) -> None:
    """Add these commands."""
    check = commands.add_parser("check", help=_("compare every image with its stored file"))
    check.add_argument("--repair", action="store_true", help=_("mend what can be mended"))
    check.add_argument("--quick", action="store_true", help=_("look at sizes only"))
    check.add_argument("--names", action="store_true", help=_("name patients and files too"))
    check.set_defaults(run=_check)
    backup = commands.add_parser("backup", help=_("write the whole clinic to one new file"))
    backup.add_argument("file", metavar="FILE", type=Path)
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help=_("bring a backup back, where there is no clinic yet"))
    restore.add_argument("file", metavar="FILE", type=Path)
    restore.add_argument(
        "--identity", metavar="FILE", type=Path, help=_("the age key of an encrypted backup")
    )
    restore.set_defaults(run=lambda asked: bring_back(asked.file, asked.identity))
    export = commands.add_parser("export", help=_("write the whole clinic to a new folder, with plain names"))
    export.add_argument("folder", metavar="FOLDER", type=Path)
    export.set_defaults(run=_export)


def bring_back(path: Path, identity: Path | None = None) -> int:
    """Make a backup or an export the clinic of the environment, which must be empty."""
    path = path.absolute()
    if not path.exists():
        raise Invalid(_("There is no such file or folder."))
    with bootstrap.restoring(load_settings()) as restores:
        manifest = restores.run(system("cli"), path, identity)
    print(_("{count} images were restored.").format(count=manifest.counts["files"]))
    for fault in manifest.faults:
        print(_("image {id} was damaged before · {key}").format(id=fault.id, key=fault.key))
    return 1 if manifest.faults else 0


def _check(asked: argparse.Namespace) -> int:
    options = Options(repair=asked.repair, quick=asked.quick, names=asked.names)
    with opened() as (services, actor):
        tally = services.checks.run(actor, options, tell=_tell)
    text = _(
        "{images} images, {renditions} copies and {objects} files checked: {found} found, {mended} mended."
    )
    print(text.format(images=tally.images, renditions=tally.renditions, objects=tally.objects,
                      found=tally.found.total(), mended=tally.mended))  # fmt: skip
    return 1 if tally.left else 0


def _tell(finding: Finding) -> None:
    print(finding.text, flush=True)


def _backup(asked: argparse.Namespace) -> int:
    with opened() as (services, actor):
        copied = services.backups.make(actor, asked.file.absolute())
        if not services.settings.backup_recipients:
            print(_("This backup is not encrypted: keep it where only you can read it."), file=sys.stderr)
    return _said(copied)


def _export(asked: argparse.Namespace) -> int:
    with opened() as (services, actor):
        return _said(services.exports.make(actor, asked.folder.absolute()))


def _said(copied: Copied) -> int:
    """Tell what was copied; 1 when some of it was damaged before."""
    for fault in copied.faults:
        print(_("image {id} is damaged · {key}").format(id=fault.id, key=fault.key))
    print(_("{count} images were copied.").format(count=copied.images))
    return 1 if copied.faults else 0
