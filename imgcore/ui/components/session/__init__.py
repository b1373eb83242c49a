"""Watches the session in the browser: a tab that is signed out, or left alone, shows no patient any more."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from imgcore.bootstrap import in_use
from imgcore.texts import _
from imgcore.ui import keys
from imgcore.ui.components import script

_HERE = Path(__file__).parent
_watcher = st.components.v2.component(
    "imgcore.session",
    css=(_HERE / "session.css").read_text(encoding="utf-8"),
    js=script("session/sheet.js", "session/session.js"),
)


def watch() -> None:
    """Keep looking whether the session still holds, and sign out when the person has asked for it."""
    leaving = bool(st.session_state.pop(keys.LEAVING, False))
    _watcher(key="session", data={"leaving": leaving, "texts": _texts()}, height=1)


@cache
def _sheet_style() -> str:
    return (_HERE / "sheet.css").read_text(encoding="utf-8")


def _texts() -> dict[str, str]:
    outer = in_use().services.settings.outer_name
    return {
        "style": _sheet_style(),
        "title": _("Imgcore is locked"),
        "lead": _("Signed in as {name}. Type your password to go on where you stopped."),
        "password": _("Password"),
        "unlock": _("Unlock"),
        "signOut": _("Sign out"),
        "outer": _("Sign in with {name}").format(name=outer) if outer else "",
        "away": _("The server does not answer. Please try again in a moment."),
    }
