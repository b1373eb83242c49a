"""The way from a screen to the clinic: its services, and who is using them."""

from __future__ import annotations

import streamlit as st

from imgcore import bootstrap
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.services import Services
from imgcore.ui import identity, keys


def services() -> Services:
    """Return the services of the clinic that this process serves."""
    return bootstrap.in_use().services


def actor() -> Actor:
    """Return who is signed in, looked up now; a run without anybody ends here."""
    return identity.current_actor()


def may(who: Actor, action: Action) -> bool:
    """Tell whether this person may do this at all, so that a screen offers only what works."""
    return reach(who, action) is not Reach.NONE


def sign_out() -> None:
    """Let the browser sign out, in all its tabs; call it from ``on_click``."""
    st.session_state[keys.LEAVING] = True
