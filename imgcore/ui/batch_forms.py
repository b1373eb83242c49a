"""The dialogs that make a batch, rename one, and put one into the trash."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import streamlit as st

from imgcore.domain.records import Batch
from imgcore.domain.values import EARLIEST, BatchFields, NewBatch, parse
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, places, words
from imgcore.ui.notices import Notice


def add_button(patient_id: UUID, place: str) -> None:
    """Draw the button that opens the form for a new batch."""
    st.button(
        _("New batch"),
        key=keys.key("new-batch", place),
        icon=":material/add:",
        type="primary",
        width="stretch" if place == "side" else "content",
        on_click=dialogs.ask,
        args=(_("New batch"), _new, patient_id),
    )


def ask_rename(batch: Batch) -> None:
    """Open the form with a batch's name and day; call it from ``on_click``."""
    dialogs.ask(_("Rename batch"), _rename, batch)


def ask_trash(batch: Batch) -> None:
    """Ask before a batch goes to the trash; call it from ``on_click``."""
    dialogs.ask(_("Move this batch to the trash?"), _trash, batch)


def _new(patient_id: UUID) -> None:
    taken_on = st.date_input(
        _("Taken on"),
        dates.today(),
        key=_key("day"),
        format=dates.PICKER,
        min_value=EARLIEST,
        max_value=dates.today(),
    )
    st.text_input(_("Name"), key=_key("name"), max_chars=255, placeholder=dates.day(taken_on))
    st.button(_("Create"), key=_key("create"), type="primary", on_click=_create, args=(patient_id,))


def _create(patient_id: UUID) -> None:
    with errors.kept():
        typed = st.session_state
        new = parse(NewBatch, name=typed[_key("name")].strip() or None, taken_on=typed[_key("day")])
        batch = clinic.services().batches.create(clinic.actor(), patient_id, new)
        places.go(places.Place(str(patient_id), batch.id), "images")
        dialogs.finish(Notice(_("Batch “{name}” was made.").format(name=batch.name)))


def _rename(batch: Batch) -> None:
    with st.form(_key("rename"), border=False):
        st.text_input(_("Name"), batch.name, key=_key("name", batch.id), max_chars=255)
        st.date_input(
            _("Taken on"),
            batch.taken_on,
            key=_key("day", batch.id),
            format=dates.PICKER,
            min_value=EARLIEST,
        )
        st.form_submit_button(_("Save"), type="primary", on_click=_save, args=(batch,))


def _save(batch: Batch) -> None:
    with errors.kept():
        name, day = (st.session_state[_key(each, batch.id)] for each in ("name", "day"))
        fields = parse(BatchFields, name=name, taken_on=day)
        batches = clinic.services().batches
        saved, change_id = batches.edit(clinic.actor(), batch.id, fields, version=batch.version)
        dialogs.finish(Notice(_("Saved: “{name}”.").format(name=saved.name), change_id))


def _trash(batch: Batch) -> None:
    st.markdown(
        _("**{name}** with {images}. For {days} days it can be restored.").format(
            name=words.literal(batch.name),
            images=words.images(batch.image_count),
            days=clinic.services().settings.trash_days,
        )
    )
    dialogs.confirm(_("Move to trash"), _discard, batch)


def _discard(batch: Batch) -> None:
    with errors.kept():
        change_id = clinic.services().trash.batch(clinic.actor(), batch.id)
        place = places.here()
        if place.batch == batch.id:
            places.go(replace(place, batch=None, image=None))
        dialogs.finish(Notice(_("“{name}” is in the trash.").format(name=batch.name), change_id))


def _key(*parts: object) -> str:
    return keys.key("batch", *parts)
