"""One visit: its note beside its images."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Image, Visit
from imgcore.texts import _
from imgcore.ui import (
    clinic,
    errors,
    heading,
    icons,
    keys,
    lists,
    places,
    visit_forms,
    visit_link,
    visit_list,
    visit_notes,
    words,
)

PAGE_SIZE = 24


def draw(who: Actor, visit: Visit) -> None:
    """Draw the visit with the ways back, to its images, and to more of them."""
    st.html(f"<style>\n{_sheet()}</style>")
    st.button(
        _("All visits"),
        key="all-visits",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=places.go,
        args=(places.Place(str(visit.patient_id)),),
    )
    heading.draw(visit_link.title(visit), visit_list.facts(visit), lambda: _buttons(who, visit))
    sees_note = clinic.may(who, Action.VISIT_EDIT)
    if not sees_note:
        _images(who, visit)
        return
    with st.container(key="visit-split", horizontal=True, gap="large"):
        with st.container(key="visit-note"):
            visit_notes.draw(who, visit)
        with st.container(key="visit-images"):
            _images(who, visit)


def _buttons(who: Actor, visit: Visit) -> None:
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        if clinic.may(who, Action.VISIT_EDIT):
            icons.button(
                "edit-visit", "edit_calendar", _("Edit visit"), visit_forms.ask_edit, visit,
                tip=_("Change the day or the clinician"),
            )  # fmt: skip
        if visit.image_count and clinic.may(who, Action.BATCH_DOWNLOAD):
            st.link_button(
                _("Download all images"),
                f"/api/v1/consultations/{visit.id}/images/download-all",
                key="icon-blue-download-visit",
                icon=":material/download:",
                type="tertiary",
                help=_("Download all images as a ZIP"),
            )
        if clinic.may(who, Action.IMAGE_UPLOAD):
            st.button(
                _("Add images"),
                key="add-images",
                icon=":material/add_photo_alternate:",
                type="primary",
                on_click=_add_images,
                args=(visit,),
            )


def _add_images(visit: Visit) -> None:
    with errors.kept():
        batch_id = clinic.services().visits.batch(clinic.actor(), visit.id)
        places.go(places.Place(str(visit.patient_id), batch_id), "images")


def _images(who: Actor, visit: Visit) -> None:
    st.subheader(_("Images"), anchor=False)
    if not visit.image_count:
        st.caption(_("No photographs were taken yet."))
        return
    name = keys.key("visit-images", visit.id)
    page = clinic.services().visit_images.list(who, visit.id, lists.turn(name, PAGE_SIZE))
    first = (page.page - 1) * page.page_size + 1
    tiles = [_tile(image, number, visit) for number, image in enumerate(page.items, start=first)]
    st.html(f'<div class="imgcore-tiles">{"".join(tiles)}</div>')
    _batches(visit)
    lists.pages(page, name)


def _tile(image: Image, number: int, visit: Visit) -> str:
    """Return a thumbnail that leads to its image, as HTML."""
    query = {"patient": image.patient_id, "batch": image.batch_id, "image": image.id}
    label = clinic.services().categories.label(image.category)
    alt = _("Image {number} of {name}: {category}").format(
        number=number, name=visit_link.title(visit), category=label
    )
    badge = f'<span class="imgcore-primary">★ {escape(_("Primary"))}</span>' if image.is_primary else ""
    source = f"/api/images/{image.id}/thumbnail/?v={image.edit_revision}"
    return (
        f'<a href="/?{escape(urlencode(query))}" target="_self">'
        f'<img src="{source}" loading="lazy" alt="{escape(alt)}">{badge}'
        f"<span>{escape(image.caption or label)}</span></a>"
    )


def _batches(visit: Visit) -> None:
    """Draw the way to each batch of the visit."""
    with st.container(horizontal=True, gap="small"):
        for batch_id in visit.batch_ids:
            batch = clinic.services().batches.get(clinic.actor(), batch_id)
            st.button(
                f"{words.literal(batch.name)} · {words.images(batch.image_count)}",
                key=keys.key("batch-link", batch.id),
                icon=":material/photo_library:",
                type="tertiary",
                on_click=places.go,
                args=(places.Place(str(batch.patient_id), batch.id), "images"),
            )


@cache
def _sheet() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
