from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from imgcore.db.journal import Event
from imgcore.db.tables import CareTeam
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Role, system
from imgcore.domain.values import UserFields
from imgcore.errors import Conflict, Forbidden, ImgcoreError, Invalid, NotFound, TooManyTries
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both

WHY = "Found unconscious on the ward"


@pytest.fixture
def teams(open_clinic: Opens) -> House:
    """A clinic that works in care teams."""
    return open_clinic(access="care_team")


def _id(actor: Actor) -> UUID:
    assert actor.user_id is not None
    return actor.user_id


def _names(team: records.Team, actor: Actor) -> bool:
    return _id(actor) in {each.user_id for each in team.members}


def _sees(house: House, actor: Actor, patient: records.Patient) -> bool:
    return patient.id in {each.id for each in house.services.patients.find(actor).items}


def _lines(house: House, action: Action) -> list[tuple[str, UUID | None]]:
    return [(line.outcome, line.patient_id) for line in house.events(Event.action == action)]


@on_both
def test_a_member_lets_a_colleague_in_and_out(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    doctor, colleague = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    patient = house.patient(actor=doctor)
    before = house.services.teams.of_patient(doctor, patient.id)
    assert [each.user_id for each in before.members] == [doctor.user_id]
    assert colleague.user_id in {each.user_id for each in before.colleagues}
    team = house.services.teams.add(doctor, patient.id, _id(colleague))
    assert _names(team, colleague)
    assert _sees(house, colleague, patient)
    house.services.teams.remove(colleague, patient.id, _id(doctor))
    assert not _sees(house, doctor, patient)
    with pytest.raises(NotFound):
        house.services.teams.of_patient(doctor, patient.id)
    assert _lines(house, Action.TEAM_EDIT) == [("done", patient.id), ("done", patient.id)]


def test_the_last_who_looks_after_a_patient_stays(teams: House) -> None:
    doctor, guest = teams.person(Role.CLINICIAN), teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor, mrn="7")
    teams.services.teams.break_glass(guest, "7", WHY)
    with pytest.raises(Conflict):
        teams.services.teams.remove(doctor, patient.id, _id(doctor))
    closed = teams.person(Role.CLINICIAN)
    teams.services.teams.add(doctor, patient.id, _id(closed))
    teams.services.accounts.edit(teams.admin, _id(closed), UserFields(is_active=False))
    with pytest.raises(Conflict):
        teams.services.teams.remove(doctor, patient.id, _id(doctor))
    assert _sees(teams, doctor, patient)


def test_only_staff_with_an_open_account_joins(teams: House) -> None:
    doctor = teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor)
    reviewer = teams.person(Role.REVIEWER)
    own = teams.services.accounts
    closed = teams.person(Role.CLINICIAN)
    own.edit(teams.admin, _id(closed), UserFields(is_active=False))
    for user_id in (_id(reviewer), _id(closed), uuid4()):
        with pytest.raises(NotFound):
            teams.services.teams.add(doctor, patient.id, user_id)


def test_who_is_not_in_the_team_cannot_join_it(teams: House) -> None:
    doctor = teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor)
    for stranger in (teams.person(Role.CLINICIAN), teams.admin):
        calls: list[Callable[[], object]] = [
            lambda who=stranger: teams.services.teams.add(who, patient.id, _id(who)),  # type: ignore[misc]
            lambda who=stranger: teams.services.teams.remove(who, patient.id, _id(doctor)),  # type: ignore[misc]
            lambda who=stranger: teams.services.teams.of_patient(who, patient.id),  # type: ignore[misc]
        ]
        for call in calls:
            with pytest.raises(NotFound):
                call()
    assert len(teams.rows(CareTeam)) == 1


