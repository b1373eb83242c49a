"""What the audit has been told a moment ago, so that it is not told again with every look."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from datetime import datetime, timedelta

NOTED_MINUTES = 10
_AT_MOST = 10_000


class Notes:
    """Remembers for ten minutes what was noted; safe to use from several threads."""

    def __init__(self) -> None:
        self._noted: dict[Hashable, tuple[Hashable, datetime]] = {}
        self._guard = threading.Lock()

    def is_due(self, about: Hashable, said: Hashable, at: datetime) -> bool:
        """Tell whether this is to be noted at this moment; from then on it counts as noted.

        It is due when the last thing said about it was another, or ten minutes have passed.
        """
        with self._guard:
            last, noted_at = self._noted.get(about, (None, at))
            if last == said and at - noted_at < timedelta(minutes=NOTED_MINUTES):
                return False
            if len(self._noted) >= _AT_MOST:  # what is forgotten is only noted once more
                self._noted.clear()
            self._noted[about] = (said, at)
            return True

    def drop(self, about: Hashable) -> None:
        """Forget what was said about this, because it could not be written."""
        with self._guard:
            self._noted.pop(about, None)
