"""``import``: the photographs of a folder, each checked and stored as an upload is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from imgcore.cli.commands import opened
from imgcore.domain.access import Actor
from imgcore.domain.records import Batch, Patient, Received, Refused
from imgcore.domain.values import NewBatch, parse
from imgcore.errors import FileRefused, Invalid, NotFound
from imgcore.services import Services
from imgcore.services.uploads import Offered, refusal
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands

FILES_AT_ONCE = 20
CHUNK = 1024 * 1024


def add_to(commands: Commands) -> None:
    """Add these commands."""
    bring = commands.add_parser("import", help=_("store all photographs of a folder"))
    bring.add_argument("folder", metavar="FOLDER", type=Path)
    bring.add_argument("--patient", metavar="REF", required=True, help=_("id, external id or MRN"))
    bring.add_argument("--batch", metavar="NAME", help=_("name of the batch; the folder's when left out"))
    bring.set_defaults(run=_import)


def _import(asked: argparse.Namespace) -> int:
    files = _files(asked.folder)
    with opened() as (services, actor):
        patient = _patient(services, actor, asked.patient)
        batch = _batch(services, actor, patient, asked.batch or asked.folder.absolute().name)
        results = [
            _store(services, actor, batch.id, files[start : start + FILES_AT_ONCE])
            for start in range(0, len(files), FILES_AT_ONCE)
        ]
    stored = [each for result in results for each in result.uploaded]
    failed = sum(len(result.failed) for result in results)
    there = sum(each.already_there for each in stored)
    text = _("{stored} stored, {there} already there, {failed} not stored.")
    print(text.format(stored=len(stored) - there, there=there, failed=failed))
    return 1 if failed else 0


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder in the order of their names, hidden ones left out."""
    if not folder.is_dir():
        raise Invalid(_("There is no such folder."))
    found = (path for path in folder.rglob("*") if path.is_file())
    files = [path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts)]
    if not files:
        raise Invalid(_("The folder holds no files."))
    return sorted(files)


def _patient(services: Services, actor: Actor, ref: str) -> Patient:
    try:
        return services.patients.get(actor, ref)
    except NotFound:
        found = services.patients.find(actor, ref).items
        same = [patient for patient in found if patient.mrn == ref]
        if not same:
            raise
        return same[0]


def _batch(services: Services, actor: Actor, patient: Patient, name: str) -> Batch:
    """Return the patient's batch of this name, so that an import that was cut off goes on in it."""
    new = parse(NewBatch, name=name)
    for batch in services.batches.of_patient(actor, patient.id, name).items:
        if batch.name == new.name:
            return batch
    return services.batches.create(actor, patient.id, new)


def _store(services: Services, actor: Actor, batch_id: UUID, paths: Sequence[Path]) -> Received:
    offered = [_offer(services, actor, path) for path in paths]
    received = services.uploads.store(actor, batch_id, offered)
    for each in received.uploaded:
        word = _("already there") if each.already_there else _("stored")
        print(f"{each.image.original_name}: {word}")
    for refused in received.failed:
        print(f"{refused.name}: {refused.message}")
    return received


def _offer(services: Services, actor: Actor, path: Path) -> Offered | Refused:
    """Copy a file in; the one in the folder stays as it is."""
    intake = services.uploads.intake(actor, path.name)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                intake.write(chunk)
        return Offered(intake.finish())
    except FileRefused as error:
        return refusal(path.name, error)
    except OSError as error:
        intake.discard()
        text = _("The file cannot be read: {reason}.").format(reason=error.strerror)
        return Refused(path.name, "unreadable", text)
