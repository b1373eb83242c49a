"""How work that takes long says how far it is, and hears that it shall end."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how much is done and of how much; raises ``Stopped`` to end the work there."""


class Stopped(BaseException):
    """The work shall end now; no error, so that nothing takes it for the fault of one file."""


def nothing(_done: int, _total: int) -> None:
    """Let the news go: nobody waits for it."""
