"""The filter of the audit page: its widgets, and the URL that holds what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action
from imgcore.domain.looks import Person
from imgcore.domain.values import EARLIEST
from imgcore.services.audit import Asked
from imgcore.texts import _
from imgcore.ui import dates, keys, opened, privacy

_WRITTEN = keys.key("audit", "url")
NAMES = ("person", "action", "outcome", "from", "to", "only")


def draw(people: Mapping[str, Person], changed: Callable[[], None]) -> Asked:
    """Draw the widgets, keep what they say in the URL, and return it; ``changed`` is a callback."""
    _take_url(people)
    chosen = {
        "person": _choice("person", _("Person"), {each: people[each].shown for each in people}, changed),
        "action": _choice("action", _("Action"), {str(each): str(each) for each in Action}, changed),
        "outcome": _choice("outcome", _("Outcome"), _outcomes(), changed),
        "from": _day("from", _("From"), changed),
        "to": _day("to", _("To"), changed),
    }
    found = opened.now()
    if found is not None:
        label = _("Only {person}").format(person=privacy.person(found.patient))
        only = st.checkbox(label, key=_key("only"), on_change=changed)
        chosen["only"] = "1" if only else ""
    _write_url(chosen)
    patient = str(found.patient.id) if found is not None and chosen["only"] else None
    return Asked(
        person_id=UUID(chosen["person"]) if chosen["person"] else None,
        patient_ref=patient,
        action=chosen["action"] or None,
        outcome=chosen["outcome"] or None,
        from_at=_start(chosen["from"]),
        to_at=_start(chosen["to"], days=1),
    )


def address(asked: Asked) -> str:
    """Return where the table of what is asked for is downloaded."""
    said = {
        "person": asked.person_id,
        "patient_id": asked.patient_ref,
        "action": asked.action,
        "outcome": asked.outcome,
        "from": asked.from_at and asked.from_at.isoformat(),
        "to": asked.to_at and asked.to_at.isoformat(),
    }
    query = urlencode({name: str(value) for name, value in said.items() if value})
    return "/api/audit/csv/" + (f"?{query}" if query else "")


def clear() -> None:
    """Empty the filter; call it from ``on_click``."""
    for name in NAMES:
        st.session_state[_key(name)] = None if name != "only" else False


def _outcomes() -> dict[str, str]:
    return {
        "done": _("Done"),
        "refused": _("Refused"),
        "duplicate": _("Already there"),
        "late": _("Too late"),
        "failed": _("Failed"),
    }


def _choice(name: str, label: str, options: Mapping[str, str], changed: Callable[[], None]) -> str:
    found = st.selectbox(
        label,
        list(options),
        None,
        key=_key(name),
        placeholder=_("All"),
        format_func=lambda each: options.get(each, each),
        on_change=changed,
    )
    return found or ""


def _day(name: str, label: str, changed: Callable[[], None]) -> str:
    day = st.date_input(
        label,
        None,
        key=_key(name),
        format=dates.PICKER,
        min_value=EARLIEST,
        max_value=dates.today(),
        on_change=changed,
    )
    return day.isoformat() if isinstance(day, date) else ""


def _start(day: str, days: int = 0) -> datetime | None:
    """Return the first moment of a day where the person sits, or of a later one."""
    if not day:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), dates.zone())


def _take_url(people: Mapping[str, Person]) -> None:
    """Set the widgets to what the URL says, unless the URL says what they said last."""
    told = {name: st.query_params.get(name, "") for name in NAMES}
    if st.session_state.get(_WRITTEN) == told and _key("person") in st.session_state:
        return
    known: dict[str, Mapping[str, Any]] = {
        "person": people,
        "action": {str(each): each for each in Action},
        "outcome": _outcomes(),
    }
    for name, options in known.items():
        st.session_state[_key(name)] = told[name] if told[name] in options else None
    for name in ("from", "to"):
        st.session_state[_key(name)] = _past_day(told[name])
    st.session_state[_key("only")] = bool(told["only"])


def _past_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= dates.today() else None


def _write_url(chosen: Mapping[str, str]) -> None:
    for name in NAMES:
        if chosen.get(name):
            st.query_params[name] = chosen[name]
        else:
            st.query_params.pop(name, None)
    st.session_state[_WRITTEN] = {name: chosen.get(name, "") for name in NAMES}


def _key(name: str) -> str:
    return keys.key("audit", name)
