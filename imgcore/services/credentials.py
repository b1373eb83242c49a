"""Passwords and tokens: how they are hashed, made and checked; none is ever stored readable."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from imgcore.errors import Unauthenticated
from imgcore.texts import _

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOKEN_SECONDS = 3600
# What a guess costs: the second choice of RFC 9106, with half its lanes for a small server.
PASSES, KIBIBYTES, LANES = 3, 65_536, 2
_ALGORITHM = "HS256"


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=KIBIBYTES, parallelism=LANES)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, with its salt and cost."""
    return _hasher().hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Check a password; without a hash it takes the same time and never fits."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return password_hash is not None


def new_token() -> str:
    """Return a token that nobody can guess (256 bits)."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Bearer:
    """What a program's token says: whose it is, and the user's token version when it was made."""

    user_id: UUID
    token_version: int


def make_bearer(key: bytes, bearer: Bearer, now: datetime) -> str:
    """Return a signed token that is good for ``TOKEN_SECONDS``."""
    import jwt

    claims = {
        "sub": str(bearer.user_id),
        "ver": bearer.token_version,
        "jti": uuid4().hex,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=TOKEN_SECONDS)).timestamp()),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read_bearer(key: bytes, token: str, now: datetime) -> Bearer:
    """Return what a token says; ``Unauthenticated`` when it is not ours or has expired."""
    import jwt

    needed = {"require": ["sub", "ver", "exp"], "verify_exp": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options=needed)  # type: ignore[arg-type]
        bearer = Bearer(UUID(claims["sub"]), int(claims["ver"]))
        expired = int(claims["exp"]) <= now.timestamp()
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise Unauthenticated(_("This token is not valid.")) from None
    if expired:
        raise Unauthenticated(
            _("This token has expired."), hint=_("Ask for a new one at /api/v1/auth/token.")
        )
    return bearer
