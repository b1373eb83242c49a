"""Signing in and out, and knowing who asks: sessions for browsers, tokens for programs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.tables import OneTimeLink, SignInTry, User, UserSession
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.links import derived_key
from imgcore.domain.values import NewPassword, parse
from imgcore.errors import Invalid, StorageFull, TooManyTries, Unauthenticated, Unavailable
from imgcore.services import credentials
from imgcore.services.credentials import Bearer, hash_token, new_token
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

TRIES = 10
TRIES_FROM_ONE_ADDRESS = 100
TRIES_MINUTES = 15
SEEN_SECONDS = 30


@dataclass(frozen=True)
class Opened:
    """A session that was just opened; ``token`` is for the cookie and is known only here."""

    token: str
    actor: Actor
    expires_at: datetime


class SignIn(Service):
    """Opens and ends sessions, and tells who is behind a cookie or a token."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        secret = self._settings.secret_key.get_secret_value()
        self._bearer_key = derived_key(secret, "tokens")
        self._try_key = derived_key(secret, "tries")

    @performs(Action.SIGN_IN)
    def open(self, actor: Actor, email: str, password: str, browser: str = "") -> Opened:
        """Sign in with a password; ``Unauthenticated`` or ``TooManyTries`` when that is refused."""
        with self._checked(actor, email, password) as (work, user):
            work.record(Action.SIGN_IN, entity="user", entity_ids=[user.id], actor_id=user.id)
            return self._open(work, user, browser)

    @performs(Action.SIGN_IN)
    def token(self, actor: Actor, email: str, password: str) -> str:
        """Return a bearer token for a program, against a password."""
        with self._checked(actor, email, password) as (work, user):
            signed_in = {"entity": "user", "entity_ids": [user.id], "field_names": ["token"]}
            work.record(Action.SIGN_IN, actor_id=user.id, **signed_in)
            bearer = Bearer(user.id, user.token_version)
            return credentials.make_bearer(self._bearer_key, bearer, work.at)

    @performs(Action.SIGN_IN)
    def redeem(self, actor: Actor, token: str, password: str, browser: str = "") -> Opened:
        """Set a password by a one-time link and sign in; every other session of the person ends."""
        password = parse(NewPassword, password=password).password
        with self._ledger.write(actor) as work:
            link, user = _usable_link(work, token)
            user.password_hash = credentials.hash_password(password)
            user.token_version += 1
            user.updated_at = link.used_at = work.at
            end_sessions(work, user.id)
            changed = {"entity": "user", "entity_ids": [user.id], "field_names": ["password"]}
            work.record(Action.SIGN_IN, actor_id=user.id, **changed)
            return self._open(work, user, browser)

    @performs(Action.SESSION_USE)
    def link_owner(self, actor: Actor, token: str) -> str:
        """Return the e-mail address that a one-time link is for; ``Invalid`` when it is used up."""
        with self._ledger.read(actor) as work:
            return _usable_link(work, token)[1].email

    @performs(Action.SESSION_USE)
    def by_cookie(self, actor: Actor, token: str, *, is_use: bool = True) -> Actor | None:
        """Return who is signed in with this cookie, or None when the session has ended.

        Unless ``is_use``, the question does not put off the end of an idle session.
        """
        with self._ledger.read(actor) as work:
            row = work.session.exec(
                select(UserSession, User)
                .join(User, col(UserSession.user_id) == col(User.id))
                .where(UserSession.token_hash == hash_token(token))
            ).first()
            if row is None or not self._alive(*row, work.at):
                return None
            session, user = row
            seen = is_use and work.at - session.seen_at > timedelta(seconds=SEEN_SECONDS)
            who, session_id, at = _actor(actor, user, session.id), session.id, work.at
        if seen:
            self._touch(session_id, at)
        return who

    @performs(Action.SESSION_USE)
    def by_bearer(self, actor: Actor, token: str) -> Actor:
        """Return whose token this is; ``Unauthenticated`` when it is void."""
        bearer = credentials.read_bearer(self._bearer_key, token, self._ledger.clock())
        with self._ledger.read(actor) as work:
            user = work.session.get(User, bearer.user_id)
            if user is None or not user.is_active or user.token_version != bearer.token_version:
                raise Unauthenticated(_("This token is no longer valid."))
            return _actor(actor, user, None)

    @performs(Action.SESSION_USE)
    def by_id(self, actor: Actor, user_id: UUID) -> Actor:
        """Return the person a signed link was made for; ``Unauthenticated`` when the account is closed."""
        with self._ledger.read(actor) as work:
            user = work.session.get(User, user_id)
            if user is None or not user.is_active:
                raise Unauthenticated(_("This link is no longer valid."))
            return _actor(actor, user, None)

    @performs(Action.SIGN_OUT)
    def end(self, actor: Actor) -> None:
        """Sign out: end this session, or for a program's token every token of the person."""
        with self._ledger.write(actor) as work:
            if actor.session_id is not None:
                this = col(UserSession.id) == actor.session_id, col(UserSession.ended_at).is_(None)
                work.session.execute(sa.update(UserSession).where(*this).values(ended_at=work.at))
            else:
                every = sa.update(User).where(col(User.id) == actor.user_id)
                work.session.execute(every.values(token_version=col(User.token_version) + 1))
            work.record(Action.SIGN_OUT, entity="user", entity_ids=[actor.user_id] if actor.user_id else [])

    def _alive(self, session: UserSession, user: User, now: datetime) -> bool:
        idle = timedelta(minutes=self._settings.session_idle_minutes)
        in_time = now < session.expires_at and now - session.seen_at <= idle
        return session.ended_at is None and in_time and user.is_active

    def _touch(self, session_id: UUID, at: datetime) -> None:
        # Who only looks is not turned away because the database cannot be written.
        with suppress(Unavailable, StorageFull), self._ledger.database.write() as session:
            this = col(UserSession.id) == session_id
            session.execute(sa.update(UserSession).where(this).values(seen_at=at))

    def _open(self, work: Work, user: User, browser: str) -> Opened:
        token = new_token()
        session = UserSession(
            user_id=user.id,
            token_hash=hash_token(token),
            address=work.actor.address[:64],
            browser=browser[:255],
            created_at=work.at,
            seen_at=work.at,
            expires_at=work.at + timedelta(hours=self._settings.session_hours),
        )
        work.session.add(session)
        return Opened(token, _actor(work.actor, user, session.id), session.expires_at)

    @contextmanager
    def _checked(self, actor: Actor, email: str, password: str) -> Iterator[tuple[Work, User]]:
        """Open a unit of work for the person whose password this is; a wrong one is counted and noted.

        The try is counted before the password is looked at, or many at once would get past the limit.
        """
        email = email.strip().casefold()
        account = hmac.new(self._try_key, email.encode(errors="replace"), hashlib.sha256).hexdigest()
        try_id = self._count_try(actor, account)
        with self._ledger.read(actor) as work:
            too_many = _too_many(work, account)
            user = work.session.exec(select(User).where(User.email == email)).first()
            user_id, known = (user.id, user.password_hash) if user else (None, None)
            may_come_in = user is not None and user.is_active
        if too_many:
            self._forget_try(try_id)
            raise TooManyTries(
                _("Too many wrong passwords."),
                hint=_("Please wait {minutes} minutes and try again.").format(minutes=TRIES_MINUTES),
                retry_after=TRIES_MINUTES * 60,
            )
        if not credentials.password_fits(known, password[:1000]) or not may_come_in:
            named = [user_id] if user_id else []
            self._ledger.note(actor, Line(Action.SIGN_IN, outcome="refused", entity="user", entity_ids=named))
            raise _wrong()
        with self._ledger.write(actor) as work:
            found = work.session.exec(select(User).where(User.id == user_id).with_for_update()).one()
            if found.password_hash != known or not found.is_active:
                raise _wrong()  # changed while the password was being checked
            work.session.execute(sa.delete(SignInTry).where(col(SignInTry.id) == try_id))
            yield work, found

    def _count_try(self, actor: Actor, account: str) -> int | None:
        with self._ledger.database.write() as session:
            this = SignInTry(at=self._ledger.clock(), account_hash=account, address=actor.address[:64])
            session.add(this)
            session.flush()
            return this.id

    def _forget_try(self, try_id: int | None) -> None:
        with self._ledger.database.write() as session:
            session.execute(sa.delete(SignInTry).where(col(SignInTry.id) == try_id))


