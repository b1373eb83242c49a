"""Patients: find one, add one, change one."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.records import Patient
from imgcore.texts import _
from imgcore.ui import (
    clinic,
    heading,
    icons,
    keeping_forms,
    keys,
    lists,
    looks_list,
    opened,
    patient_forms,
    places,
    privacy,
    team_forms,
    team_view,
    words,
)

PAGE_SIZE = 20


def main() -> None:
    """Draw the list with its search box."""
    heading.draw(_("Patients"), button=_buttons)
    found = opened.now()
    if found is not None:
        team_view.draw(clinic.actor(), found.patient)
    text = lists.search(_("Name, MRN or birth date"), "patients")
    turn = lists.turn("patients", PAGE_SIZE)
    page = clinic.services().patients.find(clinic.actor(), text, turn)
    if not page.items and not text:
        in_teams = team_forms.in_use(clinic.actor())
        st.markdown(_("You look after no patients yet.") if in_teams else _("There are no patients yet."))
    elif not page.items:
        st.markdown(_("Nobody has this in their name, numbers or birth date."))
        st.button(_("Clear the search"), key="clear-patients", on_click=lists.clear, args=("patients",))
    with st.container(gap=None):
        for patient in page.items:
            _row(patient)
    lists.pages(page, "patients")


def _buttons() -> None:
    with st.container(horizontal=True, width="content", gap="small"):
        team_forms.emergency_button("page")
        patient_forms.add_button("page")


def _row(patient: Patient) -> None:
    name, details = (words.literal(each) for each in (privacy.shown(patient.name), privacy.details(patient)))
    with st.container(
        key=keys.key("row", patient.id), horizontal=True, vertical_alignment="center", gap=None, wrap=False
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.button(
                f"**{name}**",
                key=keys.key("name", patient.id),
                type="tertiary",
                icon=":material/photo_library:",
                on_click=places.open_patient,
                args=(patient.id,),
            )
            st.caption(details, width="content")
            keeping_forms.badge(patient)
        looks_list.icon(patient)
        keeping_forms.icon(patient)
        edit, trash = _("Edit {name}").format(name=name), _("Move {name} to the trash").format(name=name)
        icons.button(
            keys.key("edit", patient.id), "edit", edit, patient_forms.ask_edit, patient, tip=_("Edit")
        )
        icons.button(
            keys.key("red-trash", patient.id), "delete", trash, patient_forms.ask_trash, patient,
            tip=_("Move to the trash"),
        )  # fmt: skip


main()
