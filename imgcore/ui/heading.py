"""The heading of a screen: its name, a few facts beside it, and at the right the button that adds to it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from imgcore.ui import words


def draw(title: str, facts: str = "", button: Callable[[], None] | None = None) -> None:
    """Draw the heading; ``title`` and ``facts`` may be typed text, ``button`` draws the button."""
    with st.container(
        key="heading", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        with st.container(key="heading-words", horizontal=True, vertical_alignment="bottom", width="content"):
            st.title(words.literal(title), anchor=False, width="content")
            if facts:
                st.caption(words.literal(facts), width="content")
        if button is not None:
            button()
