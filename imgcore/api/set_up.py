"""The one-time code that guards the first visit, where others could be first."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from imgcore.config import Settings
from imgcore.domain.links import derived_key
from imgcore.errors import Forbidden, TooManyTries
from imgcore.services.work import utc_now
from imgcore.texts import _

CODE_BYTES = 10
TRIES = 10
WINDOW = timedelta(minutes=15)
# A program between the browser and this server puts one of these on what it passes on.
PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def set_up_code(settings: Settings) -> str:
    """Return the code, the same in every server process of the clinic; set-up makes it useless."""
    key = derived_key(settings.secret_key.get_secret_value(), "set-up")
    letters = base64.b32encode(key[:CODE_BYTES]).decode()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def is_of_this_machine(connection: HTTPConnection) -> bool:
    """Tell whether somebody at this machine asks, by a name that only this machine has.

    The name counts, because a foreign page can give its own name this machine's address.
    """
    client, server = connection.scope.get("client"), connection.scope.get("server")
    names = [_named(connection.headers, "host"), client[0] if client else "", server[0] if server else ""]
    if "origin" in connection.headers:
        names.append(_named(connection.headers, "origin"))
    behind_proxy = any(name in connection.headers for name in PROXY_HEADERS)
    return not behind_proxy and all(map(is_loopback, names))


def is_loopback(name: str | None) -> bool:
    """Tell whether a host name or address is this machine's own."""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _named(headers: Headers, header: str) -> str:
    value = headers.get(header, "")
    try:
        return urlsplit(value if "//" in value else f"//{value}").hostname or ""
    except ValueError:
        return ""


class CodeCheck:
    """Compares codes, and stops whoever tries too many."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._wrong: deque[datetime] = deque(maxlen=TRIES)

    def check(self, settings: Settings, typed: str) -> None:
        """Raise ``Forbidden`` for a wrong code, and ``TooManyTries`` after ten within 15 minutes."""
        now = self._clock()
        if len(self._wrong) == TRIES and now - self._wrong[0] < WINDOW:
            raise TooManyTries(
                _("Too many wrong codes."),
                hint=_("Please wait {minutes} minutes and try again.").format(minutes=15),
                retry_after=int(WINDOW.total_seconds()),
            )
        right = set_up_code(settings)
        if not hmac.compare_digest(_letters(typed), _letters(right)):
            self._wrong.append(now)
            raise Forbidden(_("The one-time code is wrong."))


def _letters(code: str) -> bytes:
    return "".join(character for character in code.upper() if character.isalnum()).encode()
