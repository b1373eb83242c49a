"""Retention: how long records are kept, what is past its time, and what a legal hold keeps."""

from __future__ import annotations

import streamlit as st

from imgcore.texts import _
from imgcore.ui import clinic, heading, retention_due, retention_holds, retention_rules


def main() -> None:
    """Draw what is due, the rules, and the holds."""
    is_automatic = clinic.services().settings.retention == "automatic"
    facts = (
        _("what is due goes into the trash once a day")
        if is_automatic
        else _("nothing goes unless an administrator says so")
    )
    heading.draw(_("Retention"), facts, button=retention_rules.add_button)
    st.subheader(_("What is due"), anchor=False)
    retention_due.draw()
    st.subheader(_("Rules"), anchor=False)
    retention_rules.draw()
    st.subheader(_("Legal holds"), anchor=False)
    retention_holds.draw()


main()
