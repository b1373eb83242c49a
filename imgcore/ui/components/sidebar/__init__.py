"""Closes the sidebar of a phone, where it covers the screen, once something was chosen or done in it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_giver = st.components.v2.component(
    "imgcore.sidebar", js=Path(__file__).with_name("sidebar.js").read_text(encoding="utf-8")
)


def give_way(*state: object) -> None:
    """Tell the browser what this run shows; the sidebar closes when that is something else than before."""
    _giver(key="sidebar", data={"state": [str(each) for each in state]}, height=1)
