"""The trash: what was thrown away, until when it can be restored, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from imgcore.domain.access import Action
from imgcore.domain.records import TrashItem
from imgcore.texts import _
from imgcore.ui import (
    clinic,
    dates,
    erasure_forms,
    errors,
    heading,
    keys,
    lists,
    places,
    privacy,
    thumbnails,
    words,
)
from imgcore.ui.notices import Notice, keep

PAGE_SIZE = 20


def main() -> None:
    """Draw what lies in the trash, one kind at a time."""
    days = clinic.services().settings.trash_days
    heading.draw(_("Trash"), _("can be restored for {days} days, then goes for good").format(days=days))
    kinds = {"batch": _("Batches"), "image": _("Images"), "patient": _("Patients")}
    kind = st.segmented_control(
        _("Kind"),
        list(kinds),
        default="batch",
        format_func=lambda each: kinds[each],
        key=keys.TRASH_KIND,
        label_visibility="collapsed",
        required=True,
    )
    name = keys.key("trash", kind)
    page = clinic.services().trash.list(clinic.actor(), kind or "batch", turn=lists.turn(name, PAGE_SIZE))
    with st.container(gap=None):
        for item in page.items:
            _row(item)
    if not page.items:
        _empty(kind or "batch")
    lists.pages(page, name)


def _empty(kind: str) -> None:
    texts = {
        "batch": _("No batch is in the trash."),
        "image": _("No image is in the trash by itself."),
        "patient": _("No patient is in the trash."),
    }
    st.markdown(texts[kind])
    st.button(_("Back to the images"), key="to-images", on_click=_to_images)


def _to_images() -> None:
    places.go(places.here(), "images")


def _row(item: TrashItem) -> None:
    with st.container(
        key=keys.key("row", item.id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        if item.cover_ids:
            st.html(thumbnails.strip(item.cover_ids, _title(item)), width="content")
        with st.container(gap=None):
            st.markdown(f"**{words.literal(_title(item))}**")
            st.caption(words.literal(_facts(item)))
        with st.container(horizontal=True, width="content", gap="small"):
            _buttons(item)


def _buttons(item: TrashItem) -> None:
    st.button(
        _("Restore"),
        key=keys.key("restore", item.id),
        icon=":material/restore_from_trash:",
        on_click=_restore,
        args=(item,),
    )
    if item.kind == "patient" and clinic.may(clinic.actor(), Action.PATIENT_ERASE):
        st.button(
            ":red[" + _("Erase for good") + "]",
            key=keys.key("erase", item.id),
            icon=":material/delete_forever:",
            on_click=erasure_forms.ask,
            args=(item,),
        )


def _title(item: TrashItem) -> str:
    return privacy.shown(item.name) if item.kind == "patient" else item.name


def _facts(item: TrashItem) -> str:
    parts = [] if item.kind == "patient" else [privacy.shown(item.patient_name)]
    if item.kind != "image":
        parts.append(words.images(item.image_count))
    parts.append(_("put here {when}").format(when=dates.moment(item.trashed_at)))
    if item.trashed_by:
        parts[-1] += " " + _("by {name}").format(name=item.trashed_by)
    parts.append(_("goes on {day}").format(day=dates.day(item.gone_at.astimezone(dates.zone()).date())))
    return " · ".join(parts)


def _restore(item: TrashItem) -> None:
    with errors.kept():
        trash, who = clinic.services().trash, clinic.actor()
        ways: dict[str, Callable[[], None]] = {
            "patient": lambda: trash.restore_patient(who, item.patient_id),
            "batch": lambda: trash.restore_batch(who, item.id),
            "image": lambda: trash.restore_images(who, [item.id]),
        }
        ways[item.kind]()
        keep(Notice(_("Restored: {name}.").format(name=_title(item))))


main()
