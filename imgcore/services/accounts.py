"""People's accounts: the first administrator, invitations, roles, and who may still come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.journal import Setting
from imgcore.db.tables import OneTimeLink, User
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.records import Page
from imgcore.domain.values import NewUser, UserFields
from imgcore.errors import Conflict, Invalid, NotFound
from imgcore.services import sight
from imgcore.services.credentials import hash_password, hash_token, new_token
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.sign_in import end_sessions
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

LINK_HOURS = 24


class Accounts(Service):
    """Creates people and changes what they are."""

    @performs(Action.SESSION_USE)
    def needs_set_up(self, actor: Actor) -> bool:
        """Tell whether nobody can administer this clinic yet."""
        with self._ledger.read(actor) as work:
            return not _admins(work)

    @performs(Action.SESSION_USE)
    def set_up(self, actor: Actor, new: NewUser) -> records.User:
        """Create the first administrator; ``Conflict`` when there is one already."""
        if new.password is None:
            raise Invalid(_("The first administrator needs a password."))
        with self._ledger.write(actor) as work:
            if _admins(work):
                raise Conflict(_("Imgcore is already set up."), hint=_("Please sign in."))
            work.session.add(Setting(name="set_up", value=True, updated_at=work.at))  # two at once: one wins
            user = _add(work, new.model_copy(update={"role": Role.ADMIN}))
            work.record(Action.USER_MANAGE, entity="user", entity_ids=[user.id], actor_id=user.id)
            return record_of(user)

    @performs(Action.USER_SEE)
    def all(self, actor: Actor, page: int = 1, page_size: int = 50) -> Page[records.User]:
        """Return the clinic's people by name."""
        with self._ledger.read(actor) as work:
            order = Order((col(User.name), col(User.id)))
            found = page_of(work, select(User), order, Turn(page, page_size), _records)
            work.record(Action.USER_SEE, entity="user", entity_ids=[each.id for each in found.items])
            return found

    @performs(Action.USER_MANAGE)
    def create(self, actor: Actor, new: NewUser) -> tuple[records.User, str | None]:
        """Add a person; without a password, return the token of a one-time link as well."""
        with self._ledger.write(actor) as work:
            user = _add(work, new)
            token = None if new.password else _link(work, user)
            work.record(Action.USER_MANAGE, entity="user", entity_ids=[user.id])
            return record_of(user), token

    @performs(Action.USER_MANAGE)
    def edit(self, actor: Actor, user_id: UUID, fields: UserFields) -> records.User:
        """Change a person's name, role, password or whether they may sign in; sessions end with it."""
        with self._ledger.write(actor) as work:
            named = fields.model_fields_set
            may_end_admin = bool(named & {"role", "is_active"})
            if may_end_admin:
                _lock_admins(work)
            user = _get(work, user_id)
            for name in named - {"password", "patient_id"}:
                setattr(user, name, getattr(fields, name))
            if "patient_id" in named:
                user.patient_id = _linked_patient(work, fields.patient_id)
            if fields.password:
                user.password_hash = hash_password(fields.password)
                _void_links(work, user)
            _check_role(user)
            if named & {"role", "is_active", "password", "patient_id"}:
                user.token_version += 1
                end_sessions(work, user.id)
            user.updated_at = work.at
            work.session.flush()
            if may_end_admin and not _admins(work):
                raise Conflict(_("The clinic needs at least one active administrator."))
            work.record(Action.USER_MANAGE, entity="user", entity_ids=[user.id], field_names=sorted(named))
            return record_of(user)

    @performs(Action.USER_MANAGE)
    def invite(self, actor: Actor, email: str) -> str:
        """Return the token of a new one-time link for a person; older links stop working."""
        with self._ledger.write(actor) as work:
            user = work.session.exec(select(User).where(User.email == email.strip().casefold())).first()
            if user is None:
                raise NotFound(_("Nobody has this e-mail address."))
            token = _link(work, user)
            work.record(Action.USER_MANAGE, entity="user", entity_ids=[user.id], field_names=["link"])
            return token


def record_of(user: User) -> records.User:
    """Return what others may know of an account."""
    return records.User(
        id=user.id,
        email=user.email,
        name=user.name,
        role=Role(user.role),
        is_active=user.is_active,
        patient_id=user.patient_id,
        has_password=user.password_hash is not None,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _records(found: Sequence[User]) -> list[records.User]:
    return [record_of(user) for user in found]


def _admins(work: Work) -> int:
    wanted = select(func.count()).select_from(User).where(User.role == Role.ADMIN, col(User.is_active))
    return work.session.exec(wanted).one()


def _lock_admins(work: Work) -> None:
    """Let nobody else change an administrator, so that two at once cannot remove the last two."""
    wanted = select(User.id).where(User.role == Role.ADMIN).order_by(col(User.id))
    work.session.exec(wanted.with_for_update()).all()


def _get(work: Work, user_id: UUID) -> User:
    user = work.session.exec(select(User).where(User.id == user_id).with_for_update()).first()
    if user is None:
        raise NotFound(_("This person does not exist."))
    return user


def _add(work: Work, new: NewUser) -> User:
    if work.session.exec(select(User.id).where(User.email == new.email)).first():
        raise Conflict(_("Somebody already has this e-mail address."))
    user = User(
        email=new.email,
        name=new.name,
        role=new.role,
        password_hash=hash_password(new.password) if new.password else None,
        patient_id=_linked_patient(work, new.patient_id),
        created_at=work.at,
        updated_at=work.at,
    )
    _check_role(user)
    work.session.add(user)
    work.session.flush()
    return user


def _linked_patient(work: Work, ref: str | None) -> UUID | None:
    return None if ref is None else sight.patient(work, ref, Action.PATIENT_SEE).id


def _check_role(user: User) -> None:
    if (user.role == Role.PATIENT) != (user.patient_id is not None):
        raise Invalid(
            _("An account with the role patient belongs to one patient, and no other account does."),
            hint=_("Give patient_id with the role patient, and only then."),
        )


def _void_links(work: Work, user: User) -> None:
    unused = sa.and_(col(OneTimeLink.user_id) == user.id, col(OneTimeLink.used_at).is_(None))
    work.session.execute(sa.update(OneTimeLink).where(unused).values(used_at=work.at))


def _link(work: Work, user: User) -> str:
    _void_links(work, user)
    token = new_token()
    link = OneTimeLink(
        user_id=user.id,
        token_hash=hash_token(token),
        created_at=work.at,
        created_by=work.actor.user_id,
        expires_at=work.at + timedelta(hours=LINK_HOURS),
    )
    work.session.add(link)
    return token
