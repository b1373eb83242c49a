"""The frame: each role gets its screens, and the banner says whose record is open."""

from __future__ import annotations

from html import escape
from uuid import uuid4

import pytest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewPatient
from imgcore.ui import keys
from imgcore.ui.navigation import PAGES, SCREENS, screens_of
from tests.pages.desks import Desk, banner, click, everything, said, texts

ROLES = [Role.ADMIN, Role.CLINICIAN, Role.REVIEWER, Role.PATIENT]
NASTY = "<img src=x onerror=1>"


@pytest.mark.parametrize("role", ROLES)
def test_every_screen_opens_for_each_of_its_roles(desk: Desk, mary: Patient, role: Role) -> None:
    if role is not Role.CLINICIAN:
        desk.sign_in(role, mary if role is Role.PATIENT else None)
    for screen in screens_of(role):
        assert not desk.open(screen.name).error, screen.name


def test_roles_have_the_screens_that_are_for_them() -> None:
    for_patients = {"results"}
    rest = [screen.name for screen in SCREENS if screen.name not in for_patients]
    assert rest == [screen.name for screen in screens_of(Role.ADMIN)]
    assert "users" not in [screen.name for screen in screens_of(Role.CLINICIAN)]
    assert [screen.name for screen in screens_of(Role.REVIEWER)] == [
        "sets", "analyses", "dashboard", "account",
    ]  # fmt: skip
    assert [screen.name for screen in screens_of(Role.PATIENT)] == [
        "images", "visits", "results", "account",
    ]  # fmt: skip
    assert screens_of(Role.VISITOR) == ()


def test_what_is_for_administrators_alone_has_a_menu_of_its_own() -> None:
    found = {screen.name for screen in screens_of(Role.ADMIN) if screen.menu == "Administration"}
    assert found == {"users", "audit", "operations", "retention"}
    assert {screen.menu for role in (Role.CLINICIAN, Role.PATIENT) for screen in screens_of(role)} == {""}


def test_every_file_of_a_screen_is_in_the_menu() -> None:
    files = {path.stem for path in PAGES.glob("*.py")} - {"_frame"}
    assert files == {screen.name for screen in SCREENS}


def test_a_deep_link_opens_a_patient(desk: Desk, mary: Patient, batch: Batch) -> None:
    app = desk.open(patient=mary.id)
    assert "M. K." in banner(app)
    assert "born 1961 · MRN 4471" in banner(app)
    assert ">1 batch<" in banner(app)
    assert ">0 images<" in banner(app)


def test_a_link_to_a_batch_opens_its_patient(desk: Desk, batch: Batch) -> None:
    assert "M. K." in banner(desk.open(batch=batch.id))


def test_a_patient_who_is_not_there_is_said_and_leaves_the_url(desk: Desk) -> None:
    app = desk.open(patient=uuid4())
    assert [each.value for each in app.error] == ["This patient does not exist\\, or is in the trash\\."]
    assert app.query_params == {}


def test_a_patient_account_shows_its_own_record_whatever_the_url(desk: Desk, mary: Patient) -> None:
    other = desk.services.patients.create(system(), NewPatient(name="Zoe Zander"))
    desk.sign_in(Role.PATIENT, mary)
    app = desk.open(patient=other.id)
    assert "Mary Kowalski" in banner(app)
    assert "Zander" not in everything(app)


def test_the_patient_goes_along_to_other_screens(desk: Desk, mary: Patient) -> None:
    app = desk.open(patient=mary.id)
    app.query_params = {}
    app.switch_page("trash.py").run()
    assert "M. K." in banner(app)
    assert app.query_params == {"patient": str(mary.id)}


def test_two_patients_have_banners_of_different_colours(desk: Desk, mary: Patient) -> None:
    other = desk.services.patients.create(system(), NewPatient(name="Mary Kowalska"))
    first, second = banner(desk.open(patient=mary.id)), banner(desk.open(patient=other.id))
    stripe = "linear-gradient"
    colours = [text.partition(stripe)[2].partition('"')[0] for text in (first, second)]
    assert colours[0] != colours[1] or len(set(colours)) == 1, "one in 144"


@pytest.mark.parametrize("screen", ["images", "patients", "trash"])
def test_with_privacy_no_name_reaches_the_browser(desk: Desk, mary: Patient, screen: str) -> None:
    trashed = desk.services.patients.create(system(), NewPatient(name="Zoe Kowalski"))
    desk.services.trash.patient(system(), trashed.id)
    app = desk.open(screen, patient=mary.id)
    app.text_input(key=keys.FIND).set_value("4471").run()
    if screen == "trash":
        app.segmented_control(key=keys.TRASH_KIND).set_value("patient").run()
        assert "**Z\\. K\\.**" in texts(app)
    assert "M. K." in everything(app)
    assert "Kowalski" not in everything(app)


def test_without_privacy_names_and_birth_dates_are_shown(desk: Desk, mary: Patient) -> None:
    app = desk.open(patient=mary.id)
    app.toggle(key=keys.PRIVACY).set_value(False).run()
    assert "Mary Kowalski" in banner(app)
    assert "born 12 May 1961" in banner(app)


def test_a_notice_with_a_name_goes_when_names_are_hidden(desk: Desk, mary: Patient) -> None:
    app = desk.open("patients")
    app.toggle(key=keys.PRIVACY).set_value(False).run()
    click(app, f"icon-red-trash-{mary.id}")
    click(app, "dialog-confirm")
    assert "Mary Kowalski" in said(app)
    app.toggle(key=keys.PRIVACY).set_value(True).run()
    assert "Kowalski" not in everything(app)


def test_a_name_is_text_whatever_it_holds(desk: Desk) -> None:
    patient = desk.services.patients.create(system(), NewPatient(name=NASTY))
    for screen in ("images", "patients"):
        app = desk.open(screen, patient=patient.id)
        app.toggle(key=keys.PRIVACY).set_value(False).run()
        assert escape(NASTY) in banner(app)
        assert NASTY not in everything(app)
