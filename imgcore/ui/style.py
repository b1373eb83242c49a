"""The style sheet of the frame: it says where things stand, and takes its colours from the theme."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import streamlit as st

# Streamlit would fetch a Material icon for the browser's tab from a foreign host.
ICON = str(Path(__file__).with_name("icon.svg"))
LOGO = str(Path(__file__).with_name("logo.svg"))
_SHEET = Path(__file__).with_name("layout.css")
_COLOURS = {
    "blue": "blueColor",
    "blue-text": "blueTextColor",
    "red": "redColor",
    "red-text": "redTextColor",
    "green-text": "greenTextColor",
    "orange-text": "orangeTextColor",
    "gray-text": "grayTextColor",
    "border": "borderColor",
    "surface": "backgroundColor",
    "raised": "secondaryBackgroundColor",
    "side": "sidebar.backgroundColor",
    "side-raised": "sidebar.secondaryBackgroundColor",
}


def apply() -> None:
    """Send the style sheet to the browser; it takes no room on the screen."""
    st.html(f"<style>\n{_style()}</style>")


@lru_cache(maxsize=1)
def _style() -> str:
    names = "".join(f"--imgcore-{name}: {_both(option)};\n" for name, option in _COLOURS.items())
    return f".stApp, [data-testid=stDialog] {{\n{names}}}\n" + _SHEET.read_text(encoding="utf-8")


def _both(option: str) -> str:
    """Return a colour of the theme for light and dark, which the browser chooses between."""
    light, dark = (st.get_option(f"theme.{mode}.{option}") for mode in ("light", "dark"))
    return f"light-dark({light}, {dark})"
