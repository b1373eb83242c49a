"""Signing in and out, and knowing who asks: sessions for browsers, tokens for programs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.config import Settings
from imgcore.db.tables import AccessToken, OneTimeLink, User, UserSession
from imgcore.domain.access import Action, Actor, Role, Scope
from imgcore.domain.accounts import TOKEN_PREFIX, OuterPerson, SessionState
from imgcore.domain.links import derived_key
from imgcore.domain.values import NewPassword, parse
from imgcore.errors import Forbidden, Invalid, Locked, StorageFull, Unauthenticated, Unavailable
from imgcore.services import credentials
from imgcore.services.credentials import Bearer, hash_token, new_token
from imgcore.services.tries import Tries
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

SEEN_SECONDS = 30
_OUTER = "outer sign-in"


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
        self._tries = Tries(ledger)

    @performs(Action.SIGN_IN)
    def open(self, actor: Actor, email: str, password: str, browser: str = "") -> Opened:
        """Sign in with a password; ``Unauthenticated`` or ``TooManyTries`` when that is refused."""
        with self._tries.passed(actor, email, password) as (work, user):
            work.record(Action.SIGN_IN, entity="user", entity_ids=[user.id], actor_id=user.id)
            return open_session(work, user, browser)

    @performs(Action.SIGN_IN)
    def token(self, actor: Actor, email: str, password: str) -> str:
        """Return a bearer token for a program, against a password."""
        with self._tries.passed(actor, email, password) as (work, user):
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
            return open_session(work, user, browser)

    @performs(Action.SESSION_USE)
    def link_owner(self, actor: Actor, token: str) -> str:
        """Return the e-mail address that a one-time link is for; ``Invalid`` when it is used up."""
        with self._ledger.read(actor) as work:
            return _usable_link(work, token)[1].email

    @performs(Action.SIGN_IN)
    def open_outer(self, actor: Actor, who: OuterPerson, browser: str = "") -> Opened | None:
        """Sign in whoever the outer sign-in vouches for; ``Unauthenticated`` when there is no such account.

        An account is found by its lasting number there, else by a verified e-mail address, and is
        tied to that number from then on. None is ever made here. For the person of this browser's
        session that session goes on, out of its lock, and the answer is None.
        """
        with self._ledger.write(actor) as work:
            user = _outer_user(work, who)
            if user is not None and user.is_active:
                user.oidc_subject = _lasting(who)
                signed_in = {"entity": "user", "entity_ids": [user.id], "field_names": [_OUTER]}
                work.record(Action.SIGN_IN, actor_id=user.id, **signed_in)
                if actor.session_id is not None and actor.user_id == user.id:
                    _reopen(work, actor.session_id)
                    return None
                return open_session(work, user, browser)
            named = [user.id] if user else []
            refused = {"entity": "user", "entity_ids": named, "field_names": [_OUTER]}
            work.record(Action.SIGN_IN, outcome="refused", **refused)
        raise Unauthenticated(
            _("There is no open account for you here."),
            hint=_("Ask an administrator of your clinic to add your e-mail address."),
        )

    @performs(Action.SIGN_IN)
    def refuse_outer(self, actor: Actor) -> None:
        """Note that an answer of the outer sign-in was not sound."""
        self._ledger.note(actor, Line(Action.SIGN_IN, outcome="refused", entity="user", field_names=[_OUTER]))

    @performs(Action.SESSION_USE)
    def by_cookie(
        self, actor: Actor, token: str, *, is_use: bool = True, even_locked: bool = False
    ) -> Actor | None:
        """Return who is signed in with this cookie, or None when the session has ended.

        ``Locked`` when it was left alone for long, unless ``even_locked``. Unless ``is_use``, the
        question puts off neither the lock nor the end of an idle session.
        """
        with self._ledger.read(actor) as work:
            found = select(UserSession, User).join(User, col(UserSession.user_id) == col(User.id))
            row = work.session.exec(found.where(UserSession.token_hash == hash_token(token))).first()
            if row is None or not self._alive(*row, work.at):
                return None
            session, user = row
            idle = work.at - session.seen_at
            is_locked = _is_locked(self._settings, idle)
            if is_locked and not even_locked:
                raise Locked(
                    _("Imgcore is locked."), hint=_("Type your password to go on where you stopped.")
                )
            seen = is_use and not is_locked and idle > _seen_after(self._settings)
            who, session_id, at = _actor(actor, user, session.id), session.id, work.at
        if seen:
            self._touch(session_id, at)
        return who

    @performs(Action.ACCOUNT_SEE)
    def state(self, actor: Actor) -> SessionState:
        """Return how the session of this browser stands; asking does not count as use."""
        with self._ledger.read(actor) as work:
            session = work.session.get(UserSession, own_session(actor))
            if session is None:
                raise Unauthenticated(_("Please sign in."))
            idle, after = work.at - session.seen_at, self._settings.locks_after
            ends_at = session.seen_at + timedelta(minutes=self._settings.session_idle_minutes)
            ends_at = min(ends_at, session.expires_at)
            return SessionState(
                is_locked=_is_locked(self._settings, idle),
                locks_in=max(0.0, (after - idle).total_seconds()) if after else None,
                locks_after=after.total_seconds() if after else None,
                ends_in=max(0.0, (ends_at - work.at).total_seconds()),
                ends_at=ends_at,
            )

    @performs(Action.ACCOUNT_SEE)
    def use(self, actor: Actor) -> None:
        """Note that somebody sits at this browser; it does not open a session that is locked."""
        session_id, at = own_session(actor), self._ledger.clock()
        after = self._settings.locks_after
        self._touch(session_id, at, not_since=at - after if after else None)

    @performs(Action.ACCOUNT_EDIT)
    def unlock(self, actor: Actor, password: str) -> None:
        """Open the locked session of this browser again; ``Forbidden`` or ``TooManyTries`` when not."""
        session_id = own_session(actor)
        with self._tries.passed(actor, actor.email, password, field_names=["unlock"]) as (work, user):
            _reopen(work, session_id)
            work.record(Action.SIGN_IN, entity="user", entity_ids=[user.id], field_names=["unlock"])

    @performs(Action.SESSION_USE)
    def by_bearer(self, actor: Actor, token: str) -> Actor:
        """Return whose token this is; ``Unauthenticated`` when it is void."""
        if token.startswith(TOKEN_PREFIX):
            return self._by_access_token(actor, token)
        bearer = credentials.read_bearer(self._bearer_key, token, self._ledger.clock())
        with self._ledger.read(actor) as work:
            user = work.session.get(User, bearer.user_id)
            if user is None or not user.is_active or user.token_version != bearer.token_version:
                raise Unauthenticated(_("This token is no longer valid."))
            return _actor(actor, user, None)

    def _by_access_token(self, actor: Actor, token: str) -> Actor:
        with self._ledger.read(actor) as work:
            found = select(AccessToken, User).join(User, col(AccessToken.user_id) == col(User.id))
            row = work.session.exec(found.where(AccessToken.token_hash == hash_token(token))).first()
            if row is None or not row[1].is_active or row[0].revoked_at or row[0].expires_at <= work.at:
                raise Unauthenticated(_("This token is no longer valid."))
            known, user = row
            last, at, token_id = known.used_at, work.at, known.id
            scopes = frozenset(Scope(each) for each in known.scopes)
            who = replace(_actor(actor, user, None), scopes=scopes, token_id=token_id)
        if last is None or at - last > timedelta(seconds=SEEN_SECONDS):
            with suppress(Unavailable, StorageFull), self._ledger.database.write() as session:
                this = col(AccessToken.id) == token_id
                session.execute(sa.update(AccessToken).where(this).values(used_at=at))
        return who

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
        """Sign out: end this session, or this access token, or with it every other token of the person."""
        with self._ledger.write(actor) as work:
            if actor.session_id is not None:
                this = col(UserSession.id) == actor.session_id, col(UserSession.ended_at).is_(None)
                work.session.execute(sa.update(UserSession).where(*this).values(ended_at=work.at))
            elif actor.token_id is not None:
                this_token = sa.update(AccessToken).where(col(AccessToken.id) == actor.token_id)
                work.session.execute(this_token.values(revoked_at=work.at))
            else:
                every = sa.update(User).where(col(User.id) == actor.user_id)
                work.session.execute(every.values(token_version=col(User.token_version) + 1))
            work.record(Action.SIGN_OUT, entity="user", entity_ids=[actor.user_id] if actor.user_id else [])

    def _alive(self, session: UserSession, user: User, now: datetime) -> bool:
        idle = timedelta(minutes=self._settings.session_idle_minutes)
        in_time = now < session.expires_at and now - session.seen_at <= idle
        return session.ended_at is None and in_time and user.is_active

    def _touch(self, session_id: UUID, at: datetime, not_since: datetime | None = None) -> None:
        """Note use of a session, unless nobody has used it since ``not_since``."""
        this = sa.update(UserSession).where(col(UserSession.id) == session_id)
        if not_since is not None:
            this = this.where(col(UserSession.seen_at) >= not_since)
        # Who only looks is not turned away because the database cannot be written.
        with suppress(Unavailable, StorageFull), self._ledger.database.write() as session:
            session.execute(this.values(seen_at=at))


def open_session(work: Work, user: User, browser: str) -> Opened:
    """Open a session for a person whose right to it was just proved."""
    token = new_token()
    session = UserSession(
        user_id=user.id,
        token_hash=hash_token(token),
        address=work.actor.address[:64],
        browser=browser[:255],
        created_at=work.at,
        seen_at=work.at,
        expires_at=work.at + timedelta(hours=work.settings.session_hours),
    )
    work.session.add(session)
    return Opened(token, _actor(work.actor, user, session.id), session.expires_at)


def _reopen(work: Work, session_id: UUID) -> None:
    this = col(UserSession.id) == session_id, col(UserSession.ended_at).is_(None)
    work.session.execute(sa.update(UserSession).where(*this).values(seen_at=work.at))


def own_session(actor: Actor) -> UUID:
    """Return the session of the browser that asks; ``Forbidden`` for a program."""
    if actor.session_id is None:
        raise Forbidden(
            _("This is done in the browser, not with a token."), hint=_("Sign in and open Account.")
        )
    return actor.session_id


def end_sessions(work: Work, user_id: UUID) -> None:
    """End every session of a person, in whatever browser it is open, and every access token."""
    for table, ended in ((UserSession, "ended_at"), (AccessToken, "revoked_at")):
        open_ones = sa.and_(col(table.user_id) == user_id, getattr(table, ended).is_(None))
        work.session.execute(sa.update(table).where(open_ones).values({ended: work.at}))


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


def _is_locked(settings: Settings, idle: timedelta) -> bool:
    return settings.locks_after is not None and idle > settings.locks_after


def _seen_after(settings: Settings) -> timedelta:
    """Return how old the note of the last use may be: old enough to be cheap, and new enough to lock by."""
    usual = timedelta(seconds=SEEN_SECONDS)
    return min(usual, settings.locks_after / 4) if settings.locks_after else usual


def _lasting(who: OuterPerson) -> str:
    return hash_token(f"{who.issuer} {who.subject}")


def _outer_user(work: Work, who: OuterPerson) -> User | None:
    tied = select(User).where(User.oidc_subject == _lasting(who)).with_for_update()
    user = work.session.exec(tied).first()
    if user is not None or not who.email_verified:
        return user
    named = select(User).where(User.email == who.email.strip().casefold(), col(User.oidc_subject).is_(None))
    return work.session.exec(named.with_for_update()).first()


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
