"""The way to the demo clinic from an empty one: invented patients with drawn pictures."""

from __future__ import annotations

import streamlit as st

from imgcore import demo
from imgcore.domain.access import Actor
from imgcore.errors import ImgcoreError
from imgcore.texts import _
from imgcore.ui import clinic, errors, keys
from imgcore.ui.notices import Notice, keep

_ASKED = "demo-asked"


def offer(who: Actor) -> None:
    """Draw the button that loads the demo clinic, and the progress while it is loaded."""
    if st.session_state.pop(_ASKED, False):
        _load(who)
    st.button(
        _("Load demo clinic"),
        key=keys.key("demo", "load"),
        icon=":material/science:",
        help=_("Five invented patients with 120 drawn pictures; they can be put into the trash later."),
        on_click=_ask,
    )


def _ask() -> None:
    st.session_state[_ASKED] = True


def _load(who: Actor) -> None:
    bar = st.progress(0.0, _("Drawing the pictures"))

    def progress(done: int, total: int) -> None:
        bar.progress(done / total, _("{count} of {total} pictures").format(count=done, total=total))

    try:
        demo.load(clinic.services(), who, progress)
    except ImgcoreError as error:
        errors.show(error)
        return
    keep(Notice(_("The demo clinic is loaded.")))
    st.rerun()
