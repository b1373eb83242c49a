from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest

from imgcore.db.journal import Event
from imgcore.domain.access import TABLE, Action, Actor, Reach, Role, system, visitor
from imgcore.errors import Conflict, Forbidden, ImgcoreError, NotFound, Unauthenticated
from imgcore.services import Services
from imgcore.services.images import Filter
from imgcore.services.work import Service
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.other_calls import ELSEWHERE, OTHERS
from tests.services.patient_calls import CHANGING, SEARCHING, SEEING
from tests.services.scenes import Call, Scene, make_scene
from tests.services.test_work import public_methods

BY_ID: dict[str, Call] = SEEING | {name: call for name, (call, _changes) in CHANGING.items()}
# The last ones end the session or the password of who calls.
EVERYTHING = {**SEARCHING, **SEEING, **OTHERS, **BY_ID}


def actions(services: Services) -> dict[str, Action]:
    """Return what every method of every service performs, by its name as callers write it."""
    return {
        f"{field.name}.{name}": vars(method)["action"]
        for field in dataclasses.fields(services)
        if isinstance(service := getattr(services, field.name), Service)
        for name, method in public_methods(type(service))
    }


def test_these_tests_know_every_method(clinic: House) -> None:
    assert set(EVERYTHING) | ELSEWHERE == set(actions(clinic.services))


def outcome(call: Call, scene: Scene, actor: Actor) -> str:
    try:
        call(scene, actor)
    except ImgcoreError as error:
        return error.code
    return "done"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_table_says_and_no_more(clinic: House, role: Role) -> None:
    scene = make_scene(clinic)
    fields = {"patient_id": str(scene.patient.id)} if role is Role.PATIENT else {}
    actor = visitor() if role is Role.VISITOR else clinic.person(role, **fields)
    refusal = Unauthenticated.code if role is Role.VISITOR else Forbidden.code
    wrong = {}
    for name, action in actions(clinic.services).items():
        if name in ELSEWHERE:
            continue
        found = outcome(EVERYTHING[name], scene, actor)
        if (found == refusal) is not (TABLE[action][role] is Reach.NONE):
            wrong[name] = found
    assert wrong == {}


def test_a_patient_sees_their_own_record_and_no_other(clinic: House) -> None:
    scene = make_scene(clinic)
    own = clinic.person(Role.PATIENT, patient_id=str(scene.patient.id))
    other = clinic.person(Role.PATIENT, patient_id=str(scene.other.id))
    may = {
        name for name, action in actions(clinic.services).items() if TABLE[action][Role.PATIENT] is Reach.OWN
    }
    assert may.issuperset({"patients.get", "images.get", "files.original", "downloads.batch"})
    assert {name: outcome(SEEING[name], scene, own) for name in may & set(SEEING)} == dict.fromkeys(
        may & set(SEEING), "done"
    )
    assert {name: outcome(SEEING[name], scene, other) for name in may & set(SEEING)} == dict.fromkeys(
        may & set(SEEING), "not_found"
    )
    for actor, patient in ((own, scene.patient), (other, scene.other)):
        assert [each.id for each in clinic.services.patients.find(actor).items] == [patient.id]
        images = clinic.services.images.list(actor, Filter()).items
        assert {each.patient_id for each in images} <= {patient.id}


def test_what_lies_in_the_trash_is_not_shown_to_patients(clinic: House) -> None:
    scene = make_scene(clinic)
    own = clinic.person(Role.PATIENT, patient_id=str(scene.patient.id))
    for look in (
        clinic.services.files.thumbnail,
        clinic.services.files.display,
        clinic.services.files.original,
    ):
        with pytest.raises(NotFound):
            look(own, scene.trashed_image.id)
    assert clinic.services.files.thumbnail(clinic.admin, scene.trashed_image.id).size > 0
    with pytest.raises(NotFound):
        clinic.services.files.original(clinic.admin, scene.trashed_image.id)
    clinic.services.trash.patient(clinic.admin, scene.patient.id)
    assert clinic.services.patients.find(own).items == ()
    with pytest.raises(NotFound):
        clinic.services.patients.get(own, scene.patient.id)


