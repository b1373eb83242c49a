"""Upkeep as jobs: checks, backups and purges of the whole clinic, begun from a screen or a program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from imgcore.config import Settings
from imgcore.domain.access import Actor
from imgcore.domain.findings import Finding
from imgcore.domain.progress import Progress
from imgcore.domain.values import Line, Value
from imgcore.errors import Invalid
from imgcore.services.backups import Backups
from imgcore.services.checks import Checks, Options
from imgcore.services.copies import writing
from imgcore.services.purges import Purges
from imgcore.services.work import utc_now
from imgcore.texts import _

MOST_TOLD = 100
NIGHTS_KEPT = 7
_NIGHTLY = re.compile(r"imgcore-nightly-\d{8}-\d{6}\.tar(\.age)?")


class CheckOptions(Value):
    """How thorough a check is, and whether it mends what it can."""

    repair: bool = False
    quick: bool = False


class BackupOptions(Value):
    """A backup takes everything; where it goes is a setting. Of those of the nights the newest are kept."""

    nightly: bool = False


class PurgeOptions(Value):
    """Whose trash is emptied, everybody's when nobody is named, and how old its content must be."""

    patient: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    older_than_days: Annotated[int, Field(ge=0, le=36_500)] = 0


class Upkeep:
    """Does what an administrator asks for the clinic as a whole, as the kinds of jobs want it done."""

    def __init__(self, settings: Settings, checks: Checks, backups: Backups, purges: Purges) -> None:
        self._settings = settings
        self._checks = checks
        self._backups = backups
        self._purges = purges

    def prepare_check(self, _actor: Actor, options: CheckOptions) -> dict[str, Any]:
        """Return what the job is about."""
        return options.model_dump()

    def check(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Compare every stored byte with what is known of it; the first findings are told by ids alone."""
        told: list[str] = []

        def tell(finding: Finding) -> None:
            if len(told) < MOST_TOLD:
                told.append(finding.text)

        options = Options(repair=ids["repair"], quick=ids["quick"])
        tally = self._checks.run(actor, options, progress, tell)
        counts = {"images": tally.images, "found": tally.found.total(), "mended": tally.mended}
        return counts | {"findings": told}

    def prepare_backup(self, _actor: Actor, options: BackupOptions) -> dict[str, Any]:
        """Choose the name of the file; ``Invalid`` while no folder for backups is set."""
        if self._settings.backup_folder is None:
            raise Invalid(_("There is no folder for backups."), hint=_("Name one in IMGCORE_BACKUP_FOLDER."))
        ending = ".tar.age" if self._settings.backup_recipients else ".tar"
        night = "nightly-" if options.nightly else ""
        return {"file": f"imgcore-{night}{utc_now():%Y%m%d-%H%M%S}{ending}"}

    def backup(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Write the backup; one that was whole before the job was broken off is not written again."""
        folder = self._settings.backup_folder
        if folder is None:
            raise Invalid(_("There is no folder for backups."))
        target = folder / ids["file"]
        if target.exists():
            return {"file": ids["file"]}
        made = self._backups.make(actor, target, progress)
        if _NIGHTLY.fullmatch(target.name) and not made.faults:  # else an older one has what is damaged now
            _keep_newest(folder)
        return {"file": ids["file"], "images": made.images, "damaged": len(made.faults)}

    def prepare_purge(self, actor: Actor, options: PurgeOptions) -> dict[str, Any]:
        """Check that there is such a patient."""
        self._purges.preview(actor, options.patient, options.older_than_days)
        return options.model_dump()

    def purge(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Empty the trash for good."""
        gone = self._purges.run(actor, ids["patient"], ids["older_than_days"], progress)
        return {"images": gone.images, "batches": gone.batches, "patients": gone.patients}


def _keep_newest(folder: Path) -> None:
    """Remove the backups of earlier nights; those that a person made are theirs."""
    with writing():
        made = sorted(each for each in folder.iterdir() if _NIGHTLY.fullmatch(each.name))
        for old in made[:-NIGHTS_KEPT]:
            old.unlink(missing_ok=True)
