"""The users page: who is let in, by which link, and who no longer is."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Patient, User
from imgcore.domain.values import NewPatient
from tests.pages.desks import Desk, click, everything, said, texts


@pytest.fixture
def users(desk: Desk) -> AppTest:
    """The page, opened by an administrator."""
    desk.sign_in(Role.ADMIN)
    return desk.open("users")


def _clinician(desk: Desk) -> User:
    return next(user for user in desk.services.accounts.all(system()).items if user.role is Role.CLINICIAN)


def _choose(app: AppTest, user: User, option: str) -> None:
    app.menu_button(key=f"icon-menu-{user.id}").click(option).run()


def _add(app: AppTest, role: Role) -> None:
    click(app, "add-user")
    app.text_input(key="user-name").set_value("Dr Lee")
    app.text_input(key="user-email").set_value("Lee@clinic.example")
    app.selectbox(key="user-role").set_value(role).run()
    click(app, "user-create")


def test_a_person_is_added_with_a_link_that_is_shown_once(desk: Desk, users: AppTest) -> None:
    _add(users, Role.REVIEWER)
    link = users.code[0].value
    assert link.startswith("http://clinic.example/auth/link/")
    owner = desk.services.sign_in.link_owner(system(), link.rpartition("/")[2])
    assert owner == "lee@clinic.example"
    click(users, "user-done")
    assert link not in everything(users)
    assert "**Dr Lee**" in texts(users)


def test_an_address_that_is_taken_is_said(users: AppTest) -> None:
    _add(users, Role.CLINICIAN)
    click(users, "user-done")
    _add(users, Role.CLINICIAN)
    assert "Somebody already has this e\\-mail address" in users.error[0].value


def test_a_patient_account_belongs_to_the_open_patient(desk: Desk, mary: Patient) -> None:
    desk.sign_in(Role.ADMIN)
    app = desk.open("users", patient=mary.id)
    _add(app, Role.PATIENT)
    people = desk.services.accounts.all(system()).items
    assert [user.patient_id for user in people if user.role is Role.PATIENT] == [mary.id]


def test_without_an_open_patient_there_is_no_patient_account(desk: Desk, users: AppTest) -> None:
    _add(users, Role.PATIENT)
    assert "Find the patient first" in users.error[0].value
    assert all(user.role is not Role.PATIENT for user in desk.services.accounts.all(system()).items)


def test_the_record_of_a_patient_account_is_found_shown_and_changed(desk: Desk, mary: Patient) -> None:
    zoe = desk.services.patients.create(system(), NewPatient(name="Zoe Zander", mrn="99"))
    desk.sign_in(Role.ADMIN)
    app = desk.open("users")
    click(app, "add-user")
    app.text_input(key="user-name").set_value("Mary K")
    app.text_input(key="user-email").set_value("mary@home.example")
    app.selectbox(key="user-role").set_value(Role.PATIENT).run()
    app.text_input(key="user-find").set_value("4471").run()
    click(app, "user-create")
    click(app, "user-done")
    user = next(each for each in desk.services.accounts.all(system()).items if each.role is Role.PATIENT)
    assert user.patient_id == mary.id
    assert "Sees the record of M\\. K\\.\\, born 1961" in texts(app)
    _choose(app, user, "record")
    app.text_input(key="user-find").set_value("99").run()
    click(app, "user-save")
    user = next(each for each in desk.services.accounts.all(system()).items if each.role is Role.PATIENT)
    assert user.patient_id == zoe.id
    assert "The record of M. K. was changed." in said(app)
    assert "mary@home" not in everything(app)
    assert "Sees the record of Z\\. Z\\." in texts(app)


def test_a_role_is_changed(desk: Desk, users: AppTest) -> None:
    user = _clinician(desk)
    _choose(users, user, "role")
    users.selectbox(key="user-role").set_value(Role.REVIEWER).run()
    click(users, "user-save")
    assert "is now: Reviewer." in said(users)
    assert all(each.role is not Role.CLINICIAN for each in desk.services.accounts.all(system()).items)


def test_an_account_is_closed_and_opened_again(desk: Desk, users: AppTest) -> None:
    user = _clinician(desk)
    _choose(users, user, "close")
    click(users, "dialog-confirm")
    assert not _clinician(desk).is_active
    _choose(users, user, "open")
    assert _clinician(desk).is_active


def test_a_new_link_is_made_for_somebody(desk: Desk, users: AppTest) -> None:
    user = _clinician(desk)
    _choose(users, user, "link")
    token = users.code[0].value.rpartition("/")[2]
    assert desk.services.sign_in.link_owner(system(), token) == user.email


def test_nobody_locks_themselves_out(users: AppTest, desk: Desk) -> None:
    admin = next(each for each in desk.services.accounts.all(system()).items if each.role is Role.ADMIN)
    assert f"icon-menu-{admin.id}" not in everything(users)
