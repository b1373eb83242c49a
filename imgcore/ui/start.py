"""What the start page says while no patient is open."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.texts import _
from imgcore.ui import clinic, demo_forms, find, patient_forms


def draw(who: Actor) -> None:
    """Offer the patients seen last, or the first step in a clinic that has none."""
    if not clinic.may(who, Action.PATIENT_CREATE):
        st.info(_("There are no images for you yet."), icon=":material/photo_library:")
        return
    services = clinic.services()
    recent = services.patients.recent(who)
    if recent:
        st.subheader(_("Patients you opened last"), anchor=False)
        with st.container(width=480):
            find.rows(recent, "start")
        patient_forms.add_button("start")
    elif services.patients.find(who).total:
        st.subheader(_("Welcome"), anchor=False)
        st.markdown(_("Find a patient on the left to see their photographs."))
        patient_forms.add_button("start")
    else:
        st.subheader(_("Welcome to Imgcore"), anchor=False)
        st.markdown(_("There are no patients yet."))
        with st.container(horizontal=True):
            patient_forms.add_button("start", _("Add your first patient"))
            demo_forms.offer(who)
