"""Days and moments as people of the clinic read them, in the time zone of their browser."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from imgcore.domain.values import EARLIEST
from imgcore.services.batches import day_name
from imgcore.texts import _

# How the date picker shows a day; Streamlit knows only a few ways.
PICKER = "DD/MM/YYYY"


def day(value: date) -> str:
    """Return a day: "6 Nov 2025"."""
    return day_name(value)


def today() -> date:
    """Return the day it is where the person sits."""
    return datetime.now(zone()).date()


def moment(at: datetime) -> str:
    """Return the time when it was today, "14:02", and the day with the time before, "6 Nov 2025, 14:02"."""
    local = at.astimezone(zone())
    time = f"{local:%H:%M}"
    if local.date() == today():
        return time
    return _("{day}, {time}").format(day=day(local.date()), time=time)


def box(label: str, key: str) -> date | None:
    """Draw the choice of a day that has come, and return it; None while none is chosen."""
    chosen = st.date_input(
        label, None, key=key, format=PICKER, min_value=EARLIEST, max_value=today(), width=170
    )
    return chosen if isinstance(chosen, date) else None


def past(text: str) -> date | None:
    """Return the day that stands in a URL; None when it is none that ``box`` offers."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found <= today() else None


def zone_name() -> str:
    """Return the name of the browser's time zone, as services that count by days take it."""
    return getattr(zone(), "key", "UTC")


def zone() -> tzinfo:
    """Return the time zone of the browser, or UTC when it is not known."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
