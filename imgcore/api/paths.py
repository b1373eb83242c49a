"""Who may ask for which path: one table; what it does not name needs a session."""

from __future__ import annotations

import unicodedata
from enum import Enum

from imgcore.api.frontend import asset_paths


class Access(Enum):
    """What a path asks of the person who calls it."""

    OPEN = "anyone; nobody looks who it is"
    ANYONE = "anyone; who is signed in is known, and asking does not count as use of the session"
    SESSION = "a signed-in browser"
    SESSION_OR_BEARER = "a signed-in browser, or a program with a token"
    SIGNED = "as above, or the signature in the link, which the route checks"


# A star at the end stands for everything below. Streamlit's own paths are named one by one,
# so that a path that a new release adds is noticed.
TABLE: dict[str, Access] = {
    "/healthz": Access.OPEN,
    "/assets/*": Access.OPEN,
    "/readyz": Access.OPEN,
    "/auth/login": Access.ANYONE,
    "/auth/logout": Access.ANYONE,
    "/auth/setup": Access.ANYONE,
    "/auth/session": Access.ANYONE,
    "/auth/unlock": Access.ANYONE,
    "/auth/link/*": Access.ANYONE,
    "/auth/oidc": Access.ANYONE,
    "/auth/oidc/callback": Access.ANYONE,
    "/auth/password": Access.SESSION,
    "/share/*": Access.ANYONE,
    "/api/*": Access.SESSION_OR_BEARER,
    "/api/v1/auth/token": Access.ANYONE,
    "/files/*": Access.SIGNED,
    "/": Access.SESSION,
    "/media/*": Access.SESSION,
    "/component/*": Access.SESSION,
    "/oauth2callback": Access.SESSION,
    "/_stcore/health": Access.OPEN,
    "/_stcore/metrics": Access.SESSION,
    "/_stcore/host-config": Access.SESSION,
    "/_stcore/upload_file/*": Access.SESSION,
    "/_stcore/bidi-components/*": Access.SESSION,
    "/_stcore/stream": Access.SESSION,
    "/_stcore/agent/interact": Access.SESSION,
    "/_stcore/agent/openapi.json": Access.SESSION,
    "/_stcore/agent/mcp": Access.SESSION,
}
# All that a session is good for while it is locked.
WHILE_LOCKED = frozenset(
    {"/auth/session", "/auth/unlock", "/auth/oidc/callback", "/auth/login", "/auth/logout"}
)


def classified(path: str) -> Access | None:
    """Return what the table says of a path, with or without a slash at its end; None when nothing."""
    bare = path.rstrip("/") or "/"
    if bare in asset_paths():
        return Access.OPEN
    if bare in TABLE:
        return TABLE[bare]
    below = [prefix for prefix in TABLE if prefix.endswith("/*") and path.startswith(prefix[:-1])]
    return TABLE[max(below, key=len)] if below else None


def access(path: str) -> Access:
    """Return what a path asks of its caller."""
    return classified(path) or Access.SESSION


def is_for_locked(path: str) -> bool:
    """Tell whether who is asking is known on this path even while the session is locked."""
    return (path.rstrip("/") or "/") in WHILE_LOCKED


def is_plain(path: str) -> bool:
    """Tell whether a path means the same to everybody: no dot segments, backslashes or control characters."""
    if not path.startswith("/") or "//" in path or "\\" in path:
        return False
    if any(unicodedata.category(character) == "Cc" for character in path):
        return False
    return not {".", ".."} & set(path.split("/"))


def local_target(wanted: str) -> str:
    """Return where to go after sign-in: the wanted path of this server, or the start page."""
    path = wanted.partition("?")[0]
    plain = is_plain(path) and all(" " < character < "\x7f" and character != "\\" for character in wanted)
    if not plain or len(wanted) > 2000 or path.startswith("/auth/"):
        return "/"
    return wanted
