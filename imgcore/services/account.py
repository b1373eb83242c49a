"""One's own account: the password, where one is signed in, and tokens for one's programs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.tables import AccessToken, User, UserSession
from imgcore.domain import accounts
from imgcore.domain.access import Action, Actor, Scope
from imgcore.domain.accounts import TOKEN_PREFIX, NewToken, OwnSession
from imgcore.domain.browsers import described
from imgcore.domain.values import NewPassword, parse
from imgcore.errors import Conflict, Forbidden, NotFound, Unauthenticated
from imgcore.services.credentials import hash_password, hash_token, new_token
from imgcore.services.sign_in import Opened, end_sessions, open_session, own_session
from imgcore.services.tries import Tries
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

MOST_TOKENS = 50


class Account(Service):
    """What everybody may do with their own account, from a browser and never by a token."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._tries = Tries(ledger)

    @performs(Action.ACCOUNT_SEE)
    def has_password(self, actor: Actor) -> bool:
        """Tell whether the person can sign in with a password."""
        own_session(actor)
        with self._ledger.read(actor) as work:
            return _self(work).password_hash is not None

    @performs(Action.ACCOUNT_EDIT)
    def change_password(self, actor: Actor, current: str, new: str, browser: str = "") -> Opened:
        """Set a new password against the old one; everything else that is signed in ends.

        This browser goes on with a session of a new number, whose token is in the answer.
        """
        own_session(actor)
        password = parse(NewPassword, password=new).password
        fields = ["password"]
        with self._tries.passed(actor, actor.email, current, Action.ACCOUNT_EDIT, fields) as (work, user):
            user.password_hash = hash_password(password)
            user.updated_at = work.at
            _end_everything(work, user)
            changed = {"entity": "user", "entity_ids": [user.id], "field_names": fields}
            work.record(Action.ACCOUNT_EDIT, **changed)
            return open_session(work, user, browser)

    @performs(Action.ACCOUNT_SEE)
    def sessions(self, actor: Actor) -> tuple[OwnSession, ...]:
        """Return where the person is signed in: this browser first, then by last use."""
        this = own_session(actor)
        with self._ledger.read(actor) as work:
            idle = work.at - timedelta(minutes=self._settings.session_idle_minutes)
            alive = sa.and_(
                col(UserSession.user_id) == actor.user_id,
                col(UserSession.ended_at).is_(None),
                col(UserSession.expires_at) > work.at,
                col(UserSession.seen_at) >= idle,
            )
            found = work.session.exec(
                select(UserSession).where(alive).order_by(col(UserSession.seen_at).desc())
            )
            listed = [_own_session(each, this) for each in found]
        return tuple(sorted(listed, key=lambda each: not each.is_current))

    @performs(Action.ACCOUNT_EDIT)
    def end_session(self, actor: Actor, session_id: UUID) -> None:
        """Sign one browser out; its open pages are cut off at once."""
        own_session(actor)
        with self._ledger.write(actor) as work:
            mine = select(UserSession).where(UserSession.user_id == actor.user_id)
            session = work.session.exec(mine.where(UserSession.id == session_id).with_for_update()).first()
            if session is None:
                raise NotFound(_("There is no such session."))
            session.ended_at = session.ended_at or work.at
            work.record(Action.ACCOUNT_EDIT, entity="session", entity_ids=[session.id])

    @performs(Action.ACCOUNT_EDIT)
    def end_everything(self, actor: Actor) -> None:
        """Sign out everywhere: every browser, this one too, and every token."""
        own_session(actor)
        with self._ledger.write(actor) as work:
            user = _self(work)
            _end_everything(work, user)
            ended = {"entity": "user", "entity_ids": [user.id], "field_names": ["sessions", "tokens"]}
            work.record(Action.SIGN_OUT, **ended)

    @performs(Action.ACCOUNT_SEE)
    def tokens(self, actor: Actor) -> tuple[accounts.AccessToken, ...]:
        """Return the access tokens that still work, the newest first."""
        own_session(actor)
        with self._ledger.read(actor) as work:
            newest = _living_tokens(work).order_by(col(AccessToken.created_at).desc())
            return tuple(_token(each) for each in work.session.exec(newest))

    @performs(Action.ACCOUNT_EDIT)
    def add_token(self, actor: Actor, new: NewToken) -> tuple[accounts.AccessToken, str]:
        """Make an access token; it is in the answer, and known nowhere else."""
        own_session(actor)
        if not new.scopes <= set(accounts.scopes_for(actor.role)):
            raise Forbidden(_("Only an administrator can make a token that administers."))
        secret = TOKEN_PREFIX + new_token()
        with self._ledger.write(actor) as work:
            user = _self(work)
            if len(work.session.exec(_living_tokens(work)).all()) >= MOST_TOKENS:
                raise Conflict(_("You have {count} tokens already.").format(count=MOST_TOKENS))
            token = AccessToken(
                user_id=user.id,
                name=new.name,
                token_hash=hash_token(secret),
                scopes=[scope.value for scope in Scope if scope in new.scopes],
                created_at=work.at,
                expires_at=work.at + timedelta(days=new.days),
            )
            work.session.add(token)
            work.session.flush()
            work.record(Action.ACCOUNT_EDIT, entity="access_token", entity_ids=[token.id])
            return _token(token), secret

    @performs(Action.ACCOUNT_EDIT)
    def revoke_token(self, actor: Actor, token_id: UUID) -> None:
        """Let an access token work no longer."""
        own_session(actor)
        with self._ledger.write(actor) as work:
            mine = select(AccessToken).where(AccessToken.user_id == actor.user_id)
            token = work.session.exec(mine.where(AccessToken.id == token_id).with_for_update()).first()
            if token is None:
                raise NotFound(_("There is no such token."))
            token.revoked_at = token.revoked_at or work.at
            work.record(Action.ACCOUNT_EDIT, entity="access_token", entity_ids=[token.id])


def _self(work: Work) -> User:
    user = work.session.exec(select(User).where(User.id == work.actor.user_id).with_for_update()).first()
    if user is None:
        raise Unauthenticated(_("Please sign in."))
    return user


def _end_everything(work: Work, user: User) -> None:
    user.token_version += 1
    work.session.flush()
    end_sessions(work, user.id)


def _living_tokens(work: Work) -> SelectOfScalar[AccessToken]:
    mine = select(AccessToken).where(AccessToken.user_id == work.actor.user_id)
    return mine.where(col(AccessToken.revoked_at).is_(None), col(AccessToken.expires_at) > work.at)


def _own_session(session: UserSession, this: UUID) -> OwnSession:
    return OwnSession(
        id=session.id,
        browser=described(session.browser),
        address=session.address,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
        is_current=session.id == this,
    )


def _token(token: AccessToken) -> accounts.AccessToken:
    return accounts.AccessToken(
        id=token.id,
        name=token.name,
        scopes=tuple(Scope(each) for each in token.scopes),
        created_at=token.created_at,
        used_at=token.used_at,
        expires_at=token.expires_at,
    )