def end_sessions(work: Work, user_id: UUID) -> None:
    """End every session of a person, in whatever browser it is open."""
    work.session.execute(
        sa.update(UserSession)
        .where(col(UserSession.user_id) == user_id, col(UserSession.ended_at).is_(None))
        .values(ended_at=work.at)
    )


def _actor(asking: Actor, user: User, session_id: UUID | None) -> Actor:
    return replace(
        asking,
        user_id=user.id,
        role=Role(user.role),
        email=user.email,
        name=user.name,
        patient_id=user.patient_id,
        session_id=session_id,
    )


def _wrong() -> Unauthenticated:
    return Unauthenticated(_("The e-mail address or the password is wrong."))


def _too_many(work: Work, account: str) -> bool:
    """Tell whether there are more tries than allowed, the one under way included."""
    since = work.at - timedelta(minutes=TRIES_MINUTES)
    tries = select(func.count()).select_from(SignInTry)
    recent = tries.where(SignInTry.address == work.actor.address[:64], SignInTry.at > since)
    here = work.session.exec(recent.where(SignInTry.account_hash == account)).one()
    return here > TRIES or work.session.exec(recent).one() > TRIES_FROM_ONE_ADDRESS


def _usable_link(work: Work, token: str) -> tuple[OneTimeLink, User]:
    wanted = (
        select(OneTimeLink, User)
        .join(User, col(OneTimeLink.user_id) == col(User.id))
        .where(OneTimeLink.token_hash == hash_token(token))
    )
    if work.writes:
        wanted = wanted.with_for_update()
    found = work.session.exec(wanted).first()
    if found is not None:
        link, user = found
        if link.used_at is None and link.expires_at > work.at and user.is_active:
            return link, user
    raise Invalid(_("This link has been used or has expired."), hint=_("Ask for a new one."))
