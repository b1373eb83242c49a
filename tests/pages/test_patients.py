"""The patients page: find, change, throw away, bring back."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from streamlit.testing.v1 import AppTest

from imgcore.domain.access import system
from imgcore.domain.records import Consent, Patient
from imgcore.domain.values import NewPatient, PatientFields
from tests.pages.desks import Desk, banner, click, keyed, said, submit, texts


def test_a_clinic_without_patients_says_so(desk: Desk) -> None:
    app = desk.open("patients")
    assert "There are no patients yet." in texts(app)
    assert app.button(key="add-patient-page").label == "Add patient"


def test_the_list_is_searched(desk: Desk, mary: Patient) -> None:
    zoe = desk.services.patients.create(system(), NewPatient(name="Zoe Zander"))
    app = desk.open("patients")
    assert _listed(app) == [mary.id, zoe.id]
    app.text_input(key="search-patients").set_value("zander").run()
    assert _listed(app) == [zoe.id]
    app.text_input(key="search-patients").set_value("nobody").run()
    assert "Nobody has this" in texts(app)
    click(app, "clear-patients")
    assert _listed(app) == [mary.id, zoe.id]


def test_a_name_opens_the_patients_images(desk: Desk, mary: Patient) -> None:
    app = click(desk.open("patients"), f"name-{mary.id}")
    assert app.query_params == {"patient": str(mary.id)}
    assert "M. K." in banner(app)
    assert app.button(key="new-batch-main").label == "New batch"


def test_a_patient_is_changed(desk: Desk, mary: Patient) -> None:
    app = click(desk.open("patients"), f"icon-edit-{mary.id}")
    app.text_input(key=f"patient-name-{mary.id}").set_value("Mary Nowak")
    app.text_input(key=f"patient-mrn-{mary.id}").set_value("")
    app.date_input(key=f"patient-consent_teaching-given-{mary.id}").set_value(date(2025, 1, 2))
    submit(app, "Save")
    changed = desk.services.patients.get(system(), mary.id)
    assert (changed.name, changed.mrn, changed.birth_on) == ("Mary Nowak", None, mary.birth_on)
    assert changed.consent_teaching == Consent(given_on=date(2025, 1, 2))
    assert "Saved: M. N., born 1961." in said(app)


def test_a_change_by_somebody_else_is_not_overwritten(desk: Desk, mary: Patient) -> None:
    app = click(desk.open("patients"), f"icon-edit-{mary.id}")
    desk.services.patients.edit(system(), mary.id, PatientFields(name="Mary Nowak"))
    app.text_input(key=f"patient-mrn-{mary.id}").set_value("1")
    submit(app, "Save")
    assert "changed" in app.error[0].value
    assert desk.services.patients.get(system(), mary.id).mrn == "4471"


def test_a_patient_goes_to_the_trash_and_comes_back(desk: Desk, mary: Patient) -> None:
    app = desk.open("patients", patient=mary.id)
    click(app, f"icon-red-trash-{mary.id}")
    assert "with 0 batches and 0 images" in texts(app)
    click(app, "dialog-confirm")
    assert (_listed(app), banner(app), app.query_params) == ([], "", {})
    submit(app, "Undo")
    assert _listed(app) == [mary.id]


def _listed(app: AppTest) -> list[UUID]:
    return [UUID(each) for each in keyed(app, "icon-edit-")]
