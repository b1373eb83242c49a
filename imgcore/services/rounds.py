"""What happens by itself once in a while: one server of several does it, once each time."""

from __future__ import annotations

from datetime import datetime

from imgcore.db.journal import Setting
from imgcore.domain.access import Actor
from imgcore.errors import Conflict
from imgcore.services.work import Ledger


def take(ledger: Ledger, actor: Actor, name: str, since: datetime) -> bool:
    """Tell whether the round of this name was not made after ``since``, and note that it is made now."""
    try:
        with ledger.draft(actor) as work:
            row = work.session.get(Setting, name, with_for_update=True)
            if row is None:
                row = Setting(name=name, value="", updated_at=work.at)
                work.session.add(row)
            elif datetime.fromisoformat(row.value) > since:
                return False
            row.value, row.updated_at = work.at.isoformat(), work.at
            return True
    except Conflict:  # the very first round, and another server was quicker
        return False
