"""Buttons that show an icon alone, as they stand in the rows of lists."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def button(
    key: str, icon: str, label: str, act: Callable[..., None], *arguments: object, tip: str | None = None
) -> None:
    """Draw a button that calls ``act``; ``label`` is for screen readers, and the ``tip`` when none is given.

    ``icon`` is a name among the Material symbols; a key that begins with "red-" makes it red.
    """
    st.button(
        label,
        key=f"icon-{key}",
        icon=f":material/{icon}:",
        type="tertiary",
        help=tip or label,
        on_click=act,
        args=arguments,
    )
