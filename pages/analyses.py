"""Analyses: what models said of pictures, how that changed, and the runs in the background."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import AnalysisFilter
from imgcore.texts import _
from imgcore.ui import (
    analysis_filter,
    analysis_list,
    analysis_runs,
    analysis_trends,
    clinic,
    heading,
    jobs_list,
    opened,
    places,
    privacy,
)


def main() -> None:
    """Draw the results that are asked for, the course of them, or the jobs."""
    who = clinic.actor()
    heading.draw(_("Analyses"), _("not a diagnosis"), _run_button)
    part = analysis_filter.part(who)
    if part == "jobs":
        jobs_list.draw()
    elif part == "trends":
        analysis_trends.draw(who)
    else:
        _history(who)


def _run_button() -> None:
    """Draw the button that analyses all images of the open patient."""
    found = opened.now()
    if found is None or not found.counts.images or not clinic.may(clinic.actor(), Action.RESULT_RUN):
        return
    label = _("Analyse all of {person}").format(person=privacy.shown(found.patient.name))
    st.button(
        label, key="analyse-patient", icon=":material/biotech:", type="primary",
        on_click=analysis_runs.ask_patient, args=(found.patient, found.counts.images),
    )  # fmt: skip


def _history(who: Actor) -> None:
    asked = analysis_filter.draw(who)
    if asked is None:
        st.markdown(_("No image set has been given to you yet."))
        st.button(_("Look again"), key="look-again", icon=":material/refresh:")
        return
    _narrowed(who, asked)
    if not analysis_list.draw(who, asked):
        _empty(who, asked)


def _narrowed(who: Actor, asked: AnalysisFilter) -> None:
    """Say so when the address asks for one picture, or for one image set, alone."""
    here = places.here()
    waits = clinic.services().settings.hide_results_until_impression and clinic.may(
        who, Action.IMPRESSION_ADD
    )
    if asked.risk_level is not None and waits:
        st.caption(_("Results that wait for your own impression are left out."))
    if asked.image_id is not None:
        _only(_("Only the results of one picture."))
    elif here.set is not None and clinic.may(who, Action.PATIENT_SEE):
        _only(_("Only the results of one image set."))


def _only(text: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(text, width="content")
        st.button(
            _("See all"), key="see-all", type="tertiary", icon=":material/close:",
            on_click=analysis_filter.widen,
        )  # fmt: skip


def _empty(who: Actor, asked: AnalysisFilter) -> None:
    if analysis_filter.is_narrow(asked):
        st.markdown(_("No result is like that."))
        st.button(_("Clear the filter"), key="analyses-clear", on_click=analysis_filter.clear)
    elif clinic.may(who, Action.RESULT_RUN):
        st.markdown(_("No picture was analysed yet. Select pictures in a batch, then choose “Analyse”."))
        st.button(
            _("Go to the images"), key="to-images", on_click=places.go,
            args=(places.Place(patient=places.here().patient), "images"),
        )  # fmt: skip
    else:
        st.markdown(_("No picture of this set was analysed yet."))
        st.button(_("Look again"), key="look-again", icon=":material/refresh:")


main()
