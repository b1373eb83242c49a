"""Account: who is signed in, and the way out."""

from __future__ import annotations

import streamlit as st

from imgcore.texts import _
from imgcore.ui import clinic, heading, user_forms, words


def main() -> None:
    """Draw the account of the person who is signed in."""
    actor = clinic.actor()
    heading.draw(_("Account"))
    with st.container(border=True, width=480):
        st.markdown(f"**{words.literal(actor.name)}**")
        st.caption(words.literal(actor.email))
        st.badge(user_forms.roles()[actor.role])
    st.button(_("Sign out"), key="sign-out", icon=":material/logout:", on_click=clinic.sign_out)


main()
