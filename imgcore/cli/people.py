"""``user add`` and ``user reset``: one-time links for people, where no mail server is needed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from imgcore.cli.commands import opened
from imgcore.domain.access import Role
from imgcore.domain.values import NewUser, parse
from imgcore.services.accounts import LINK_HOURS
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands

URL = "http://localhost:8501"


def add_to(commands: Commands) -> None:
    """Add these commands."""
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


def _add_person(asked: argparse.Namespace) -> int:
    name = asked.name or asked.email.partition("@")[0]
    new = parse(NewUser, email=asked.email, name=name, role=asked.role)
    with opened() as (services, actor):
        _user, token = services.accounts.create(actor, new)
    return _print_link(asked.url, token or "")


def _reset_person(asked: argparse.Namespace) -> int:
    with opened() as (services, actor):
        return _print_link(asked.url, services.accounts.invite(actor, asked.email))


def _print_link(url: str, token: str) -> int:
    print(f"{url.rstrip('/')}/auth/link/{token}")
    print(_("The link works once, for {hours} hours.").format(hours=LINK_HOURS), file=sys.stderr)
    return 0
