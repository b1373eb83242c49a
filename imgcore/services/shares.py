"""Shares: links by which a guest opens an image set, made and revoked by staff."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.journal import ImageSet, Share
from imgcore.domain import sets
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.sets import NewLink, NewShare
from imgcore.errors import NotFound
from imgcore.services import set_contents
from imgcore.services.credentials import hash_password, hash_token, new_token
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

WRONG_PINS = 5
PIN_DIGITS = 6


class Shares(Service):
    """Makes links to image sets, and ends them."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.SET_EDIT)
    def create(self, actor: Actor, set_id: UUID, new: NewShare) -> NewLink:
        """Make a link to a set; token and PIN are told this once."""
        token, pin = new_token(), f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"
        pin_hash = hash_password(pin)
        with self._ledger.write(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_EDIT)
            share = Share(
                image_set_id=row.id,
                label=new.label,
                token_hash=hash_token(token),
                pin_hash=pin_hash,
                created_at=work.at,
                created_by=actor.user_id,
                expires_at=work.at + timedelta(days=new.days),
            )
            work.session.add(share)
            work.session.flush()
            self._note_edit(work, row, share)
            return NewLink(_records(work, [share])[0], token, pin)

    @performs(Action.SET_EDIT)
    def all(self, actor: Actor, set_id: UUID) -> tuple[sets.Share, ...]:
        """Return the links to a set, the newest first, with what guests have answered."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_EDIT)
            found = work.session.exec(
                select(Share)
                .where(Share.image_set_id == row.id)
                .order_by(col(Share.created_at).desc(), col(Share.id))
            ).all()
            seen = [each.id for each in found]
            work.record(Action.SET_SEE, entity="share", entity_ids=seen or [row.id], once=True)
            return tuple(_records(work, found))

    @performs(Action.SET_EDIT)
    def revoke(self, actor: Actor, share_id: UUID) -> None:
        """End a link at once, also for a guest who has it open."""
        with self._ledger.write(actor) as work:
            wanted = (
                select(Share, ImageSet)
                .join(ImageSet, col(Share.image_set_id) == col(ImageSet.id))
                .where(Share.id == share_id, set_contents.visible(work, Action.SET_EDIT))
            )
            found = work.session.exec(wanted.with_for_update()).first()
            if found is None:
                refused = {"outcome": "refused", "entity": "share", "entity_ids": [share_id]}
                work.refusals.append(Line(Action.SET_EDIT, **refused))  # type: ignore[arg-type]
                raise NotFound(_("This link does not exist."))
            share, row = found
            share.revoked_at = share.revoked_at or work.at
            self._note_edit(work, row, share)

    def _note_edit(self, work: Work, row: ImageSet, share: Share) -> None:
        """Write for each patient in the set what was made or ended."""
        held = set_contents.contents(work, [row], self._categories)[row.id]
        set_contents.record(work, Action.SET_EDIT, held, "share", [share.id], with_images=False)
        if not held:
            work.record(Action.SET_EDIT, entity="share", entity_ids=[share.id])


def state(share: Share, at: datetime) -> Literal["open", "expired", "revoked", "locked"]:
    """Say whether a link works, or why it does not."""
    if share.revoked_at is not None:
        return "revoked"
    if share.expires_at <= at:
        return "expired"
    return "locked" if share.wrong_pins >= WRONG_PINS else "open"


def _records(work: Work, found: Iterable[Share]) -> list[sets.Share]:
    shares = list(found)
    names = set_contents.people(work, {share.created_by for share in shares})
    return [
        sets.Share(
            id=share.id,
            image_set_id=share.image_set_id,
            label=share.label,
            state=state(share, work.at),
            created_at=share.created_at,
            created_by=share.created_by,
            created_by_name=names.get(share.created_by, ""),
            expires_at=share.expires_at,
            opened_at=share.opened_at,
            comment=share.comment,
            comment_by=share.comment_by,
            commented_at=share.commented_at,
        )
        for share in shares
    ]
