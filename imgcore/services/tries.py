"""Passwords being tried: how often an account and an address may be wrong, and who was right."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.tables import SignInTry, User
from imgcore.domain.access import Action, Actor
from imgcore.domain.links import derived_key
from imgcore.errors import Forbidden, ImgcoreError, TooManyTries, Unauthenticated
from imgcore.services import credentials
from imgcore.services.work import Ledger, Line, Work
from imgcore.texts import _

TRIES = 10
TRIES_FROM_ONE_ADDRESS = 100
TRIES_MINUTES = 15


class Tries:
    """Checks passwords, and stops whoever is wrong too often."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key = derived_key(ledger.settings.secret_key.get_secret_value(), "tries")

    @contextmanager
    def passed(
        self,
        actor: Actor,
        email: str,
        password: str,
        action: Action = Action.SIGN_IN,
        field_names: Sequence[str] = (),
    ) -> Iterator[tuple[Work, User]]:
        """Open a unit of work for the person whose password this is; a wrong one is counted and noted.

        The try is counted before the password is looked at, or many at once would get past the limit.
        """
        email = email.strip().casefold()
        account = hmac.new(self._key, email.encode(errors="replace"), hashlib.sha256).hexdigest()
        try_id = self._count(actor, account)
        with self._ledger.read(actor) as work:
            too_many = _too_many(work, account)
            user = work.session.exec(select(User).where(User.email == email)).first()
            user_id, known = (user.id, user.password_hash) if user else (None, None)
            may_come_in = user is not None and user.is_active
        if too_many:
            self._forget(try_id)
            raise _stopped()
        if not credentials.password_fits(known, password[:1000]) or not may_come_in:
            line = Line(action, outcome="refused", entity="user", field_names=field_names)
            self._ledger.note(actor, replace(line, entity_ids=[user_id] if user_id else []))
            raise _wrong(is_known=actor.user_id is not None)
        with self._ledger.write(actor) as work:
            found = work.session.exec(select(User).where(User.id == user_id).with_for_update()).one()
            if found.password_hash != known or not found.is_active:
                raise _wrong(is_known=False)  # changed while the password was being checked
            work.session.execute(sa.delete(SignInTry).where(col(SignInTry.id) == try_id))
            yield work, found

    def _count(self, actor: Actor, account: str) -> int | None:
        with self._ledger.database.write() as session:
            this = SignInTry(at=self._ledger.clock(), account_hash=account, address=actor.address[:64])
            session.add(this)
            session.flush()
            return this.id

    def _forget(self, try_id: int | None) -> None:
        with self._ledger.database.write() as session:
            session.execute(sa.delete(SignInTry).where(col(SignInTry.id) == try_id))


def _wrong(*, is_known: bool) -> ImgcoreError:
    """Return the refusal; who is signed in was asked for the password alone."""
    if is_known:
        return Forbidden(_("The password is wrong."))
    return Unauthenticated(_("The e-mail address or the password is wrong."))


def _stopped() -> TooManyTries:
    return TooManyTries(
        _("Too many wrong passwords."),
        hint=_("Please wait {minutes} minutes and try again.").format(minutes=TRIES_MINUTES),
        retry_after=TRIES_MINUTES * 60,
    )


def _too_many(work: Work, account: str) -> bool:
    """Tell whether there are more tries than allowed, the one under way included."""
    since = work.at - timedelta(minutes=TRIES_MINUTES)
    tries = select(func.count()).select_from(SignInTry)
    recent = tries.where(SignInTry.address == work.actor.address[:64], SignInTry.at > since)
    here = work.session.exec(recent.where(SignInTry.account_hash == account)).one()
    return here > TRIES or work.session.exec(recent).one() > TRIES_FROM_ONE_ADDRESS
