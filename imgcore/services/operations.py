"""How the clinic stands as a whole: its parts, its counts, its disk, its last check and backup."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.journal import Event, Job
from imgcore.db.tables import Batch, Image, Patient, UserSession
from imgcore.domain.access import Action, Actor
from imgcore.domain.findings import LastCheck
from imgcore.services.backups import Backups, LastBackup
from imgcore.services.checks import Checks
from imgcore.services.health import Health, Readiness
from imgcore.services.work import Ledger, Service, Work, performs

OVERDUE = timedelta(days=7)
COUNTED = timedelta(minutes=1)  # a million rows are not counted for everybody who asks


@dataclass(frozen=True)
class Counts:
    """How many there are, as of ``at``; ``oldest_unsealed`` is an audit line that waits for its seal."""

    at: datetime
    patients: int
    batches: int
    images: Mapping[str, int]  # kept, trashed, unfinished, leaving, damaged
    image_bytes: int  # of all originals that are stored
    jobs: Mapping[str, int]  # by state
    sessions: int
    oldest_unsealed: datetime | None


@dataclass(frozen=True)
class Standing:
    """How everything stands; ``disk_free`` and ``disk_total`` are bytes of the data folder's disk."""

    readiness: Readiness
    store_name: str
    database_name: str
    disk_free: int
    disk_total: int
    last_check: LastCheck | None
    last_backup: LastBackup | None
    counts: Counts | None  # None while the database is away


@dataclass(frozen=True)
class Overdue:
    """Whether the last check and backup are older than a week or never were, and what a check found."""

    check: bool
    backup: bool
    damage: int

    def __bool__(self) -> bool:
        return self.check or self.backup or self.damage > 0


class Operations(Service):
    """Tells administrators, and what watches over the server, how the clinic stands."""

    def __init__(
        self, ledger: Ledger, store_name: str, health: Health, checks: Checks, backups: Backups
    ) -> None:
        super().__init__(ledger)
        self._store_name = store_name
        self._health = health
        self._checks = checks
        self._backups = backups
        self._counting = threading.Lock()
        self._counted: Counts | None = None

    @performs(Action.OPERATIONS_SEE)
    def standing(self, actor: Actor) -> Standing:
        """Return how everything stands; while the database is away, what is known without it."""
        readiness = self._health.readiness(actor)
        is_there = not readiness.database
        disk = shutil.disk_usage(self._settings.data_dir)
        return Standing(
            readiness=readiness,
            store_name=self._store_name,
            database_name="SQLite" if self._settings.on_sqlite else "PostgreSQL",
            disk_free=disk.free,
            disk_total=disk.total,
            last_check=self._checks.last(actor) if is_there else None,
            last_backup=self._backups.last(actor) if is_there else None,
            counts=self._counts(actor) if is_there else None,
        )

    @performs(Action.OPERATIONS_SEE)
    def overdue(self, actor: Actor) -> Overdue:
        """Return what an administrator should be told on every screen; the first image starts the week."""
        check, backup = self._checks.last(actor), self._backups.last(actor)
        with self._ledger.read(actor) as work:
            first = work.session.exec(select(func.min(Image.uploaded_at))).one()
            limit = work.at - OVERDUE
        if first is None:
            return Overdue(check=False, backup=False, damage=0)
        return Overdue(
            check=(check.at if check else first) < limit,
            backup=(backup.at if backup else first) < limit,
            damage=check.tally.left if check else 0,
        )

    def _counts(self, actor: Actor) -> Counts:
        """Return the counts of this minute; whoever comes second waits for the first."""
        with self._counting:
            now = self._ledger.clock()
            if self._counted is None or now - self._counted.at >= COUNTED:
                with self._ledger.read(actor) as work:
                    self._counted = _count(work)
            return self._counted


def _count(work: Work) -> Counts:
    kept = sa.and_(col(Image.state) == "ready", col(Image.trashed_at).is_(None))
    trashed = sa.and_(col(Image.state) == "ready", col(Image.trashed_at).is_not(None))
    conditions = {
        "kept": kept,
        "trashed": trashed,
        "unfinished": col(Image.state) == "pending",
        "leaving": col(Image.state) == "deleting",
        "damaged": sa.and_(kept, col(Image.damaged_at).is_not(None)),
    }
    sums = [func.coalesce(func.sum(sa.case((each, 1), else_=0)), 0) for each in conditions.values()]
    stored = func.coalesce(func.sum(col(Image.file_size)), 0)
    *images, image_bytes = work.session.execute(sa.select(*sums, stored)).one()
    jobs = work.session.execute(sa.select(col(Job.state), func.count()).group_by(col(Job.state))).all()
    open_sessions = sa.and_(col(UserSession.ended_at).is_(None), col(UserSession.expires_at) > work.at)
    return Counts(
        at=work.at,
        patients=_number(work, Patient, col(Patient.trashed_at).is_(None)),
        batches=_number(work, Batch, col(Batch.trashed_at).is_(None)),
        images=dict(zip(conditions, map(int, images), strict=True)),
        image_bytes=int(image_bytes),
        jobs={str(state): int(number) for state, number in jobs},
        sessions=_number(work, UserSession, open_sessions),
        oldest_unsealed=work.session.exec(select(func.min(Event.at)).where(col(Event.seal).is_(None))).one(),
    )


def _number(
    work: Work, table: type[Patient] | type[Batch] | type[UserSession], where: sa.ColumnElement[bool]
) -> int:
    return int(work.session.execute(sa.select(func.count()).select_from(table).where(where)).scalar_one())
