"""The dialogs that add a patient, change one, and put one into the trash."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.records import Consent, Patient
from imgcore.domain.values import EARLIEST, NewPatient, PatientFields, parse
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, places, privacy, words
from imgcore.ui.notices import Notice

_CONSENTS = ("consent_record", "consent_teaching", "consent_publication")
_TYPED = ("name", "mrn", "birth_on", "sex", "external_id", "notes")


def add_button(place: str, label: str | None = None) -> None:
    """Draw the button that opens the form for a new patient."""
    st.button(
        label or _("Add patient"),
        key=keys.key("add-patient", place),
        icon=":material/person_add:",
        type="primary",
        on_click=ask_new,
    )


def ask_new() -> None:
    """Open the form for a new patient; call it from ``on_click``."""
    dialogs.ask(_("Add patient"), _new)


def ask_edit(patient: Patient) -> None:
    """Open the form with a patient's data; call it from ``on_click``."""
    dialogs.ask(_("Edit patient"), _edit, patient)


def ask_trash(patient: Patient) -> None:
    """Ask before a patient goes to the trash; call it from ``on_click``."""
    dialogs.ask(_("Move this patient to the trash?"), _trash, patient)


def _new() -> None:
    with st.form(_key("new"), border=False):
        _fields(None)
        st.form_submit_button(_("Add patient"), type="primary", on_click=_create)


def _create() -> None:
    with errors.kept():
        new = parse(NewPatient, **_typed(None))
        patient = clinic.services().patients.create(clinic.actor(), new)
        places.go(places.Place(patient=str(patient.id)), "images")
        dialogs.finish(Notice(_("{person} was added.").format(person=privacy.person(patient))))


def _edit(patient: Patient) -> None:
    with st.form(_key("edit"), border=False):
        _fields(patient)
        with st.expander(_("Consents")):
            st.caption(_("Once withdrawn, the pictures leave image sets and links of that purpose at once."))
            for consent in _CONSENTS:
                _consent_fields(patient, consent)
        st.form_submit_button(_("Save"), type="primary", on_click=_save, args=(patient,))


def _save(patient: Patient) -> None:
    with errors.kept():
        given = _typed(patient) | {each: _typed_consent(patient, each) for each in _CONSENTS}
        fields = parse(PatientFields, **given)
        services = clinic.services()
        saved, change_id = services.patients.edit(clinic.actor(), patient.id, fields, version=patient.version)
        text = _("Saved: {person}.").format(person=privacy.person(saved))
        dialogs.finish(Notice(text, change_id))


def _trash(patient: Patient) -> None:
    counts = clinic.services().patients.counts(clinic.actor(), patient.id)
    st.markdown(
        _("**{person}** with {batches} and {images}. For {days} days everything can be restored.").format(
            person=words.literal(privacy.person(patient)),
            batches=words.batches(counts.batches),
            images=words.images(counts.images),
            days=clinic.services().settings.trash_days,
        )
    )
    dialogs.confirm(_("Move to trash"), _discard, patient)


def _discard(patient: Patient) -> None:
    with errors.kept():
        change_id = clinic.services().trash.patient(clinic.actor(), patient.id)
        if places.here().patient == str(patient.id):
            places.go(places.Place())
        text = _("{person} is in the trash.").format(person=privacy.person(patient))
        dialogs.finish(Notice(text, change_id))


def _fields(patient: Patient | None) -> None:
    owner = patient.id if patient else "new"
    st.text_input(_("Name"), patient.name if patient else "", key=_key("name", owner), max_chars=255)
    left, right = st.columns(2)
    left.text_input(_("MRN"), (patient and patient.mrn) or "", key=_key("mrn", owner), max_chars=64)
    right.date_input(
        _("Birth date"),
        patient.birth_on if patient else None,
        key=_key("birth_on", owner),
        format=dates.PICKER,
        min_value=EARLIEST,
        max_value=dates.today(),
    )
    left, right = st.columns(2)
    sexes = _sexes()
    left.selectbox(
        _("Sex"),
        list(sexes),
        list(sexes).index(patient.sex) if patient else 0,
        format_func=lambda each: sexes[each],
        key=_key("sex", owner),
    )
    external = (patient and patient.external_id) or ""
    right.text_input(_("External id"), external, key=_key("external_id", owner), max_chars=64)
    st.text_area(_("Notes"), patient.notes if patient else "", key=_key("notes", owner), height=80)


def _consent_fields(patient: Patient, name: str) -> None:
    consent: Consent = getattr(patient, name)
    left, right = st.columns(2)
    left.date_input(
        _("{purpose}: given on").format(purpose=_purposes()[name]),
        consent.given_on,
        key=_key(name, "given", patient.id),
        format=dates.PICKER,
        max_value=dates.today(),
        min_value=EARLIEST,
    )
    right.date_input(
        _("Withdrawn on"),
        consent.withdrawn_on,
        key=_key(name, "withdrawn", patient.id),
        format=dates.PICKER,
        max_value=dates.today(),
        min_value=EARLIEST,
    )


def _typed(patient: Patient | None) -> dict[str, Any]:
    owner: UUID | str = patient.id if patient else "new"
    return {name: st.session_state[_key(name, owner)] for name in _TYPED}


def _typed_consent(patient: Patient, name: str) -> dict[str, date | None]:
    parts = {"given_on": "given", "withdrawn_on": "withdrawn"}
    return {field: st.session_state[_key(name, part, patient.id)] for field, part in parts.items()}


def _sexes() -> dict[str, str]:
    return {"unknown": _("Not known"), "female": _("Female"), "male": _("Male"), "other": _("Other")}


def _purposes() -> dict[str, str]:
    return {
        "consent_record": _("Medical record"),
        "consent_teaching": _("Teaching"),
        "consent_publication": _("Publication"),
    }


def _key(*parts: object) -> str:
    return keys.key("patient", *parts)
