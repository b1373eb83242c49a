"""The patients under a legal hold."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.retention import Hold
from imgcore.texts import _
from imgcore.ui import clinic, keeping_forms, lists, privacy, words
from imgcore.ui.retention_due import key

PAGE_SIZE = 20
_NAME = "holds"


def draw() -> None:
    """Draw the holds, the latest first."""
    page = clinic.services().holds.all(clinic.actor(), lists.turn(_NAME, PAGE_SIZE))
    if not page.items:
        st.markdown(_("No patient is under a legal hold. It is set in the list of patients."))
        return
    with st.container(gap=None):
        for hold in page.items:
            _row(hold)
    lists.pages(page, _NAME)


def _row(hold: Hold) -> None:
    with st.container(
        key=key("hold", hold.patient_id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        with st.container(gap=None):
            name = words.literal(privacy.shown(hold.patient_name))
            st.markdown(f"**{name}**" + (" · " + _("in the trash") if hold.is_trashed else ""))
            st.caption(words.literal(keeping_forms.facts(hold)))
        st.button(
            _("Lift"),
            key=key("lift", hold.patient_id),
            icon=":material/lock_open:",
            on_click=keeping_forms.ask_lift,
            args=(hold,),
        )
