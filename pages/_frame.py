"""The main script: who is here, where they are, and what stands around every screen."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Action, Actor, Role
from imgcore.ui import (
    analysis_runs,
    banner,
    callbacks,
    clinic,
    dialogs,
    errors,
    find,
    identity,
    looks_list,
    navigation,
    notices,
    opened,
    operations_view,
    places,
    privacy,
    style,
)
from imgcore.ui.components import session, sidebar

SIDEBAR_WIDTH = 360


def main() -> None:
    """Draw the frame around every screen, and the screen in it."""
    callbacks.run_to_their_end()
    st.set_page_config("Imgcore", style.ICON, layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    st.logo(style.LOGO)
    style.apply()
    session.watch()  # before the gate, so that a tab without a session is led to the sign-in page
    actor = identity.current_actor()
    chosen = navigation.choose(actor.role)
    place, wanted = places.move(chosen.screen.name)
    if wanted != chosen.screen.name:
        navigation.switch(actor.role, wanted, place)
    places.settle(wanted)
    sidebar.give_way(wanted, place.patient, place.batch, notices.current())
    found = opened.look_up(actor, place)
    _sidebar(actor, found)
    if found is not None:
        with st.container(key="banner-main"):
            banner.draw(found)
    dialogs.draw()
    operations_view.overdue(actor)
    errors.show_kept()
    with errors.shown():
        chosen.run()
    notices.draw()
    analysis_runs.strip(actor)


def _sidebar(actor: Actor, found: opened.Opened | None) -> None:
    if actor.role is Role.PATIENT:
        privacy.leave_off()  # whoever looks at their own record knows who they are
    with st.sidebar:
        if clinic.may(actor, Action.PATIENT_CREATE):
            find.box()
        with st.container(key="banner-side"):
            if found is not None:
                banner.draw(found)
                looks_list.button(actor, found.patient)
            if actor.role in navigation.STAFF:
                privacy.switch()


# A worker process that starts from a running server executes this file too, by another name.
if __name__ == "__main__":
    main()
