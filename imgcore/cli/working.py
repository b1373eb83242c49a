"""``worker``: a process of its own that does jobs, where the servers leave them to others."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import TYPE_CHECKING

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.errors import ConfigError
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands


def add_to(commands: Commands) -> None:
    """Add these commands."""
    worker = commands.add_parser("worker", help=_("do jobs in a process of its own, with PostgreSQL"))
    worker.add_argument("--threads", type=int, metavar="N", help=_("how many jobs at a time"))
    worker.set_defaults(run=_work)


def _work(asked: argparse.Namespace) -> int:
    settings = load_settings()
    if settings.on_sqlite:
        raise ConfigError(
            _("With SQLite the server itself does the jobs."),
            hint=_("Workers of their own need PostgreSQL: set IMGCORE_DATABASE_URL."),
        )
    threads = asked.threads or settings.workers or 1
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _signal, _frame: ended.set())
    clinic = bootstrap.build(load_settings(workers=threads))
    try:
        clinic.start_sealing()
        clinic.start_working()
        print(_("Working on jobs, {count} at a time.").format(count=threads), flush=True)
        ended.wait()
    finally:
        clinic.close()
    print(_("Stopped; what was not finished goes on elsewhere or later."), flush=True)
    return 0