@on_both
def test_emergency_access_opens_one_patient_for_a_day(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    doctor, guest = house.person(Role.CLINICIAN), house.person(Role.ADMIN)
    patient, other = house.patient(actor=doctor, mrn="10442"), house.patient(actor=doctor, mrn="10443")
    image = house.images(house.batch(patient, doctor).id, actor=doctor)[0]
    found = house.services.teams.break_glass(guest, " 10442 ", WHY)
    assert (found.patient.id, _sees(house, guest, patient)) == (patient.id, True)
    assert not _sees(house, guest, other)
    url = house.services.files.link(guest, image.id, "display", 300)
    emergency = house.services.teams.emergencies(doctor, patient.id)[0]
    assert (emergency.user_id, emergency.reason, emergency.ends_at) == (guest.user_id, WHY, found.ends_at)
    assert timedelta(hours=23) < found.ends_at - house.clock() < timedelta(hours=25)
    house.clock.forward(hours=24)
    assert not _sees(house, guest, patient)
    for call in (
        lambda: house.services.patients.get(guest, patient.id),
        lambda: house.services.files.display(guest, image.id),
        lambda: house.services.downloads.batch(guest, image.batch_id),
    ):
        with pytest.raises(NotFound):
            call()
    assert url
    past = house.services.teams.of_patient(doctor, patient.id).members[-1]
    assert (past.user_id, past.is_active, past.reason) == (guest.user_id, False, WHY)
    assert house.services.teams.emergencies(doctor, patient.id) == ()


def test_a_patient_is_named_by_mrn_external_id_or_id_and_only_exactly(teams: House) -> None:
    doctor = teams.person(Role.CLINICIAN)
    patient = teams.patient("Ada Novak", doctor, mrn="MRN-7", external_id="his-77")
    for number in ("MRN-7", "his-77", str(patient.id)):
        found = teams.services.teams.break_glass(teams.person(Role.CLINICIAN), number, WHY)
        assert found.patient.id == patient.id
    guest = teams.person(Role.CLINICIAN)
    for number in ("", "MRN", "mrn-7", "MRN-7%", "Ada Novak", "his-7_", str(uuid4())):
        with pytest.raises(NotFound) as told:
            teams.services.teams.break_glass(guest, number, WHY)
        assert told.value.message == "Nobody has exactly this number."
    gone = teams.patient("Gone", doctor, mrn="8")
    teams.services.trash.patient(doctor, gone.id)
    with pytest.raises(NotFound):
        teams.services.teams.break_glass(guest, "8", WHY)


@on_both
def test_wrong_numbers_are_counted_for_each_person(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    doctor, guest = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    patient = house.patient(actor=doctor, mrn="7")
    for number in range(10):
        with pytest.raises(NotFound):
            house.services.teams.break_glass(guest, f"wrong {number}", WHY)
    with pytest.raises(TooManyTries) as told:
        house.services.teams.break_glass(guest, "7", WHY)
    assert told.value.retry_after == 900
    assert not _sees(house, guest, patient)
    assert _lines(house, Action.TEAM_BREAK_GLASS) == [("refused", None)] * 11
    colleague = house.person(Role.CLINICIAN)
    house.services.teams.break_glass(colleague, "7", WHY)
    assert _sees(house, colleague, patient)
    house.clock.forward(minutes=15)
    house.services.teams.break_glass(guest, "7", WHY)
    assert _sees(house, guest, patient)


def test_a_reason_is_needed_and_stays_out_of_the_audit(teams: House) -> None:
    doctor, guest = teams.person(Role.CLINICIAN), teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor, mrn="7")
    for short in ("", "   urgent   "):
        with pytest.raises(Invalid):
            teams.services.teams.break_glass(guest, "7", short)
    teams.services.teams.break_glass(guest, "7", WHY)
    with pytest.raises(Conflict):
        teams.services.teams.break_glass(doctor, "7", WHY)
    lines = _lines(teams, Action.TEAM_BREAK_GLASS)
    assert lines == [("refused", None), ("refused", None), ("done", patient.id), ("refused", patient.id)]
    assert "ward" not in str(teams.events())
    assert _sees(teams, doctor, patient)


def test_emergency_access_does_not_make_itself_last(teams: House) -> None:
    doctor, guest, friend = (teams.person(Role.CLINICIAN) for _each in range(3))
    patient = teams.patient(actor=doctor, mrn="7")
    teams.services.teams.break_glass(guest, "7", WHY)
    for user in (guest, friend):
        with pytest.raises(Forbidden):
            teams.services.teams.add(guest, patient.id, _id(user))
    with pytest.raises(Forbidden):
        teams.services.teams.remove(guest, patient.id, _id(doctor))
    team = teams.services.teams.add(doctor, patient.id, _id(guest))
    assert [each.ends_at for each in team.members] == [None, None]


def test_the_team_ends_an_emergency_access_at_once(teams: House) -> None:
    doctor, guest = teams.person(Role.CLINICIAN), teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor, mrn="7")
    teams.services.teams.break_glass(guest, "7", WHY)
    teams.services.teams.remove(doctor, patient.id, _id(guest))
    assert not _sees(teams, guest, patient)
    assert _names(teams.services.teams.of_patient(doctor, patient.id), guest)


def test_where_nobody_is_left_an_emergency_makes_a_new_team(teams: House) -> None:
    doctor, guest = teams.person(Role.CLINICIAN), teams.person(Role.CLINICIAN)
    patient = teams.patient(actor=doctor, mrn="7")
    teams.services.accounts.edit(system(), _id(doctor), UserFields(is_active=False))
    teams.services.teams.break_glass(guest, "7", WHY)
    teams.services.teams.add(guest, patient.id, _id(guest))
    teams.clock.forward(hours=25)
    assert _sees(teams, guest, patient)


def test_an_upload_sent_again_does_not_tell_of_a_picture_that_went_elsewhere(teams: House) -> None:
    """The same key answers what was stored under it, unless that is another team's by now."""
    doctor, colleague = teams.person(Role.CLINICIAN), teams.person(Role.CLINICIAN)
    patient, other = teams.patient(actor=doctor), teams.patient("Zebulon", actor=colleague)
    teams.services.teams.add(doctor, patient.id, _id(colleague))
    batch, target = teams.batch(patient, doctor), teams.batch(other, colleague)
    image = teams.upload(batch.id, photo(1), actor=doctor, key="k").uploaded[0].image
    assert teams.upload(batch.id, photo(1), actor=doctor, key="k").uploaded[0].image.id == image.id
    teams.services.images.move(colleague, [image.id], target.id, "Uploaded to the wrong patient")
    again = teams.upload(batch.id, photo(1), actor=doctor, key="k")
    assert (again.uploaded, [each.code for each in again.failed]) == ((), ["not_found"])


def test_a_clinic_without_teams_says_so(clinic: House) -> None:
    patient = clinic.patient(mrn="7")
    teams, who = clinic.services.teams, clinic.admin
    calls: list[Callable[[], object]] = [
        lambda: teams.of_patient(who, patient.id),
        lambda: teams.add(who, patient.id, _id(who)),
        lambda: teams.remove(who, patient.id, _id(who)),
        lambda: teams.break_glass(who, "7", WHY),
    ]
    for call in calls:
        with pytest.raises(ImgcoreError) as told:
            call()
        assert (told.value.code, "care teams" in told.value.message) == ("conflict", True)
    assert teams.emergencies(who, patient.id) == ()
