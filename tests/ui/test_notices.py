from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.ui import keys, notices
from imgcore.ui.notices import Notice


class Clock:
    """Stands in for ``datetime``, and goes on only when it is told to."""

    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    @classmethod
    def now(cls, _zone: object) -> datetime:
        """Return its time."""
        return cls.at

    @classmethod
    def wait(cls, seconds: float) -> None:
        """Let time pass."""
        cls.at += timedelta(seconds=seconds)


def _page() -> None:
    from imgcore.ui import notices

    notices.draw()


def test_the_time_of_a_notice_begins_when_it_is_first_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes a minute to draw it does not take Undo away before anybody has seen it."""
    monkeypatch.setattr(notices, "datetime", Clock)
    page = AppTest.from_function(_page)
    page.session_state[keys.NOTICE] = Notice("Moved.", change_id=uuid4())
    Clock.wait(60)
    page.run()
    assert [button.label for button in page.button] == ["Undo"]
    Clock.wait(notices.SHOWN_FOR.total_seconds() - 1)
    assert page.run().button
    Clock.wait(2)
    assert not page.run().button
    assert not page.exception
