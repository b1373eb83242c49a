"""Care teams on the screens: who is in, who comes in an emergency, and the mark of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import Actor, Role
from imgcore.domain.records import Patient
from imgcore.domain.values import NewPatient
from tests.pages.desks import Desk, banner, click, everything, keyed, said, submit, texts

WHY = "Found unconscious on the ward"


@pytest.fixture
def teams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A clinic that works in care teams."""
    clinic = bootstrap.build(load_settings(data_dir=tmp_path / "data", access="care_team"))
    bootstrap.use(clinic)
    yield Desk(clinic, monkeypatch)
    bootstrap.use(None)
    clinic.close()


@pytest.fixture
def doctor(teams: Desk) -> Actor:
    """Who looks after the patient."""
    return teams.sign_in(Role.CLINICIAN)


@pytest.fixture
def ada(teams: Desk, doctor: Actor) -> Patient:
    """A patient of the doctor's."""
    return teams.services.patients.create(doctor, NewPatient(name="Ada Novak", mrn="10442"))


def test_a_colleague_is_added_and_taken_out(teams: Desk, doctor: Actor, ada: Patient) -> None:
    colleague = teams.sign_in(Role.ADMIN)
    teams.as_(doctor)
    app = teams.open("patients", patient=ada.id)
    assert app.expander[0].label == "Care team · 1 person"
    click(app, "add-member")
    app.selectbox(key="team-colleague").set_value(colleague.user_id).run()
    click(app, "team-add")
    assert "Some admin is in the care team." in said(app)
    click(app, f"icon-red-leave-{colleague.user_id}")
    click(app, "dialog-confirm")
    assert "Some admin is out of the care team." in said(app)
    click(app, f"icon-red-leave-{doctor.user_id}")
    click(app, "dialog-confirm")
    assert "Somebody has to look after this patient" in app.error[0].value


def test_emergency_access_is_asked_for_and_marked(teams: Desk, doctor: Actor, ada: Patient) -> None:
    teams.sign_in(Role.ADMIN)
    app = teams.open("patients")
    assert "Ada" not in everything(app)
    click(app, "emergency-page")
    assert "recorded" in app.warning[0].value
    app.text_input(key="team-number").set_value("10442")
    app.text_area(key="team-reason").set_value("urgent")
    submit(app, "Open the record")
    assert "at least 10 characters" in app.error[0].value.replace("\\", "")
    app.text_input(key="team-number").set_value("10443")
    app.text_area(key="team-reason").set_value(WHY)
    submit(app, "Open the record")
    assert "Nobody has exactly this number" in app.error[0].value
    app.text_input(key="team-number").set_value("10442")
    submit(app, "Open the record")
    assert "A. N." in banner(app)
    assert "Emergency access until" in banner(app)
    teams.as_(doctor)
    seen = teams.open("patients", patient=ada.id)
    assert "Emergency access by Some admin until" in banner(seen)
    assert seen.expander[0].label == "Care team · 1 person · emergency access"
    assert WHY in texts(seen)


def test_a_stranger_finds_nobody_and_the_way_in_an_emergency(teams: Desk, ada: Patient) -> None:
    teams.sign_in(Role.ADMIN)
    app = teams.open("images", patient=ada.id)
    assert "does not exist" in app.error[0].value
    app.text_input(key="find").set_value("10442").run()
    assert "Nobody found." in texts(app)
    assert keyed(app, "emergency-") == ["find"]


def test_a_clinic_without_teams_has_none_of_this(desk: Desk, mary: Patient) -> None:
    app = desk.open("patients", patient=mary.id)
    app.text_input(key="find").set_value("nobody").run()
    assert keyed(app, "emergency-") == []
    assert "Care team" not in everything(app)
