"""The way from photographs to the visit at which they were taken."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.records import Visit
from imgcore.texts import _
from imgcore.ui import clinic, dates, keys, places


def title(visit: Visit) -> str:
    """Return what a visit is called: "Visit of 6 Nov 2025"."""
    return _("Visit of {day}").format(day=dates.day(visit.visited_on))


def draw(who: Actor, visit_id: UUID) -> None:
    """Draw the button that opens the visit."""
    visit = clinic.services().visits.get(who, visit_id)
    st.button(
        title(visit),
        key=keys.key("visit-link", visit.id),
        icon=":material/stethoscope:",
        type="tertiary",
        on_click=open_visit,
        args=(visit.patient_id, visit.id),
    )


def open_visit(patient_id: UUID, visit_id: UUID) -> None:
    """Go to a visit; call it from a callback."""
    places.go(places.Place(str(patient_id), visit=visit_id), "visits")