def test_a_reviewer_sees_nothing_that_was_not_given(clinic: House) -> None:
    scene, reviewer = make_scene(clinic), clinic.person(Role.REVIEWER)
    assert {outcome(call, scene, reviewer) for call in SEEING.values()} == {"forbidden", "not_found"}
    assert clinic.services.images.list(reviewer, Filter()).items == ()


@on_both
def test_another_teams_patients_do_not_exist(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    scene = make_scene(clinic)
    for stranger in (clinic.person(Role.CLINICIAN), clinic.person(Role.ADMIN)):
        before = len(clinic.events())
        found = {name: outcome(call, scene, stranger) for name, call in BY_ID.items()}
        assert found == dict.fromkeys(BY_ID, "not_found")
        noted = [line for line in clinic.events()[before:] if line.outcome == "refused"]
        # An undo entry is found by whose it is, so another's is not even looked at.
        assert len(noted) == len(BY_ID) - 1
        assert {line.actor_id for line in noted} == {stranger.user_id}
        for name, call in SEARCHING.items():
            result = call(scene, stranger)
            items = result if isinstance(result, tuple) else result.items
            assert items == (), name


@on_both
def test_whoever_joins_the_team_sees_its_patient_alone(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    scene, colleague = make_scene(clinic), clinic.person(Role.CLINICIAN)
    clinic.join(colleague, scene.patient.id)
    assert {outcome(call, scene, colleague) for call in SEEING.values()} == {"done"}
    assert [each.id for each in clinic.services.patients.find(colleague).items] == [scene.patient.id]
    moves = {name for name in BY_ID if outcome(BY_ID[name], scene, colleague) == "not_found"}
    assert moves >= {"batches.move", "images.move"}


def test_a_membership_that_has_ended_shows_nothing(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    scene, guest = make_scene(clinic), clinic.person(Role.CLINICIAN)
    clinic.join(guest, scene.patient.id, ends_at=clinic.clock(), is_break_glass=True)
    assert {outcome(call, scene, guest) for call in SEEING.values()} == {"not_found"}


def test_undo_ends_with_the_membership(open_clinic: Opens) -> None:
    """Whoever left the team cannot change its patients by taking an old change back."""
    clinic = open_clinic(access="care_team")
    guest = clinic.person(Role.CLINICIAN)
    scene = make_scene(clinic)
    for patient in (scene.patient, scene.other):
        clinic.join(guest, patient.id, ends_at=clinic.clock())
    clinic.clock.forward(minutes=-1)
    images = [scene.image.id, clinic.images(scene.other_batch.id, 1, first=9)[0].id]
    change_id = clinic.services.trash.images(guest, images)
    clinic.clock.forward(minutes=1)
    with pytest.raises(NotFound):
        clinic.services.history.undo(guest, change_id)
    assert clinic.events()[-1].outcome == "refused"


def test_a_patient_belongs_to_the_team_of_who_adds_it(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor = clinic.person(Role.CLINICIAN)
    patient = clinic.patient(actor=doctor)
    assert clinic.services.patients.get(doctor, patient.id) == patient
    with pytest.raises(NotFound):
        clinic.services.patients.get(clinic.admin, patient.id)


def test_the_program_itself_sees_everything(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    scene = make_scene(clinic)
    may = {name: outcome(call, scene, system()) for name, call in SEEING.items() if name != "files.link"}
    assert set(may.values()) == {"done"}
    assert clinic.services.patients.find(system()).total == 2
    assert outcome(OTHERS["sweeps.run"], scene, system()) == "done"
    line = clinic.events(Event.action == "patient.see")[-1]
    assert line.actor_id is None


def test_only_an_administrator_is_the_program_without_an_account() -> None:
    nobody: UUID | None = None
    assert system().is_system
    assert not visitor().is_system
    assert not Actor(user_id=nobody, role=Role.CLINICIAN).is_system


def test_set_up_is_closed_once_it_is_done(clinic: House) -> None:
    with pytest.raises(Conflict):
        OTHERS["accounts.set_up"](make_scene(clinic), visitor())
