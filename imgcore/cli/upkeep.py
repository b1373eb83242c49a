"""``demo``, ``sweep``, ``audit verify`` and ``db upgrade``: what is done for the clinic as a whole."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from imgcore.cli.commands import opened
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands

PICTURES_PER_LINE = 20


def add_to(commands: Commands) -> None:
    """Add these commands."""
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


def _demo(asked: argparse.Namespace) -> int:
    from imgcore import demo

    with opened() as (services, actor):
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
    with opened() as (services, actor):
        swept = services.sweeps.run(actor)
    text = _("{taken_back} unfinished uploads, {purged} images past their time; {removed} removed.")
    print(text.format(taken_back=swept.taken_back, purged=swept.purged, removed=swept.removed))
    return 0


def _verify(_asked: argparse.Namespace) -> int:
    with opened() as (services, actor):
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
        copy = schema.upgrade(database)
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
