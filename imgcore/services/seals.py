"""Seals: committed audit lines are numbered and chained, and the newest hash is kept outside the database."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Event
from imgcore.domain.access import Action, Actor
from imgcore.domain.chains import COLUMNS, START, Finding, Head, link
from imgcore.services.work import Ledger, Service, Work, performs

AT_ONCE = 1_000
_LOCK = 0x1A6C0DE  # the one sealer of a PostgreSQL database holds it
LINE = [col(getattr(Event, name)) for name in COLUMNS]
_log = logging.getLogger(__name__)


class Heads:
    """The file outside the database: lines are only ever added, by any number of processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, head: Head, at: datetime) -> None:
        """Add a head; it is on the disk when this returns."""
        line = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {head.seal} {head.chain}\n".encode("ascii")
        # One write to the end of the file: what several processes add does not mix.
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if (written := os.write(file, line)) < len(line):  # the disk is full: half a line is none
                os.ftruncate(file, os.fstat(file).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        finally:
            os.close(file)

    def read(self) -> Iterator[Head | Finding]:
        """Yield what was kept, and a finding for each line that is none; nothing when there is no file."""
        if not self.path.exists():
            return
        with self.path.open(encoding="ascii", errors="replace") as file:
            for number, line in enumerate(file, 1):
                try:
                    at, seal, chain = line.split()
                    yield Head(int(seal), chain, datetime.fromisoformat(at))
                except ValueError:
                    yield Finding("unreadable", number, number)


class Seals(Service):
    """Seals the lines of the audit; the only change that they ever take."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.heads = Heads(self._settings.heads_file)
        self._last: Head | None = None
        self._kept: Head | None = None
        self._kept_on: date | None = None
        self._tried: datetime | None = None

    @performs(Action.AUDIT_VERIFY)
    def run(self, actor: Actor) -> int:
        """Seal every line that is committed and has no seal; return how many there were."""
        total = 0
        while self._is_waiting(actor):
            done = self._seal_some(actor)
            total += done
            if not done:  # another process seals just now
                break
        return total

    @performs(Action.AUDIT_VERIFY)
    def keep_head(self, actor: Actor, *, is_end: bool = False) -> None:
        """Keep the newest hash outside the database: once a day, and at the end of a process.

        A file that cannot be written is tried again in the next hour; the work of the clinic goes on.
        """
        now = self._ledger.clock()
        if not is_end and (self._kept_on == now.date() or self._tried == _hour(now)):
            return
        self._tried = _hour(now)
        with self._ledger.read(actor) as work:
            head = newest(work)
        try:
            if head is not None and head != self._kept:
                self.heads.keep(head, now)
            self._kept, self._kept_on = head, now.date()
        except OSError as error:
            _log.error("the newest hash of the audit could not be kept: %s", error.strerror)

    def _is_waiting(self, actor: Actor) -> bool:
        with self._ledger.read(actor) as work:
            waiting = select(Event.id).where(col(Event.seal).is_(None)).limit(1)
            return work.session.exec(waiting).first() is not None

    def _seal_some(self, actor: Actor) -> int:
        with self._ledger.draft(actor) as work:
            if not self._is_alone(work):
                return 0
            self._watch(work)
            head = newest(work) or Head(0, START)
            waiting = sa.select(*LINE).where(col(Event.seal).is_(None)).order_by(col(Event.id)).limit(AT_ONCE)
            sealed: list[dict[str, Any]] = []
            for row in work.session.execute(waiting).mappings():
                line = dict(zip(COLUMNS, row.values(), strict=True))
                head = Head(head.seal + 1, link(line, head.seal + 1, head.chain))
                sealed.append({"id": line["id"], "seal": head.seal, "chain": head.chain})
            if sealed:
                work.session.execute(sa.update(Event), sealed)
        if sealed:
            self._last = head
        return len(sealed)

    def _is_alone(self, work: Work) -> bool:
        """Tell whether this transaction may seal; on SQLite it is the only one that writes."""
        if self._ledger.database.on_sqlite:
            return True
        return bool(work.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))

    def _watch(self, work: Work) -> None:
        """Keep what this process sealed last when the database has it no more, so that it will be missed."""
        if self._last is None:
            return
        wanted = select(Event.chain).where(Event.seal == self._last.seal)
        if work.session.exec(wanted).first() != self._last.chain:
            _log.critical("line %s of the audit was sealed and is gone or altered", self._last.seal)
            self.heads.keep(self._last, work.at)


def newest(work: Work) -> Head | None:
    """Return the last sealed line's number and hash."""
    wanted = sa.select(col(Event.seal), col(Event.chain)).where(col(Event.seal).is_not(None))
    row = work.session.execute(wanted.order_by(col(Event.seal).desc()).limit(1)).first()
    return Head(*row) if row is not None else None


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
