"""Image sets: for staff all that they may see, for a reviewer what was given to them."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.sets import ImageSet
from imgcore.errors import NotFound
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, errors, heading, keys, lists, places, set_view, words

PAGE_SIZE = 20


def main() -> None:
    """Draw the list of sets, or the set that is open."""
    actor, set_id = clinic.actor(), places.here().set
    if set_id is not None:
        try:
            set_view.draw(actor, set_id)
        except NotFound as error:
            errors.show(error)
            st.button(_("All image sets"), key="all-sets", on_click=set_view.close)
        return
    heading.draw(_("Image sets"))
    page = clinic.services().image_sets.all(actor, lists.turn("sets", PAGE_SIZE))
    if not page.items:
        _empty(actor)
    with st.container(gap=None):
        for image_set in page.items:
            _row(image_set)
    lists.pages(page, "sets")


def _empty(actor: Actor) -> None:
    if not clinic.may(actor, Action.SET_CREATE):
        st.markdown(_("No image set has been given to you yet."))
        st.button(_("Look again"), key="look-again", icon=":material/refresh:")
        return
    st.markdown(_("There are no image sets yet. Select images in a batch, then choose “Make an image set”."))
    st.button(_("Go to the images"), key="to-images", on_click=_to_images)


def _to_images() -> None:
    places.go(places.here(), "images")


def _row(image_set: ImageSet) -> None:
    with st.container(
        key=keys.key("row", image_set.id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        with st.container(gap=None):
            st.button(
                f"**{words.literal(image_set.name)}**",
                key=keys.key("name", image_set.id),
                type="tertiary",
                icon=":material/collections_bookmark:",
                on_click=_open,
                args=(image_set,),
            )
            st.caption(words.literal(set_view.facts(image_set)))
        if image_set.comments:
            text = ngettext("{count} answer", "{count} answers", image_set.comments)
            st.badge(text, icon=":material/forum:", color="green")


def _open(image_set: ImageSet) -> None:
    here = places.here()
    places.go(places.Place(here.patient, here.batch, set=image_set.id))


main()
