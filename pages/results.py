"""My results: what the clinic released to the patient who is signed in."""

from __future__ import annotations

import streamlit as st

from imgcore.texts import _
from imgcore.ui import clinic, heading, lists, places, result_card

PAGE_SIZE = 20


def main() -> None:
    """Draw the released results, the newest first."""
    actor = clinic.actor()
    heading.draw(_("My results"))
    turn = lists.turn("results", PAGE_SIZE)
    page = clinic.services().results.list(actor, str(actor.patient_id), turn)
    if not page.items:
        st.markdown(_("No results have been released to you yet. Your clinician decides when they are."))
        st.button(_("See my images"), key="to-images", on_click=places.go, args=(places.Place(), "images"))
        return
    text = _(
        "These are estimates by a computer. They are **not a diagnosis**: please talk to your clinician."
    )
    st.info(text, icon=":material/info:")
    for result in page.items:
        result_card.draw(result)
    lists.pages(page, "results")


main()
