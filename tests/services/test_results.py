from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from imgcore.db.journal import Event
from imgcore.db.tables import Analysis
from imgcore.domain import records
from imgcore.domain.access import Action, Role
from imgcore.errors import Conflict, Forbidden, NotFound
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


@dataclass(frozen=True)
class Case:
    """A patient with an image and an analysis of it."""

    patient: records.Patient
    batch: records.Batch
    image: records.Image
    result: Analysis


def insert(house: House, image: records.Image, **fields: Any) -> Analysis:
    """Write what an analysis would."""
    about: dict[str, Any] = {
        "patient_id": image.patient_id, "image_id": image.id, "analyser": "Skin check",
        "analyser_version": "1.2", "input_sha256": image.sha256, "risk_level": "low", "confidence": 0.9,
        "predictions": {"keratosis": 0.1, "naevus": 0.9}, "created_at": house.clock(),
        "updated_at": house.clock(),
    }  # fmt: skip
    row = Analysis(**(about | fields))
    with house.clinic.database.write() as session:
        session.add(row)
        session.flush()
        session.expunge(row)
    return row


def make_case(house: House, **fields: Any) -> Case:
    patient = house.patient()
    batch = house.batch(patient)
    image = house.images(batch.id)[0]
    return Case(patient, batch, image, insert(house, image, **fields))


@on_both
def test_a_patient_sees_what_was_released_and_nothing_else(clinic: House) -> None:
    case, results = make_case(clinic), clinic.services.results
    own = clinic.person(Role.PATIENT, patient_id=str(case.patient.id))
    second = insert(clinic, case.image, predictions={"psoriasis": 0.7})
    assert results.list(own, case.patient.id).items == ()
    assert [each.id for each in results.list(clinic.admin, case.patient.id).items] == [
        second.id,
        case.result.id,
    ]
    released = results.release(clinic.admin, case.result.id)
    assert (released.label, released.risk_level, released.released_at is None) == ("naevus", "low", False)
    assert results.list(own, case.patient.id).items == (released,)
    assert results.take_back(clinic.admin, case.result.id).released_at is None
    assert results.list(own, case.patient.id).items == ()
    lines = clinic.events(Event.action == Action.RESULT_RELEASE)
    assert [(line.outcome, line.patient_id) for line in lines] == [("done", case.patient.id)] * 2


def test_another_patients_results_do_not_exist(clinic: House) -> None:
    case, other = make_case(clinic), clinic.patient("Other")
    clinic.services.results.release(clinic.admin, case.result.id)
    stranger = clinic.person(Role.PATIENT, patient_id=str(other.id))
    with pytest.raises(NotFound):
        clinic.services.results.list(stranger, case.patient.id)
    for call in (clinic.services.results.release, clinic.services.results.take_back):
        with pytest.raises(Forbidden):
            call(stranger, case.result.id)


@on_both
def test_a_result_of_another_team_does_not_exist(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    case, stranger = make_case(house), house.person(Role.ADMIN)
    for call in (house.services.results.release, house.services.results.take_back):
        with pytest.raises(NotFound):
            call(stranger, case.result.id)
    assert house.rows(Analysis)[0].released_at is None
    assert house.events()[-1].outcome == "refused"


def test_an_analysis_that_failed_is_not_released(clinic: House) -> None:
    case = make_case(clinic, predictions=None, error="The model is not there.")
    with pytest.raises(Conflict):
        clinic.services.results.release(clinic.admin, case.result.id)


def test_the_result_of_a_picture_in_the_trash_is_gone(clinic: House) -> None:
    case = make_case(clinic)
    own = clinic.person(Role.PATIENT, patient_id=str(case.patient.id))
    clinic.services.results.release(clinic.admin, case.result.id)
    change_id = clinic.services.trash.images(clinic.admin, [case.image.id])
    for actor in (own, clinic.admin):
        assert clinic.services.results.list(actor, case.patient.id).items == ()
    with pytest.raises(NotFound):
        clinic.services.results.release(clinic.admin, case.result.id)
    clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.results.list(own, case.patient.id).total == 1


@on_both
def test_a_result_goes_along_when_its_picture_was_the_wrong_patients(clinic: House) -> None:
    """What was released to one patient is not shown to the next until somebody releases it anew."""
    case, right = make_case(clinic), clinic.patient("Right")
    results = clinic.services.results
    wrong_one, right_one = (
        clinic.person(Role.PATIENT, patient_id=str(each.id)) for each in (case.patient, right)
    )
    results.release(clinic.admin, case.result.id)
    clinic.services.batches.move(clinic.admin, case.batch.id, right.id, "Uploaded to the wrong patient")
    assert results.list(wrong_one, case.patient.id).items == ()
    assert results.list(right_one, right.id).items == ()
    assert results.list(clinic.admin, right.id).items[0].patient_id == right.id
    results.release(clinic.admin, case.result.id)
    assert [each.id for each in results.list(right_one, right.id).items] == [case.result.id]
