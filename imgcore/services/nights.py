"""Upkeep by itself: a backup each night and a check each week, begun as the jobs that a person begins."""

from __future__ import annotations

from datetime import datetime, timedelta

from imgcore.domain.access import Action, Actor
from imgcore.services import rounds
from imgcore.services.checks import Checks
from imgcore.services.jobs import Jobs
from imgcore.services.work import Ledger, Service, performs

HOUR = 2  # of the night, where the server stands
CHECKED = timedelta(days=6, hours=12)  # so that the week is not over before the night comes
_BEGUN = "upkeep_begun"


class Nights(Service):
    """Begins what is due in a night, where the settings say that this happens by itself."""

    def __init__(self, ledger: Ledger, jobs: Jobs, checks: Checks) -> None:
        super().__init__(ledger)
        self._jobs = jobs
        self._checks = checks

    @performs(Action.DATA_EXPORT)
    def begin(self, actor: Actor) -> tuple[str, ...]:
        """Begin what is due, and return the kinds of the jobs; a night that was missed is made up for."""
        now = self._ledger.clock()
        automatic = self._settings.upkeep == "automatic"
        if not automatic or not rounds.take(self._ledger, actor, _BEGUN, _night(now)):
            return ()
        begun = []
        if self._settings.backup_folder is not None:
            begun.append(self._jobs.start(actor, "backup", {"nightly": True}).kind)
        last = self._checks.last(actor)
        if last is None or now - last.at >= CHECKED:
            begun.append(self._jobs.start(actor, "check", {}).kind)
        return tuple(begun)


def _night(now: datetime) -> datetime:
    """Return when the night began that was the last one, or is going on."""
    began = now.astimezone().replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return began if began <= now else began - timedelta(days=1)
