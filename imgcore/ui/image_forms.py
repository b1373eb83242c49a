"""The dialogs that change what is known of one image, or of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.records import Image
from imgcore.domain.values import EARLIEST, ImageFields, parse
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, suggestions, words
from imgcore.ui.notices import Notice

_FREE = ("body_location", "image_type")
_OF_MANY = ("date_taken", "laterality", *_FREE)
_OF_ONE = ("caption", "description", "is_primary", *_OF_MANY)


def ask_details(image_ids: Sequence[UUID]) -> None:
    """Open the form for one image, or for what several have in common; call it from a callback."""
    if len(image_ids) == 1:
        dialogs.ask(_("Edit details"), _one, image_ids[0])
    else:
        title = _("Change {images}").format(images=words.images(len(image_ids)))
        dialogs.ask(title, _many, tuple(image_ids))


def take_changed() -> bool:
    """Tell once whether a dialog has changed images since the last time."""
    return bool(st.session_state.pop(keys.IMAGES_CHANGED, False))


def _one(image_id: UUID) -> None:
    image = clinic.services().images.get(clinic.actor(), image_id)
    with st.form(_key("one"), border=False):
        st.text_input(_("Caption"), image.caption, key=_key("caption", image_id), max_chars=2000)
        _shared(image_id, image)
        st.text_area(_("Description"), image.description, key=_key("description", image_id), height=90)
        st.checkbox(_("Primary image of this batch"), image.is_primary, key=_key("is_primary", image_id))
        st.form_submit_button(_("Save"), type="primary", on_click=_save_one, args=(image,))


def _shared(owner: object, image: Image | None) -> None:
    left, right = st.columns(2)
    left.date_input(
        _("Date taken"),
        image.date_taken if image else None,
        key=_key("date_taken", owner),
        format=dates.PICKER,
        min_value=EARLIEST,
        max_value=dates.today(),
    )
    sides, here = suggestions.sides(), (image and image.laterality) or ""
    right.selectbox(
        _("Side"),
        list(sides),
        list(sides).index(here),
        key=_key("laterality", owner),
        format_func=lambda code: sides[code],
    )
    with left:
        location = image.body_location if image else ""
        _free_choice(_("Body location"), suggestions.body_locations(), location, _key("body_location", owner))
    with right:
        kind = image.image_type if image else ""
        _free_choice(_("Type"), suggestions.image_types(), kind, _key("image_type", owner))


def _free_choice(label: str, offered: list[str], own: str, key: str) -> None:
    """Draw a list to choose from, in which any other text can be typed as well."""
    options = ["", *suggestions.with_own(offered, own)]
    st.selectbox(
        label,
        options,
        options.index(own),
        key=key,
        accept_new_options=True,
        format_func=lambda text: text or "–",
        help=_("Choose one, or type another."),
    )


def _typed(owner: object, *names: str) -> dict[str, Any]:
    values = {name: st.session_state[_key(name, owner)] for name in names}
    if "laterality" in values:
        values["laterality"] = values["laterality"] or None
    return values


def _save_one(image: Image) -> None:
    with errors.kept():
        fields = parse(ImageFields, **_typed(image.id, *_OF_ONE))
        services = clinic.services()
        _saved, change_id = services.images.edit(clinic.actor(), image.id, fields, version=image.version)
        finish(_("Saved."), change_id)


def _many(image_ids: tuple[UUID, ...]) -> None:
    st.caption(_("What you leave empty stays as it is."))
    with st.form(_key("many"), border=False):
        _shared("many", None)
        st.form_submit_button(_("Save"), type="primary", on_click=_save_many, args=(image_ids,))


def _save_many(image_ids: tuple[UUID, ...]) -> None:
    with errors.kept():
        typed = _typed("many", *_OF_MANY)
        fields = parse(ImageFields, **{name: value for name, value in typed.items() if value})
        count, change_id = clinic.services().images.edit_many(clinic.actor(), image_ids, fields)
        finish(_("Changed: {images}.").format(images=words.images(count)), change_id)


def finish(text: str, change_id: UUID | None) -> None:
    """Close the dialog after images were changed, and say so."""
    st.session_state[keys.IMAGES_CHANGED] = True
    dialogs.finish(Notice(text, change_id))


def _key(*parts: object) -> str:
    return keys.key("image", *parts)
