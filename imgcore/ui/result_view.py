"""One result as the patient reads it: the picture, what was found, how serious it is, and when."""

from __future__ import annotations

from html import escape
from typing import Literal

import streamlit as st

from imgcore.domain.records import Result
from imgcore.texts import _
from imgcore.ui import dates, keys, words


def card(result: Result) -> None:
    """Draw a result; never without the words that it is not a diagnosis."""
    with st.container(
        border=True, key=keys.key("result", result.id), horizontal=True, gap="medium", width=640
    ):
        if result.image_id is not None:  # a record that was kept elsewhere may have come without
            picture = f"/api/images/{result.image_id}/thumbnail/"
            alt = escape(_("The picture that was looked at"))
            st.html(f'<img class="imgcore-result" src="{picture}" alt="{alt}">', width="content")
        with st.container(gap="xsmall"):
            st.markdown(f"### {words.literal(plain(result.label))}")
            if result.risk_level:
                st.badge(risk(result.risk_level), color=colour(result.risk_level))
            about = [result.body_region] if result.body_region else []
            if result.created_at is not None:
                about.append(dates.day(result.created_at.astimezone(dates.zone()).date()))
            st.caption(words.literal(" · ".join(about)))
            st.caption(_("Not a diagnosis"))


def plain(label: str) -> str:
    """Return a label of an analyser as people write: "Melanocytic nevus"."""
    text = " ".join(label.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def risk(level: str) -> str:
    """Return what a risk level is called, for Markdown; one that is not known is shown as it is."""
    return words.literal(risk_name(level))


def risk_name(level: str) -> str:
    """Return what a risk level is called: "High risk"."""
    names = {
        "low": _("Low risk"),
        "moderate": _("Moderate risk"),
        "medium": _("Moderate risk"),
        "high": _("High risk"),
    }
    return names.get(level.casefold(), _("Risk: {level}").format(level=plain(level)))


def colour(level: str) -> Literal["green", "orange", "red", "gray"]:
    """Return the colour of a risk level's badge; grey for one that is not known."""
    return _COLOURS.get(level.casefold(), "gray")


_COLOURS: dict[str, Literal["green", "orange", "red"]] = {
    "low": "green",
    "moderate": "orange",
    "medium": "orange",
    "high": "red",
}
