"""Operations: how the clinic's parts stand, checks and backups, and the jobs in the background."""

from __future__ import annotations

import streamlit as st

from imgcore.texts import _
from imgcore.ui import clinic, heading, jobs_list, operations_view


def main() -> None:
    """Draw the parts, what keeps the data safe, and the jobs."""
    who = clinic.actor()
    standing = clinic.services().operations.standing(who)
    heading.draw(_("Operations"), _("how database, files and jobs stand"))
    operations_view.parts(standing)
    if standing.counts is not None:
        operations_view.numbers(standing.counts)
    operations_view.keeping(who, standing)
    st.subheader(_("Jobs"), anchor=False)
    jobs_list.draw()


main()
