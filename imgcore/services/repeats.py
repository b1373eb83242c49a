"""Requests sent again: with the same key the same answer, and nothing is made twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from imgcore.db.journal import Idempotency
from imgcore.errors import Conflict, Invalid
from imgcore.services.work import Work
from imgcore.texts import _

KEPT_HOURS = 24
_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Repeat:
    """A client's ``Idempotency-Key``, and what was sent under it at one place of the request."""

    key: str
    place: int
    digest: str


def repeat(key: str | None, place: int, content: Mapping[str, Any]) -> Repeat | None:
    """Return the repeat key of one part of a request, or None when the client gave none."""
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid(_("An Idempotency-Key has between 1 and 200 printable characters."))
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return Repeat(key, place, digest)


def recall(work: Work, wanted: Repeat | None) -> UUID | None:
    """Return what was made under this key before; ``Conflict`` when something else was sent then."""
    if wanted is None:
        return None
    owner = work.actor.user_id or _NOBODY
    row = work.session.get(Idempotency, (owner, wanted.key, wanted.place))
    if row is None:
        return None
    if row.digest != wanted.digest:
        raise Conflict(
            _("This Idempotency-Key was used for something else."),
            hint=_("Use a new key for each new request; keys are kept for a day."),
        )
    return row.entity_id


def keep(work: Work, wanted: Repeat | None, entity_id: UUID) -> None:
    """Keep what was made under this key, in place of what was taken back."""
    if wanted is None:
        return
    work.session.merge(
        Idempotency(
            user_id=work.actor.user_id or _NOBODY,
            key=wanted.key,
            place=wanted.place,
            digest=wanted.digest,
            entity_id=entity_id,
            created_at=work.at,
        )
    )
