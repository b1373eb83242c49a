"""Days and moments, in the time zone of the browser."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from imgcore.ui import dates

SYDNEY = ZoneInfo("Australia/Sydney")


@pytest.fixture(autouse=True)
def sydney(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "zone", lambda: SYDNEY)


def test_a_day() -> None:
    assert dates.day(date(2025, 11, 6)) == "6 Nov 2025"


def test_a_moment_of_today_is_a_time() -> None:
    now = datetime.now(SYDNEY).replace(hour=14, minute=2)
    assert dates.moment(now.astimezone(UTC)) == "14:02"


def test_an_earlier_moment_names_its_day_there() -> None:
    assert dates.moment(datetime(2025, 11, 5, 15, 30, tzinfo=UTC)) == "6 Nov 2025, 02:30"
    yesterday = datetime.now(SYDNEY) - timedelta(days=1)
    assert dates.moment(yesterday).startswith(dates.day(yesterday.date()))
