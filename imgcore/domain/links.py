"""Signed links: who may fetch which picture until when, proved by a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from imgcore.errors import Unauthenticated
from imgcore.texts import _

LONGEST_SECONDS = 300


def derived_key(secret: str, purpose: str) -> bytes:
    """Return a key for one purpose, so that no two uses of the secret can be mixed up."""
    return hmac.new(secret.encode(), f"imgcore:{purpose}".encode(), hashlib.sha256).digest()


def sign(key: bytes, user_id: UUID, image_id: UUID, kind: str, expires: int) -> str:
    """Return the signature (hex) over person, image, kind and expiry (seconds since 1970)."""
    message = f"{user_id}\n{image_id}\n{kind}\n{expires}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def verify(
    key: bytes, user_id: UUID, image_id: UUID, kind: str, expires: int, signature: str, now: datetime
) -> None:
    """Raise ``Unauthenticated`` unless the signature is ours and has not expired."""
    right = sign(key, user_id, image_id, kind, expires)
    if not hmac.compare_digest(right.encode(), signature.encode()):
        raise Unauthenticated(_("This link is not valid."))
    if not 0 <= expires - now.timestamp() <= LONGEST_SECONDS:
        raise Unauthenticated(
            _("This link has expired."), hint=_("Open the picture again to get a new link.")
        )
