"""Watches the session in the browser: a tab that is signed out shows no patient any more."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from imgcore.ui import keys

_HERE = Path(__file__).parent
_watcher = st.components.v2.component(
    "imgcore.session",
    css=(_HERE / "session.css").read_text(encoding="utf-8"),
    js=(_HERE / "session.js").read_text(encoding="utf-8"),
)


def watch() -> None:
    """Keep looking whether the session still holds, and sign out when the person has asked for it."""
    leaving = bool(st.session_state.pop(keys.LEAVING, False))
    _watcher(key="session", data={"leaving": leaving}, height=1)
