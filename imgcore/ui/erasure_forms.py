"""The dialog that erases a patient for good, from the list of patients and from the trash."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from imgcore.domain.records import Patient, TrashItem
from imgcore.domain.retention import NewErasure, whys
from imgcore.domain.values import parse
from imgcore.errors import Invalid
from imgcore.texts import _
from imgcore.ui import clinic, dialogs, errors, keys, places, privacy, words
from imgcore.ui.notices import Notice


def ask(found: Patient | TrashItem) -> None:
    """Ask before a patient is erased, in the trash or not; call it from ``on_click``."""
    dialogs.ask(_("Erase this patient for good?"), _erase, found)


def _erase(found: Patient | TrashItem) -> None:
    st.markdown(_about(found))
    st.warning(
        _(
            "This cannot be undone, and nothing goes to the trash. Backups, files that were downloaded "
            "and what other patients’ notes say are out of reach. The record of access stays, "
            "without names."
        ),
        icon=":material/warning:",
    )
    with st.form(_key("form"), border=False):
        st.selectbox(
            _("Why"), list(whys()), None, key=_key("why"), format_func=lambda each: whys()[each],
            placeholder=_("Choose a reason"),
        )  # fmt: skip
        st.text_input(
            _("The patient’s name or MRN, typed once more"), key=_key("confirmation"), max_chars=255,
            autocomplete="off",
        )  # fmt: skip
        st.form_submit_button(
            ":red[" + _("Erase for good") + "]",
            icon=":material/delete_forever:",
            on_click=_gone,
            args=(found.id,),
        )


def _about(found: Patient | TrashItem) -> str:
    """Return who goes, with how much; what is in the trash was counted there."""
    if isinstance(found, TrashItem):
        text = _("**{person}** with {images}, visits, notes and account.")
        return text.format(
            person=words.literal(privacy.shown(found.name)), images=words.images(found.image_count)
        )
    counts = clinic.services().patients.counts(clinic.actor(), found.id)
    return _("**{person}** with {batches}, {images}, visits, notes and account.").format(
        person=words.literal(privacy.person(found)),
        batches=words.batches(counts.batches),
        images=words.images(counts.images),
    )


def _gone(patient_id: UUID) -> None:
    with errors.kept():
        typed, why = st.session_state[_key("confirmation")], st.session_state[_key("why")]
        if why is None:
            raise Invalid(_("Choose why the patient is erased."))
        if not typed.strip():
            raise Invalid(_("Type the name or the MRN of the patient."))
        new = parse(NewErasure, confirmation=typed, reason=why)
        erased = clinic.services().erasure.patient(clinic.actor(), patient_id, new)
        if places.here().patient == str(patient_id):
            places.go(places.Place())
        images = words.images(erased.images)
        text = _("The patient was erased with {images}.").format(images=images)
        if not erased.is_finished:
            text = _("The patient was erased; what is left of {images} goes within minutes.").format(
                images=images
            )
        dialogs.finish(Notice(text))


def _key(*parts: object) -> str:
    return keys.key("erasure", *parts)
