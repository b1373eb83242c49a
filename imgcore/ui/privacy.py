"""The privacy switch: with it a screen shows initials and a birth year, and no name."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from imgcore.domain.names import initials
from imgcore.domain.records import Patient
from imgcore.texts import _
from imgcore.ui import dates, keys


def switch() -> None:
    """Draw the switch; it is on when a tab opens, and holds for that tab."""
    st.toggle(
        _("Privacy"),
        value=True,
        key=keys.PRIVACY,
        persist_state="session",
        help=_("Shows initials and the birth year, for screens that others can see."),
        # The last notice may hold a name.
        on_change=lambda: st.session_state.pop(keys.NOTICE, None),
    )


def leave_off() -> None:
    """Show names in this tab, and draw no switch."""
    st.session_state[keys.PRIVACY] = False


def is_on() -> bool:
    """Tell whether names are hidden."""
    return bool(st.session_state.get(keys.PRIVACY, True))


def shown(name: str) -> str:
    """Return a person's name, or the initials when names are hidden."""
    return (initials(name) or "–") if is_on() else name


def born(patient: Patient) -> str:
    """Return "born 12 May 1961", or "born 1961" when names are hidden; "" when it is not known."""
    if patient.birth_on is None:
        return ""
    when = str(patient.birth_on.year) if is_on() else dates.day(patient.birth_on)
    return _("born {when}").format(when=when)


def person(patient: Patient) -> str:
    """Return whom a button or a question is about: "M. K., born 1961"."""
    return ", ".join(filter(None, (shown(patient.name), born(patient))))


def details(patient: Patient) -> str:
    """Return what stands beneath a name: "born 1961 · MRN 4471"."""
    number = _("MRN {number}").format(number=patient.mrn) if patient.mrn else ""
    return " · ".join(filter(None, (born(patient), number)))


def file_name(name: str) -> str:
    """Return a file's own name, which may hold a person's, or its kind alone when names are hidden."""
    return Path(name).suffix[1:].upper() if is_on() else name
