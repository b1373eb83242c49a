"""The command line: serve the clinic, let people in, bring photographs in, and look after the data."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import Actor, Role, system
from imgcore.domain.records import Batch, Patient, Received, Refused
from imgcore.domain.values import NewBatch, NewUser, parse
from imgcore.errors import FileRefused, ImgcoreError, Invalid, NotFound
from imgcore.services import Services
from imgcore.services.accounts import LINK_HOURS
from imgcore.services.uploads import Offered, refusal
from imgcore.texts import _

# The folder that holds app.py and pages/, wherever the command is started.
ROOT = Path(__file__).parents[1]
URL = "http://localhost:8501"
GRACEFUL_SECONDS = 10
FILES_AT_ONCE = 20
CHUNK = 1024 * 1024
PICTURES_PER_LINE = 20

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it did its work and 1 when not (argparse answers 2 itself)."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except ImgcoreError as error:
        print("\n".join(filter(None, (error.message, error.hint))), file=sys.stderr)
    except KeyboardInterrupt:
        print(_("Stopped."), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imgcore", description=_("Imgcore on the command line."))
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    _add_serve(commands)
    _add_user(commands)
    _add_import(commands)
    demo = commands.add_parser("demo", help=_("load the demo clinic: invented patients, drawn pictures"))
    demo.add_argument("--remove", action="store_true", help=_("put its patients into the trash instead"))
    demo.set_defaults(run=_demo)
    sweep = commands.add_parser("sweep", help=_("clear up what was left half done or is past its time"))
    sweep.set_defaults(run=_sweep)
    audit = commands.add_parser("audit", help=_("look after the record of access"))
    checks = audit.add_subparsers(metavar=_("STEP"), required=True)
    verify = checks.add_parser("verify", help=_("check that no line was altered or removed"))
    verify.set_defaults(run=_verify)
    db = commands.add_parser("db", help=_("look after the database"))
    steps = db.add_subparsers(metavar=_("STEP"), required=True)
    upgrade = steps.add_parser("upgrade", help=_("bring the database to the shape of this version"))
    upgrade.set_defaults(run=_upgrade)
    return parser


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser("serve", help=_("run the server, for a service manager"))
    serve.add_argument("--host", default="127.0.0.1", help=_("address to listen on"))
    serve.add_argument("--port", type=int, default=8501, help=_("port to listen on"))
    serve.set_defaults(run=_serve)


def _add_user(commands: Commands) -> None:
    user = commands.add_parser("user", help=_("let a person in"))
    steps = user.add_subparsers(metavar=_("STEP"), required=True)
    add = steps.add_parser("add", help=_("add a person and print their one-time link"))
    add.add_argument("--name", help=_("name of the person; the address without its domain when left out"))
    staff = [Role.ADMIN.value, Role.CLINICIAN.value, Role.REVIEWER.value]
    add.add_argument("--role", choices=staff, default=Role.CLINICIAN.value)
    add.set_defaults(run=_add_person)
    reset = steps.add_parser("reset", help=_("print a new one-time link for a person"))
    reset.set_defaults(run=_reset_person)
    for step in (add, reset):
        step.add_argument("email", metavar="EMAIL")
        step.add_argument("--url", default=URL, help=_("address of the server as people type it"))


def _add_import(commands: Commands) -> None:
    bring = commands.add_parser("import", help=_("store all photographs of a folder"))
    bring.add_argument("folder", metavar="FOLDER", type=Path)
    bring.add_argument("--patient", metavar="REF", required=True, help=_("id, external id or MRN"))
    bring.add_argument("--batch", metavar="NAME", help=_("name of the batch; the folder's when left out"))
    bring.set_defaults(run=_import)


@contextmanager
def _clinic() -> Iterator[tuple[Services, Actor]]:
    """Open the clinic of the environment beside its server, for the program itself."""
    clinic = bootstrap.build(load_settings())
    try:
        yield clinic.services, system("cli")
    finally:
        clinic.close()


def _serve(asked: argparse.Namespace) -> int:
    import uvicorn

    load_settings()  # says what is wrong with a setting before anything starts
    # Streamlit's own idea of the address; set-up asks for a code when other machines can reach it.
    os.environ["STREAMLIT_SERVER_ADDRESS"] = asked.host
    os.environ["STREAMLIT_SERVER_PORT"] = str(asked.port)
    # uvicorn raises the signal once more when everything has ended in good order.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        uvicorn.run(
            "app:app",
            app_dir=str(ROOT),
            host=asked.host,
            port=asked.port,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            access_log=False,
        )
    except SystemExit as end:
        return 1 if end.code else 0
    return 0


def _add_person(asked: argparse.Namespace) -> int:
    name = asked.name or asked.email.partition("@")[0]
    new = parse(NewUser, email=asked.email, name=name, role=asked.role)
    with _clinic() as (services, actor):
        _user, token = services.accounts.create(actor, new)
    return _print_link(asked.url, token or "")


def _reset_person(asked: argparse.Namespace) -> int:
    with _clinic() as (services, actor):
        return _print_link(asked.url, services.accounts.invite(actor, asked.email))


def _print_link(url: str, token: str) -> int:
    print(f"{url.rstrip('/')}/auth/link/{token}")
    print(_("The link works once, for {hours} hours.").format(hours=LINK_HOURS), file=sys.stderr)
    return 0


def _import(asked: argparse.Namespace) -> int:
    files = _files(asked.folder)
    with _clinic() as (services, actor):
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


def _demo(asked: argparse.Namespace) -> int:
    from imgcore import demo

    with _clinic() as (services, actor):
        if asked.remove:
            demo.remove(services, actor)
            print(_("The demo clinic is in the trash."))
            return 0
        demo.load(services, actor, _print_progress)
    print(_("The demo clinic is loaded."))
    return 0


def _print_progress(done: int, total: int) -> None:
    if done % PICTURES_PER_LINE == 0:
        print(_("{done} of {total} pictures").format(done=done, total=total))


def _sweep(_asked: argparse.Namespace) -> int:
    with _clinic() as (services, actor):
        swept = services.sweeps.run(actor)
    text = _("{taken_back} unfinished uploads, {purged} images past their time; {removed} removed.")
    print(text.format(taken_back=swept.taken_back, purged=swept.purged, removed=swept.removed))
    return 0


def _verify(_asked: argparse.Namespace) -> int:
    with _clinic() as (services, actor):
        verdict = services.audit.verify(actor)
    for finding in verdict.findings:
        print(finding.text)
    print(verdict.text)
    return 0 if verdict.holds else 1


def _upgrade(_asked: argparse.Namespace) -> int:
    """Upgrade without opening the clinic: on PostgreSQL it refuses to open while this is due."""
    database = Database(load_settings().database)
    try:
        before = schema.current(database)
        copy = None if before == schema.revisions()[-1] else schema.upgrade(database)
        now = schema.current(database)
    finally:
        database.close()
    if before == now:
        print(_("The database is up to date."))
    else:
        print(_("The database was brought to {revision}.").format(revision=now))
    if copy is not None:
        print(_("A copy was made first: {path}").format(path=copy))
    return 0
