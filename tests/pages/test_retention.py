"""The retention screen, and what administrators decide in the list of patients."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from imgcore.db.tables import Batch as BatchRow
from imgcore.db.tables import Image
from imgcore.db.tables import Patient as PatientRow
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.retention import NewHold, NewRule
from imgcore.errors import NotFound
from imgcore.ui import keys
from tests.pages.desks import Desk, banner, click, everything, said, submit, texts

LONG_AGO = datetime(2001, 2, 3, 10, tzinfo=UTC)


@pytest.fixture
def admin(desk: Desk) -> Desk:
    """A desk with an administrator at it."""
    desk.sign_in(Role.ADMIN)
    return desk


@pytest.fixture
def old(desk: Desk, mary: Patient, batch: Batch) -> Patient:
    """A patient who was last seen long ago, with two images."""
    desk.send(batch, 2)
    with desk.clinic.database.write() as session:
        session.get_one(PatientRow, mary.id).created_at = LONG_AGO
        session.get_one(BatchRow, batch.id).taken_on = LONG_AGO.date()
        for row in session.exec(select(Image)):
            row.uploaded_at = LONG_AGO
    return mary


def test_an_empty_clinic_has_nothing_due_no_rules_and_no_holds(admin: Desk) -> None:
    shown = texts(admin.open("retention"))
    assert "Nothing is past its time." in shown
    assert "There are no rules: everything is kept until somebody removes it." in shown
    assert "No patient is under a legal hold." in shown


def test_a_rule_is_added_changed_and_removed(admin: Desk) -> None:
    app = click(admin.open("retention"), "add-rule")
    app.number_input(key="retention-years").set_value(10)
    submit(app, "Add rule")
    assert "**All other images**" in texts(app)
    assert "go 10 years after the last visit" in texts(app)
    (rule,) = admin.services.retention.rules(system())
    click(app, f"icon-edit-{rule.id}")
    app.number_input(key="retention-years").set_value(12)
    submit(app, "Save")
    assert "go 12 years after the last visit" in texts(app)
    click(app, "add-rule")
    assert "All other images" not in app.selectbox(key="retention-category").options
    app.selectbox(key="retention-category").select_index(0)
    submit(app, "Add rule")
    assert app.error
    app.number_input(key="retention-years").set_value(1)
    submit(app, "Add rule")
    assert "go 1 year after the last visit" in texts(app)
    click(app, f"icon-red-remove-{rule.id}")
    click(app, "dialog-confirm")
    assert len(admin.services.retention.rules(system())) == 1


def test_what_is_due_is_shown_goes_to_the_trash_and_comes_back(admin: Desk, old: Patient) -> None:
    admin.services.retention.add(system(), NewRule(years=10))
    app = admin.open("retention")
    row = app.dataframe[0].value.iloc[0]
    assert (row["patient"], row["what"], row["images"], row["why"]) == (
        "M. K.", "everything, 1 batch", 2, "the rule of 10 years"
    )  # fmt: skip
    assert "Kowalski" not in everything(app)
    assert any(each.proto.url == "/api/retention/due/csv/" for each in app.get("link_button"))
    click(app, "retention-run")
    assert "**1 patient** with 2 images" in texts(app)
    click(app, "dialog-confirm")
    assert "1 patient with 2 images in the trash." in said(app)
    assert "Nothing is past its time." in texts(app)
    with pytest.raises(NotFound):
        admin.services.patients.get(system(), old.id)
    (undo,) = [each.key for each in app.button if each.key and each.key.startswith("undo-")]
    click(app, undo)
    assert admin.services.patients.counts(system(), old.id).images == 2
    assert len(app.dataframe) == 1


def test_what_is_held_is_listed_and_cannot_be_run(admin: Desk, old: Patient) -> None:
    admin.services.retention.add(system(), NewRule(years=10))
    admin.services.holds.set(system(), old.id, NewHold(reason="claim *12*"))
    app = admin.open("retention")
    assert list(app.dataframe[0].value["hold"]) == ["stays"]
    assert "retention-run" not in [each.key for each in app.button]
    assert "claim \\*12\\*" in texts(app)
    click(app, f"retention-lift-{old.id}")
    click(app, "dialog-confirm")
    assert "The legal hold was lifted." in said(app)
    assert "retention-run" in [each.key for each in app.button]


def test_a_hold_is_set_shown_and_stops_the_trash(admin: Desk, mary: Patient) -> None:
    app = click(admin.open("patients", patient=mary.id), f"icon-keeping-{mary.id}")
    submit(app, "Set the legal hold")
    assert app.error
    app.text_area(key="keeping-reason").set_value("claim")
    submit(app, "Set the legal hold")
    assert "Nothing of M. K., born 1961 can be removed any more." in said(app)
    assert "Legal hold" in everything(app)
    assert "Legal hold: nothing can be removed" in banner(app)
    click(app, f"icon-red-trash-{mary.id}")
    click(app, "dialog-confirm")
    assert "legal hold" in app.error[0].value
    click(app, f"icon-keeping-{mary.id}")
    assert app.button(key="keeping-erase").disabled
    click(app, "keeping-lift")
    click(app, "dialog-confirm")
    assert admin.services.holds.all(system()).items == ()


def test_a_patients_own_years_are_set(admin: Desk, mary: Patient) -> None:
    app = click(admin.open("patients"), f"icon-keeping-{mary.id}")
    app.number_input(key=f"keeping-years-{mary.id}").set_value(30)
    submit(app, "Save the years")
    assert admin.services.patients.get(system(), mary.id).retention_years == 30


def test_a_patient_is_erased_when_named_once_more(admin: Desk, old: Patient) -> None:
    app = click(admin.open("patients", patient=old.id), f"icon-keeping-{old.id}")
    click(app, "keeping-erase")
    assert "Backups, files that were downloaded" in app.warning[-1].value
    submit(app, ":red[Erase for good]")
    assert "Choose why" in app.error[0].value
    app.selectbox(key="erasure-why").set_value("asked")
    app.text_input(key="erasure-confirmation").set_value("Somebody")
    submit(app, ":red[Erase for good]")
    assert "neither the name nor the MRN" in app.error[0].value
    app.text_input(key="erasure-confirmation").set_value("4471")
    submit(app, ":red[Erase for good]")
    assert "The patient was erased with 2 images." in said(app)
    assert "patient" not in app.query_params
    app.toggle(key=keys.PRIVACY).set_value(False).run()
    assert "Kowalski" not in everything(app)


def test_clinicians_see_the_hold_and_decide_nothing(desk: Desk, mary: Patient) -> None:
    desk.services.holds.set(system(), mary.id, NewHold(reason="secret reason"))
    app = desk.open("patients", patient=mary.id)
    assert "Legal hold: nothing can be removed" in banner(app)
    assert "secret reason" not in everything(app)
    assert f"icon-keeping-{mary.id}" not in [each.key for each in app.button]


def test_a_patient_is_not_told_of_the_hold(desk: Desk, mary: Patient) -> None:
    desk.services.holds.set(system(), mary.id, NewHold(reason="secret reason"))
    desk.sign_in(Role.PATIENT, mary)
    shown = desk.open()
    assert "legal hold" not in everything(shown).casefold()
    assert "secret reason" not in everything(shown)
