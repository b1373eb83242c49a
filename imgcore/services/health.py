"""Whether the clinic can work: is the database there, is the store there, is the key the right one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import select

from imgcore.db.journal import Setting
from imgcore.domain.access import Action, Actor
from imgcore.domain.links import derived_key
from imgcore.errors import ConfigError, Conflict, ImgcoreError
from imgcore.services.intake import require_room
from imgcore.services.work import Ledger, Service, performs
from imgcore.storage import ObjectStore
from imgcore.texts import _

FINGERPRINT = "secret_fingerprint"
CHECKED_SECONDS = 5


@dataclass(frozen=True)
class Readiness:
    """Each part's trouble as a sentence, or "" when it works."""

    database: str
    store: str
    disk: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether every part works."""
        return not (self.database or self.store or self.disk)


class Health(Service):
    """Looks after the parts that the clinic depends on."""

    def __init__(self, ledger: Ledger, store: ObjectStore) -> None:
        super().__init__(ledger)
        self._store = store
        self._last: tuple[datetime, Readiness] | None = None

    @performs(Action.SESSION_USE)
    def readiness(self, actor: Actor) -> Readiness:
        """Try database and store; the answer is kept for a few seconds, since anybody may ask."""
        now = self._ledger.clock()
        if self._last is not None and now - self._last[0] < timedelta(seconds=CHECKED_SECONDS):
            return self._last[1]
        found = Readiness(
            database=_trouble(self._ledger.database.check),
            store=_trouble(self._store.check),
            disk=_trouble(partial(require_room, self._settings.temporary_dir)),
        )
        self._last = (now, found)
        return found


def _trouble(check: Callable[[], None]) -> str:
    try:
        check()
    except ImgcoreError as error:
        return error.message
    return ""


def check_secret(ledger: Ledger) -> None:
    """Raise ``ConfigError`` when the secret key is not the one that this database was made with."""
    secret = ledger.settings.secret_key.get_secret_value()
    fingerprint = derived_key(secret, "fingerprint").hex()[:32]
    known = _fingerprint(ledger)
    if known is None:
        with suppress(Conflict), ledger.database.write() as session:  # another start may be first
            session.add(Setting(name=FINGERPRINT, value=fingerprint, updated_at=ledger.clock()))
        known = _fingerprint(ledger)
    if known != fingerprint:
        raise ConfigError(
            _("The secret key is not the one that this database was made with."),
            hint=_("Set IMGCORE_SECRET_KEY to the key of this clinic, or bring back its data folder."),
        )


def _fingerprint(ledger: Ledger) -> object:
    with ledger.database.read() as session:
        return session.exec(select(Setting.value).where(Setting.name == FINGERPRINT)).first()
