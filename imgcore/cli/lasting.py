"""``retention`` and ``purge``: what is past its time, and what goes for good."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from imgcore.cli.commands import opened
from imgcore.domain.retention import Due
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands


def add_to(commands: Commands) -> None:
    """Add these commands."""
    retention = commands.add_parser("retention", help=_("say what is past its time"))
    retention.add_argument("--put-into-trash", action="store_true", help=_("put it into the trash"))
    retention.set_defaults(run=_retention)
    purge = commands.add_parser("purge", help=_("remove what is in the trash for good, now"))
    purge.add_argument("--patient", metavar="REF", help=_("only of this patient: id or external id"))
    purge.add_argument(
        "--older-than", metavar="DAYS", type=int, default=0, help=_("only what has been there for so long")
    )
    purge.add_argument("--dry-run", action="store_true", help=_("only say what would go"))
    purge.set_defaults(run=_purge)


def _retention(asked: argparse.Namespace) -> int:
    """Names of patients are not printed: what a console shows is often kept."""
    with opened() as (services, actor):
        report = services.retention.due(actor)
        for each in report.due:
            print(_line(each))
        if asked.put_into_trash:
            run = services.retention.run(actor)
            text = _("{images} images of {patients} patients are in the trash.")
            print(text.format(images=run.images, patients=len(run.changes)))
        elif not report.due:
            print(_("Nothing is past its time."))
    return 0


def _line(each: Due) -> str:
    text = _("{patient}: last visit {last}, due since {since} ({years} years): {what}, {images} images{held}")
    return text.format(
        patient=each.patient_id,
        last=each.last_visit_on,
        since=each.since,
        years=each.years,
        what=_("everything") if each.is_whole else ", ".join(each.categories),
        images=each.images,
        held=_("; kept by a legal hold") if each.is_held else "",
    )


def _purge(asked: argparse.Namespace) -> int:
    with opened() as (services, actor):
        purges = services.purges
        if asked.dry_run:
            purged = purges.preview(actor, asked.patient, asked.older_than)
            text = _("Would go: {images} images, {batches} batches, {patients} patients; {size} bytes.")
        else:
            purged = purges.run(actor, asked.patient, asked.older_than)
            text = _("Gone for good: {images} images, {batches} batches, {patients} patients; {size} bytes.")
    print(
        text.format(
            images=purged.images, batches=purged.batches, patients=purged.patients, size=purged.file_size
        )
    )
    if purged.held:
        print(_("{count} images stay in the trash, kept by a legal hold.").format(count=purged.held))
    return 0
