"""Visits: those of one patient, and the one that is open with its note beside its images."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Visit
from imgcore.texts import _
from imgcore.ui import clinic, find, heading, opened, places, visit_list, visit_screen
from imgcore.ui.opened import Opened


def main() -> None:
    """Draw the open visit, the visits of the open patient, or the way to open one."""
    actor = clinic.actor()
    found = opened.now()
    if found is None:
        _without_patient(actor)
        return
    visit = _chosen(actor, found)
    if visit is None:
        visit_list.draw(actor, found)
    else:
        visit_screen.draw(actor, visit)


def _chosen(actor: Actor, found: Opened) -> Visit | None:
    wanted = places.here().visit
    if wanted is None:
        return None
    visit = clinic.services().visits.get(actor, wanted)
    if visit.patient_id != found.patient.id:  # a link put together by hand
        places.go(places.Place(str(visit.patient_id), visit=visit.id))
        st.rerun()
    return visit


def _without_patient(actor: Actor) -> None:
    heading.draw(_("Visits"))
    if not clinic.may(actor, Action.PATIENT_CREATE):
        st.info(_("There are no visits for you yet."), icon=":material/stethoscope:")
        return
    st.markdown(_("Find a patient on the left to see their visits."))
    recent = clinic.services().patients.recent(actor)
    if recent:
        with st.container(width=480):
            find.rows(recent, "visits")


main()
