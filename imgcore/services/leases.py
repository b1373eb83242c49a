"""Leases: while a copy of the clinic is being made, nothing that it names is removed from the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Setting
from imgcore.domain.access import Actor
from imgcore.errors import Unavailable
from imgcore.services.work import Ledger, Work
from imgcore.texts import _

LEASE_MINUTES = 10
RENEWED_MINUTES = 1
_PREFIX = "lease:"


class Lease:
    """A row that holds removals back; whoever dies without giving it up holds it a few minutes more."""

    def __init__(self, ledger: Ledger, actor: Actor) -> None:
        self._ledger = ledger
        self._actor = actor
        self._name = f"{_PREFIX}{uuid4()}"
        self._renewed_at: datetime | None = None

    def __enter__(self) -> Self:
        with self._ledger.draft(self._actor) as work:
            row = Setting(name=self._name, value=_until(work.at), updated_at=work.at)
            work.session.add(row)
            self._renewed_at = work.at
        return self

    def __exit__(self, *_error: object) -> None:
        with self._ledger.draft(self._actor) as work:
            work.session.execute(sa.delete(Setting).where(col(Setting.name) == self._name))

    def renew(self) -> None:
        """Hold it for longer, from time to time; ``Unavailable`` when it has ended in the meantime."""
        now = self._ledger.clock()
        if self._renewed_at is None or now - self._renewed_at >= timedelta(minutes=RENEWED_MINUTES):
            self.confirm()

    def confirm(self) -> None:
        """Hold it for longer; ``Unavailable`` when it has ended, so that things may be gone."""
        with self._ledger.draft(self._actor) as work:
            row = work.session.get(Setting, self._name)
            if row is None or datetime.fromisoformat(row.value) <= work.at:
                raise Unavailable(_("The copy was held up for too long. Please make it again."))
            row.value, row.updated_at = _until(work.at), work.at
            self._renewed_at = work.at


def is_held(work: Work) -> bool:
    """Tell whether somebody copies what is stored just now."""
    untils = work.session.exec(select(Setting.value).where(col(Setting.name).startswith(_PREFIX)))
    return any(datetime.fromisoformat(until) > work.at for until in untils)


def _until(now: datetime) -> str:
    return (now + timedelta(minutes=LEASE_MINUTES)).isoformat()
