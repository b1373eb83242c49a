"""The results of one picture in a dialog of its own, so that they never stand beside another picture."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from imgcore.domain.analyses import AnalysisFilter
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import analysis_list, analysis_runs, clinic, dialogs, errors, keys, places

_MOST = 10


def ask(patient_id: UUID, image_id: UUID) -> None:
    """Open the dialog for a picture; call it from a callback."""
    dialogs.ask(_("Results of this picture"), _draw, patient_id, image_id)


def _draw(patient_id: UUID, image_id: UUID) -> None:
    with errors.shown():
        who, asked = clinic.actor(), AnalysisFilter(image_id=image_id)
        page = clinic.services().analyses.list(who, asked, Turn(page_size=_MOST))
        if not page.items:
            st.markdown(_("No model has looked at this picture yet."))
        analysis_list.cards(who, page.items, {}, has_buttons=False)
        with st.container(horizontal=True, horizontal_alignment="right"):
            if page.items:
                st.button(
                    _("Open in Analyses"), key=keys.key("panel", "open"), on_click=_open,
                    args=(patient_id, image_id),
                )  # fmt: skip
            st.button(
                _("Analyse"), key=keys.key("panel", "analyse"), type="primary", icon=":material/biotech:",
                on_click=_analyse, args=(patient_id, image_id),
            )  # fmt: skip


def _open(patient_id: UUID, image_id: UUID) -> None:
    places.go(places.Place(patient=str(patient_id), image=image_id), "analyses")
    dialogs.finish()


def _analyse(patient_id: UUID, image_id: UUID) -> None:
    analysis_runs.ask_image(patient_id, image_id)
    st.rerun()
