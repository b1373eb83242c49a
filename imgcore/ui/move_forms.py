"""The dialogs that move images, or a whole batch, to where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewBatch
from imgcore.errors import Invalid
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import clinic, dialogs, errors, image_forms, keys, places, privacy, words

_NEW = "new"


def ask_images(batch: Batch, image_ids: Sequence[UUID]) -> None:
    """Open the form that moves images to another batch or patient; call it from a callback."""
    title = _("Move {images}").format(images=words.images(len(image_ids)))
    dialogs.ask(title, _images, batch, tuple(image_ids))


def ask_batch(batch: Batch) -> None:
    """Open the form that moves a batch to the right patient; call it from a callback."""
    dialogs.ask(_("Move this batch to another patient"), _batch, batch)


def _images(batch: Batch, image_ids: tuple[UUID, ...]) -> None:
    target, owner = _choose_patient(batch, with_owner=True)
    if target is None:
        return
    there = clinic.services().batches.of_patient(clinic.actor(), target.id, turn=Turn(page_size=50)).items
    places_there = {_NEW: _("A new batch for the same day")}
    places_there |= {str(each.id): _named(each) for each in there if each.id != batch.id}
    chosen = st.selectbox(
        _("Batch"),
        list(places_there),
        key=_key("batch", target.id),
        format_func=lambda each: places_there[each],
    )
    if target.id != owner.id:
        _reason_box()
    arguments = (batch, image_ids, target, chosen)
    st.button(_("Move"), key=_key("do"), type="primary", on_click=_move_images, args=arguments)


def _batch(batch: Batch) -> None:
    target, _owner = _choose_patient(batch, with_owner=False)
    if target is None:
        return
    _reason_box()
    st.button(_("Move"), key=_key("do"), type="primary", on_click=_move_batch, args=(batch, target))


def _choose_patient(batch: Batch, *, with_owner: bool) -> tuple[Patient | None, Patient]:
    """Draw the search for a patient; return who is chosen, and whose the images are now."""
    who, services = clinic.actor(), clinic.services()
    owner = services.patients.get(who, batch.patient_id)
    text = st.text_input(
        _("Patient"), key=_key("find"), placeholder=_("Find: name, MRN, birth date"), live="300ms"
    )
    found = services.patients.find(who, text, Turn(page_size=8)).items if text and text.strip() else ()
    people = [*([owner] if with_owner else []), *(each for each in found if each.id != owner.id)]
    if not people:
        st.caption(_("Find the patient whose photographs these are."))
        return None, owner
    target = st.radio(
        _("To"),
        people,
        key=_key("patient", *(each.id for each in people)),
        format_func=_person,
        label_visibility="collapsed",
    )
    return target, owner


def _reason_box() -> None:
    st.text_input(
        _("Reason"), key=_key("reason"), max_chars=500, placeholder=_("Uploaded to the wrong patient")
    )


def _reason() -> str:
    reason = str(st.session_state.get(_key("reason")) or "").strip()
    if not reason:
        raise Invalid(_("Please say why the photographs go to another patient."))
    return reason


def _person(patient: Patient) -> str:
    """Return whom a choice is about, with the number: two people can share initials and a year."""
    return words.literal(" · ".join(filter(None, (privacy.shown(patient.name), privacy.details(patient)))))


def _named(batch: Batch) -> str:
    return f"{batch.name} · {words.images(batch.image_count)}"


def _move_images(batch: Batch, image_ids: tuple[UUID, ...], target: Patient, chosen: str) -> None:
    who, services = clinic.actor(), clinic.services()
    with errors.kept():
        reason = "" if target.id == batch.patient_id else _reason()
        if chosen == _NEW:
            batch_id = services.batches.create(who, target.id, NewBatch(taken_on=batch.taken_on)).id
        else:
            batch_id = UUID(chosen)
        count, change_id = services.images.move(who, image_ids, batch_id, reason)
        text = _("Moved: {images} to {person}.")
        image_forms.finish(text.format(images=words.images(count), person=privacy.person(target)), change_id)


def _move_batch(batch: Batch, target: Patient) -> None:
    with errors.kept():
        moved, change_id = clinic.services().batches.move(clinic.actor(), batch.id, target.id, _reason())
        places.go(places.Place(str(target.id), moved.id), "images")
        text = _("“{name}” now belongs to {person}.")
        image_forms.finish(text.format(name=batch.name, person=privacy.person(target)), change_id)


def _key(*parts: object) -> str:
    return keys.key("move", *parts)
