"""Kinds of jobs: the one table of what can be done in the background, and who may start it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress
from imgcore.domain.values import Value
from imgcore.services.analysis_jobs import AnalysisJobs, AnalysisOptions
from imgcore.services.imports import FolderOptions, Imports, PrefixOptions
from imgcore.services.renewals import RenewalOptions, Renewals
from imgcore.services.upkeep import BackupOptions, CheckOptions, PurgeOptions, Upkeep
from imgcore.texts import _

Ids = dict[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    ``prepare`` checks the options when the job is started, on behalf of the person, and returns the ids
    that the job is about. ``work`` does the job; it may be broken off anywhere and called again with the
    same ids. Neither ids nor result hold words of people: ids, counts, paths and our own sentences.
    """

    action: Action
    title: Callable[[], str]
    options: type[Value]
    prepare: Callable[[Actor, Any], Ids]
    work: Callable[[Actor, Ids, Progress], Result]


def kinds(imports: Imports, renewals: Renewals, analyses: AnalysisJobs, upkeep: Upkeep) -> Mapping[str, Kind]:
    """Return every kind by its name, which is kept with each job and never changes."""
    return {
        "import_folder": Kind(
            Action.DATA_IMPORT,
            lambda: _("Import of a folder"),
            FolderOptions,
            imports.prepare_folder,
            imports.folder,
        ),
        "import_prefix": Kind(
            Action.DATA_IMPORT,
            lambda: _("Import from another store"),
            PrefixOptions,
            imports.prepare_prefix,
            imports.prefix,
        ),
        "renditions": Kind(
            Action.IMAGE_EDIT,
            lambda: _("Thumbnails and display copies"),
            RenewalOptions,
            renewals.prepare,
            renewals.make,
        ),
        "analyses": Kind(
            Action.RESULT_RUN, lambda: _("Analyses"), AnalysisOptions, analyses.prepare, analyses.run
        ),
        "check": Kind(
            Action.DATA_CHECK,
            lambda: _("Check of the stored files"),
            CheckOptions,
            upkeep.prepare_check,
            upkeep.check,
        ),
        "backup": Kind(
            Action.DATA_EXPORT, lambda: _("Backup"), BackupOptions, upkeep.prepare_backup, upkeep.backup
        ),
        "purge": Kind(
            Action.TRASH_PURGE,
            lambda: _("Purge of the trash"),
            PurgeOptions,
            upkeep.prepare_purge,
            upkeep.purge,
        ),
    }
