from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from imgcore.db.journal import Job
from imgcore.db.tables import Rendition
from imgcore.domain.access import Actor, Role, system
from imgcore.domain.jobs import JobState
from imgcore.errors import Invalid, NotFound
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both


def renew(house: House, actor: Actor | None = None, **options: Any) -> dict[str, Any]:
    """Let copies be made, and return what came of it."""
    job = house.services.jobs.start(actor or house.admin, "renditions", options)
    assert house.services.job_runs.run(system("worker"), job.id) is JobState.DONE
    result = house.rows(Job, Job.id == job.id)[0].result
    assert result is not None
    return result


def forget(house: House, image_id: UUID) -> None:
    """Lose the copies of an image, the objects and their rows."""
    rows = house.rows(Rendition, Rendition.image_id == image_id)
    house.clinic.store.delete([row.key for row in rows])
    with house.clinic.database.write() as session:
        for row in rows:
            session.delete(session.merge(row))


@on_both
def test_missing_copies_are_made_and_the_others_left_alone(clinic: House) -> None:
    batch = clinic.batch()
    lost, gone, whole = clinic.images(batch.id, 3)
    forget(clinic, lost.id)
    clinic.clinic.store.delete([gone.thumbnail_key])
    assert renew(clinic) == {"images": 3, "made": 2, "failed": 0, "failed_images": []}
    assert clinic.stored_keys() == clinic.named_keys()
    assert renew(clinic)["made"] == 0
    assert renew(clinic, again=True)["made"] == 3
    assert clinic.stored_keys() == clinic.named_keys()
    for each in (lost, gone, whole):
        assert clinic.services.files.thumbnail(system(), each.id).size > 0


def test_a_format_that_browsers_do_not_show_gets_a_display_copy(clinic: House) -> None:
    batch = clinic.batch()
    clinic.upload(batch.id, photo(1, kind="TIFF"))
    assert renew(clinic, batch_id=batch.id)["made"] == 1
    assert {row.kind for row in clinic.rows(Rendition)} == {"thumbnail", "display"}


def test_one_batch_or_one_patient_is_enough(clinic: House) -> None:
    patient = clinic.patient()
    one, other, elsewhere = clinic.batch(patient), clinic.batch(patient), clinic.batch()
    for number, batch in enumerate((one, other, elsewhere)):
        clinic.images(batch.id, 1, first=number)
    assert renew(clinic, batch_id=str(one.id), again=True)["images"] == 1
    assert renew(clinic, patient_id=str(patient.id), again=True)["images"] == 2
    assert renew(clinic, again=True)["images"] == 3
    with pytest.raises(Invalid):
        clinic.services.jobs.start(
            clinic.admin, "renditions", {"batch_id": str(one.id), "patient_id": str(patient.id)}
        )


def test_an_original_that_is_gone_is_named_and_its_neighbours_are_made(clinic: House) -> None:
    batch = clinic.batch()
    broken, fine = clinic.images(batch.id, 2)
    clinic.clinic.store.delete([broken.key])
    result = renew(clinic, again=True)
    assert (result["made"], result["failed"], result["failed_images"]) == (1, 1, [str(broken.id)])
    assert clinic.services.files.thumbnail(system(), fine.id).size > 0


def test_another_teams_images_are_left_alone(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    doctor, other = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    batch = house.batch(actor=doctor)
    house.images(batch.id, 1, doctor)
    with pytest.raises(NotFound):
        house.services.jobs.start(other, "renditions", {"batch_id": str(batch.id)})
    assert renew(house, other, again=True)["images"] == 0
    assert renew(house, doctor, again=True)["images"] == 1
