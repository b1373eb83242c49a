"""The filter of the dashboard: days, the open patient or an image set, and the URL that holds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Actor, Role
from imgcore.domain.sets import ImageSet
from imgcore.domain.statistics import Asked, Figure
from imgcore.services.pages import LARGEST_PAGE, Turn
from imgcore.texts import _
from imgcore.ui import clinic, dates, keys, opened, places, privacy

NAMES = ("from", "to", "only")
_WRITTEN = keys.key("dashboard", "url")
_SET = keys.key("dashboard", "set")


def draw(who: Actor) -> Asked | None:
    """Draw the widgets, keep what they say in the URL, and return it; None while there is nothing to count.

    A reviewer chooses one of the image sets that were given to them, and no days.
    """
    return _of_set(who) if who.role is Role.REVIEWER else _of_clinic()


def address(figure: Figure, asked: Asked) -> str:
    """Return where the table of a figure is downloaded."""
    said = {
        "patient_id": asked.patient_ref,
        "set_id": asked.set_id,
        "from": asked.from_on,
        "to": asked.to_on,
        "zone": None if asked.set_id or asked.zone == "UTC" else asked.zone,
    }
    query = urlencode({name: str(value) for name, value in said.items() if value})
    return f"/api/statistics/{figure}/csv/" + (f"?{query}" if query else "")


def clear() -> None:
    """Empty the filter; call it from ``on_click``."""
    for name in ("from", "to"):
        st.session_state[_key(name)] = None
    st.session_state[_key("only")] = False


def _of_clinic() -> Asked:
    _take_url()
    with st.container(key="dashboard-filter", horizontal=True, vertical_alignment="bottom", gap="small"):
        from_on, to_on = dates.box(_("From"), _key("from")), dates.box(_("To"), _key("to"))
        found = opened.now()
        only = False
        if found is not None:
            label = _("Only {person}").format(person=privacy.person(found.patient))
            only = st.checkbox(label, key=_key("only"))
    _write_url({"from": from_on, "to": to_on, "only": "1" if only else None})
    patient = str(found.patient.id) if found is not None and only else None
    return Asked(patient, None, from_on, to_on, dates.zone_name())


def _of_set(who: Actor) -> Asked | None:
    given = {each.id: each for each in _given(who)}
    here = places.here()
    if not given:
        return None
    chosen = here.set if here.set in given else next(iter(given))
    st.session_state[_SET] = chosen
    st.selectbox(
        _("Image set"), list(given), key=_SET, format_func=lambda each: given[each].name, width=360,
        on_change=lambda: places.go(replace(here, set=st.session_state[_SET])),
    )  # fmt: skip
    return Asked(set_id=UUID(str(chosen)))


def _given(who: Actor) -> tuple[ImageSet, ...]:
    return clinic.services().image_sets.all(who, Turn(page_size=LARGEST_PAGE)).items


def _take_url() -> None:
    """Set the widgets to what the URL says, unless the URL says what they said last."""
    told = {name: st.query_params.get(name, "") for name in NAMES}
    if st.session_state.get(_WRITTEN) == told and _key("from") in st.session_state:
        return
    for name in ("from", "to"):
        st.session_state[_key(name)] = dates.past(told[name])
    st.session_state[_key("only")] = bool(told["only"])


def _write_url(chosen: dict[str, date | str | None]) -> None:
    told = {name: str(value) if value else "" for name, value in chosen.items()}
    places.tell(told)
    st.session_state[_WRITTEN] = told


def _key(name: str) -> str:
    return keys.key("dashboard", name)
