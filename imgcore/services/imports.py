"""Imports as jobs: from below the folder, or the store, that the clinic's settings name for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from imgcore.config import Settings
from imgcore.domain.access import Actor
from imgcore.domain.progress import Progress
from imgcore.domain.values import Line, Name, Value
from imgcore.errors import ConfigError, Invalid
from imgcore.services.folders import Folder, Folders, Place, Prefix, shown
from imgcore.storage import ObjectStore, is_key, open_store
from imgcore.texts import _

MOST_SHOWN = 100
Where = Annotated[str, Field(max_length=1024)]
Ref = Annotated[Line, Field(min_length=1, max_length=64)]


class FolderOptions(Value):
    """Which folder, below the one for imports, goes to which patient."""

    folder: Where
    patient: Ref
    batch: Name | None = None


class PrefixOptions(Value):
    """Which part of the store for imports goes to which patient."""

    prefix: Where = ""
    patient: Ref
    batch: Name | None = None


class Imports:
    """Finds the places that may be imported from; ``Folders`` brings the files in."""

    def __init__(self, settings: Settings, folders: Folders) -> None:
        _check_places(settings)
        self._settings = settings
        self._folders = folders

    def prepare_folder(self, actor: Actor, options: FolderOptions) -> dict[str, Any]:
        """Check that there is something to import, and find or make the batch that it goes to."""
        folder = self._folder(options.folder)
        folder.files()
        name = options.batch or folder.path.name
        return {"folder": options.folder} | self._target(actor, options.patient, name)

    def folder(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Bring a folder in."""
        return self._bring(actor, ids, self._folder(ids["folder"]), progress)

    def prepare_prefix(self, actor: Actor, options: PrefixOptions) -> dict[str, Any]:
        """Check that there is something to import, and find or make the batch that it goes to."""
        prefix = options.prefix.strip("/")
        if prefix and not is_key(prefix):
            raise Invalid(_("There are no files below this prefix."))
        store = self._store()
        try:
            Prefix(store, _below(prefix)).files()
        finally:
            store.close()
        name = options.batch or prefix.rpartition("/")[2] or _("Import")
        return {"prefix": prefix} | self._target(actor, options.patient, name)

    def prefix(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Bring a part of the store in."""
        store = self._store()
        try:
            return self._bring(actor, ids, Prefix(store, _below(ids["prefix"])), progress)
        finally:
            store.close()

    def _target(self, actor: Actor, patient_ref: str, batch_name: str) -> dict[str, Any]:
        batch = self._folders.target(actor, patient_ref, batch_name)
        return {"batch_id": str(batch.id), "patient_id": str(batch.patient_id), "after": batch.last_order}

    def _bring(self, actor: Actor, ids: dict[str, Any], place: Place, progress: Progress) -> dict[str, Any]:
        brought = self._folders.bring(actor, UUID(ids["batch_id"]), place, progress, after=ids["after"])
        return {
            "stored": brought.stored,
            "already_there": brought.already_there,
            "not_stored": len(brought.refused),
            "refused": shown(brought.refused, MOST_SHOWN),
        }

    def _folder(self, path: str) -> Folder:
        """Return a folder below the one for imports, wherever links or dots in its path lead."""
        root = self._settings.import_folder
        if root is None:
            raise Invalid(
                _("Folders of the server cannot be imported here."),
                hint=_("Set IMGCORE_IMPORT_FOLDER to the folder below which they lie."),
            )
        try:
            allowed, wanted = root.resolve(), (root / path).resolve()
            if wanted.is_relative_to(allowed) and wanted.is_dir():
                return Folder(wanted, within=allowed)
        except (OSError, RuntimeError, ValueError):  # a loop of links, a null character
            pass
        raise Invalid(_("There is no such folder below the folder for imports."))

    def _store(self) -> ObjectStore:
        url = self._settings.import_url
        if not url:
            raise Invalid(
                _("No other store can be imported here."),
                hint=_("Set IMGCORE_IMPORT_URL to its address."),
            )
        try:
            return open_store(url)
        except ConfigError as error:
            message = error.message.replace("IMGCORE_STORAGE_URL", "IMGCORE_IMPORT_URL")
            raise ConfigError(message, hint=error.hint) from None


def _check_places(settings: Settings) -> None:
    """Raise ``ConfigError`` when what is imported from is where Imgcore itself keeps its data."""
    folder = settings.import_folder
    if folder is not None and _overlap(folder.resolve(), settings.data_dir.resolve()):
        raise ConfigError(_("IMGCORE_IMPORT_FOLDER and the data folder must not lie in each other."))
    if settings.import_url and _is_same_store(settings.import_url, settings.storage):
        raise ConfigError(_("IMGCORE_IMPORT_URL must be another store than Imgcore's own."))


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _is_same_store(one: str, other: str) -> bool:
    """Tell whether one address lies within the other, whatever their options are."""
    places = [_place(each) for each in (one, other)]
    return places[0].startswith(places[1]) or places[1].startswith(places[0])


def _place(url: str) -> str:
    """Return where a store is, without the options of its address, ending with a slash."""
    url = url if "://" in url else Path(url).expanduser().absolute().as_uri()
    return url.partition("?")[0].rstrip("/") + "/"


def _below(prefix: str) -> str:
    return f"{prefix}/" if prefix else ""
