"""One result as the patient reads it: the picture, what was found, how serious it is, and when."""

from __future__ import annotations

from html import escape

import streamlit as st

from imgcore.domain.records import Result
from imgcore.texts import _
from imgcore.ui import analysis_words, dates, keys, result_view, words


def draw(result: Result) -> None:
    """Draw a result; never without the words that it is not a diagnosis."""
    with st.container(
        border=True, key=keys.key("result", result.id), horizontal=True, gap="medium", width=640
    ):
        if result.image_id is not None:  # a record that was kept elsewhere may have come without
            picture = f"/api/images/{result.image_id}/thumbnail/"
            alt = escape(_("The picture that was looked at"))
            st.html(f'<img class="imgcore-result" src="{picture}" alt="{alt}">', width="content")
        with st.container(gap="xsmall"):
            st.markdown(f"### {words.literal(analysis_words.title(result))}")
            if result.risk_level:
                level = words.literal(result_view.risk_name(result.risk_level))
                st.badge(level, color=result_view.colour(result.risk_level))
            if analysis_words.is_quality(result):
                st.caption(_("This is about the photograph, not about your health."))
            st.caption(words.literal(_facts(result)))
            st.caption(_("Not a diagnosis"))


def _facts(result: Result) -> str:
    """Return where, when, and which model: "Left heel · 6 Nov 2025 · skin-check 1.0"."""
    at = result.created_at
    day = dates.day(at.astimezone(dates.zone()).date()) if at is not None else ""
    model = analysis_words.model(result.analyser, result.analyser_version)
    return " · ".join(filter(None, (result.body_region, day, model)))
