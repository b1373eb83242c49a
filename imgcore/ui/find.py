"""The one box that finds a patient: by name, MRN or birth date, those seen last before all others."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Page, Patient
from imgcore.services.pages import Turn
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, errors, keys, patient_forms, places, privacy, team_forms, words

SHOWN = 6


@st.fragment
def box() -> None:
    """Draw the box, and beneath it whom it finds."""
    with st.container(key="find-box", gap=None):
        _box(clinic.actor())


def _box(who: Actor) -> None:
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
        text = st.text_input(
            _("Find a patient"),
            key=keys.FIND,
            type="search",
            placeholder=_("Find: name, MRN, birth date"),
            label_visibility="collapsed",
            icon=":material/search:",
            live="300ms",
        )
        recent = st.popover(
            _("Recent"),
            icon=":material/history:",
            type="tertiary",
            help=_("Patients you opened last"),
            key=keys.RECENT,
            on_change="rerun",
        )
    with errors.shown():
        if recent.open:
            with recent:
                _recent(clinic.services().patients.recent(who))
        if text and text.strip():
            page = clinic.services().patients.find(who, text, Turn(page_size=SHOWN))
            with st.container(key="find-results", gap="xsmall"):
                _results(who, page)


def _recent(patients: Sequence[Patient]) -> None:
    if not patients:
        st.caption(_("Nobody yet."))
    rows(patients, "recent")


def _results(who: Actor, page: Page[Patient]) -> None:
    rows(page.items, "found")
    more = page.total - len(page.items)
    if more:
        st.caption(ngettext("and {count} more; keep typing", "and {count} more; keep typing", more))
    if not page.items:
        st.caption(_("Nobody found."))
        if clinic.may(who, Action.PATIENT_CREATE):
            patient_forms.add_button("find")
        team_forms.emergency_button("find")


def rows(patients: Sequence[Patient], place: str) -> None:
    """Draw one button for each patient; it opens the patient."""
    with st.container(key=keys.key("people", place), gap=None):
        for patient in patients:
            details = privacy.details(patient)
            name = words.literal(privacy.shown(patient.name))
            st.button(
                f"**{name}** :small[{words.literal(details)}]" if details else f"**{name}**",
                key=keys.key("name", place, patient.id),
                type="tertiary",
                width="stretch",
                on_click=_open,
                args=(patient,),
            )


def _open(patient: Patient) -> None:
    st.session_state[keys.FIND] = ""
    places.open_patient(patient.id)
