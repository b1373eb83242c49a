"""Guests: people without an account who open an image set by a link and a PIN, and answer once."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.journal import ImageSet, Share
from imgcore.db.tables import SignInTry
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.links import derived_key
from imgcore.domain.sets import Comment, Shared, Ticket
from imgcore.errors import Conflict, Invalid, TooManyTries, Unauthenticated
from imgcore.services import set_contents
from imgcore.services.credentials import hash_token, password_fits
from imgcore.services.files import File, Kind, Renditions
from imgcore.services.set_files import at_place, file_name, source_of
from imgcore.services.shares import state
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

MOST_LOOKING = timedelta(hours=1)
TRIES_FROM_ONE_ADDRESS = 30
TRIES_MINUTES = 15


class Guests(Service):
    """Lets guests in, and shows them what the link is for; the audit names them by the share."""

    def __init__(self, ledger: Ledger, renditions: Renditions, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._renditions = renditions
        self._categories = categories
        secret = self._settings.secret_key.get_secret_value()
        self._ticket_key = derived_key(secret, "share tickets")
        # What wrong PINs are counted under, beside the wrong passwords from the same address.
        self._try_hash = derived_key(secret, "share tries").hex()

    @performs(Action.SHARE_OPEN)
    def knock(self, actor: Actor, token: str) -> None:
        """Raise ``Invalid`` when a link is known and works no more; of an unknown one nothing is said."""
        with self._ledger.read(actor) as work:
            share = work.session.exec(select(Share).where(Share.token_hash == hash_token(token))).first()
            if share is not None and state(share, work.at) != "open":
                raise _closed()

    @performs(Action.SHARE_OPEN)
    def open(self, actor: Actor, token: str, pin: str) -> Ticket:
        """Return what lets a guest look for an hour; an unknown link is answered like a wrong PIN."""
        try_id, share_id, pin_hash = self._count_try(actor, token)
        if not password_fits(pin_hash, pin) or share_id is None:
            named = [share_id] if share_id else []
            self._ledger.note(
                actor, Line(Action.SHARE_OPEN, outcome="refused", entity="share", entity_ids=named)
            )
            raise Unauthenticated(_("The link or the PIN is wrong."), hint=_("Check both and try again."))
        with self._ledger.write(actor) as work:
            share = work.session.exec(select(Share).where(Share.id == share_id).with_for_update()).one()
            share.wrong_pins = 0
            if state(share, work.at) != "open":  # ended while the PIN was being checked
                raise _closed()
            share.opened_at = work.at
            work.session.execute(sa.delete(SignInTry).where(col(SignInTry.id) == try_id))
            work.record(Action.SHARE_OPEN, entity="share", entity_ids=[share.id])
            return self._ticket(share.id, min(work.at + MOST_LOOKING, share.expires_at))

    @performs(Action.SHARE_OPEN)
    def look(self, actor: Actor, share_id: UUID, ticket: str) -> Shared:
        """Return what the guest sees of the set now."""
        with self._ledger.read(actor) as work:
            share, row = self._opened(work, share_id, ticket)
            held = set_contents.shown(set_contents.contents(work, [row], self._categories)[row.id])
            set_contents.record(work, Action.SHARE_OPEN, held, "share", [share.id], once=True)
            return Shared(
                share_id=share.id,
                name=row.name,
                note=row.note,
                size=row.size,
                items=tuple(set_contents.item(each, self._categories, for_staff=False) for each in held),
                expires_at=share.expires_at,
                has_answered=share.commented_at is not None,
            )

    @performs(Action.SHARE_OPEN)
    def thumbnail(self, actor: Actor, share_id: UUID, ticket: str, place: int) -> File:
        """Return the small picture; it leaves no audit line, since the page that shows it does."""
        return self._copy(actor, share_id, ticket, place, "thumbnail")

    @performs(Action.SHARE_OPEN)
    def picture(self, actor: Actor, share_id: UUID, ticket: str, place: int) -> File:
        """Return the upright copy without metadata; its line names the share first, then the image."""
        return self._copy(actor, share_id, ticket, place, "compressed")

    @performs(Action.SHARE_ANSWER)
    def answer(self, actor: Actor, share_id: UUID, ticket: str, comment: Comment) -> None:
        """Keep the guest's one answer; ``Conflict`` when there is one already."""
        with self._ledger.write(actor) as work:
            share, row = self._opened(work, share_id, ticket)
            if share.commented_at is not None:
                raise Conflict(_("An answer was already sent by this link."))
            share.comment, share.comment_by, share.commented_at = comment.text, comment.name, work.at
            held = set_contents.contents(work, [row], self._categories)[row.id]
            set_contents.record(work, Action.SHARE_ANSWER, held, "share", [share.id], with_images=False)
            if not held:
                work.record(Action.SHARE_ANSWER, entity="share", entity_ids=[share.id])

    def _copy(self, actor: Actor, share_id: UUID, ticket: str, place: int, kind: Kind) -> File:
        with self._ledger.read(actor) as work:
            share, row = self._opened(work, share_id, ticket)
            content = at_place(work, row, place, self._categories)
            source = source_of(work, self._renditions, content, kind)
            if kind != "thumbnail":
                set_contents.record(work, Action.SHARE_OPEN, [content], "share", [share.id], once=True)
        return self._renditions.file(actor, source, kind, file_name(content))

    def _count_try(self, actor: Actor, token: str) -> tuple[int | None, UUID | None, str | None]:
        """Count a try before the PIN is looked at, or many at once would get past the limit."""
        with self._ledger.draft(actor) as work:
            this = SignInTry(at=work.at, account_hash=self._try_hash, address=actor.address[:64])
            work.session.add(this)
            work.session.flush()
            self._refuse_too_many(work)
            wanted = select(Share).where(Share.token_hash == hash_token(token))
            share = work.session.exec(wanted.with_for_update()).first()
            if share is None:
                return this.id, None, None
            if state(share, work.at) != "open":
                raise _closed()
            share.wrong_pins += 1
            return this.id, share.id, share.pin_hash

    def _refuse_too_many(self, work: Work) -> None:
        since = work.at - timedelta(minutes=TRIES_MINUTES)
        tries = select(func.count()).select_from(SignInTry).where(SignInTry.at > since)
        here = tries.where(SignInTry.address == work.actor.address[:64])
        if work.session.exec(here.where(SignInTry.account_hash == self._try_hash)).one() > (
            TRIES_FROM_ONE_ADDRESS
        ):
            raise TooManyTries(
                _("Too many wrong PINs."),
                hint=_("Please wait {minutes} minutes and try again.").format(minutes=TRIES_MINUTES),
                retry_after=TRIES_MINUTES * 60,
            )

    def _opened(self, work: Work, share_id: UUID, ticket: str) -> tuple[Share, ImageSet]:
        """Return share and set if the ticket is ours and in time, and the link still works."""
        expires, _dot, _signature = ticket.partition(".")
        right = self._sign(share_id, expires)
        is_ours = hmac.compare_digest(right.encode(), ticket.encode(errors="replace"))
        if not is_ours or int(expires) <= work.at.timestamp():
            raise Unauthenticated(_("Please open the link again and type the PIN."))
        wanted = (
            select(Share, ImageSet)
            .join(ImageSet, col(Share.image_set_id) == col(ImageSet.id))
            .where(Share.id == share_id)
        )
        found = work.session.exec(wanted.with_for_update(of=Share) if work.writes else wanted).first()
        if found is None or state(found[0], work.at) != "open":
            raise _closed()
        return found

    def _ticket(self, share_id: UUID, expires_at: datetime) -> Ticket:
        seconds = int(expires_at.timestamp())
        return Ticket(share_id, self._sign(share_id, str(seconds)), datetime.fromtimestamp(seconds, UTC))

    def _sign(self, share_id: UUID, expires: str) -> str:
        message = f"{share_id}\n{expires}".encode(errors="replace")
        return f"{expires}.{hmac.new(self._ticket_key, message, hashlib.sha256).hexdigest()}"


def _closed() -> Invalid:
    return Invalid(_("This link no longer works."), hint=_("Ask the clinic for a new one."))
