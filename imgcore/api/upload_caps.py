"""How much Streamlit's own uploader may hold, since it keeps whole files in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import Message, Receive

from imgcore.api.tabs import Tabs
from imgcore.errors import TooLarge
from imgcore.texts import _

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Caps:
    """Limits of one tab, and of all tabs together."""

    files: int = 40
    bytes: int = 200 * MEBIBYTE
    bytes_in_all: int = 1024 * MEBIBYTE


@dataclass(eq=False)
class Arrival:
    """A file on its way; ``reserved`` bytes count as if they were held already."""

    tab: str
    reserved: int = 0
    received: int = 0


class UploadCaps:
    """Counts what is held and what is on its way, and refuses what would be too much."""

    def __init__(self, tabs: Tabs, caps: Caps | None = None) -> None:
        self._tabs = tabs
        self._caps = caps or Caps()
        self._arrivals: set[Arrival] = set()

    @contextmanager
    def arriving(self, tab: str, declared: int) -> Iterator[Arrival]:
        """Keep room for a file while it arrives; ``TooLarge`` when there is none."""
        arrival = Arrival(tab, reserved=declared)
        self._arrivals.add(arrival)
        try:
            self._check(tab)
            yield arrival
        finally:
            self._arrivals.discard(arrival)

    def counted(self, arrival: Arrival, receive: Receive) -> Receive:
        """Count the bytes of a file that did not say how long it is, or said it wrongly."""

        async def receive_counted() -> Message:
            message = await receive()
            arrival.received += len(message.get("body", b""))
            if arrival.received > arrival.reserved:
                arrival.reserved = arrival.received
                self._check(arrival.tab)
            return message

        return receive_counted

    def _check(self, tab: str) -> None:
        files, size = self._tabs.held(tab)
        own = [arrival for arrival in self._arrivals if arrival.tab == tab]
        fits = files + len(own) <= self._caps.files
        fits = fits and size + sum(arrival.reserved for arrival in own) <= self._caps.bytes
        if not fits or not self._has_room():
            raise TooLarge(
                _("These are too many files for the simple upload."),
                hint=_("Send them in smaller groups, or use the large upload field."),
            )

    def _has_room(self) -> bool:
        arriving = sum(arrival.reserved for arrival in self._arrivals)
        if self._tabs.held_in_all() + arriving > self._caps.bytes_in_all:
            self._tabs.forget_closed()
        return self._tabs.held_in_all() + arriving <= self._caps.bytes_in_all
