from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from imgcore.db.tables import Batch
from imgcore.db.tables import Visit as VisitRow
from imgcore.domain import records
from imgcore.domain.access import Actor, Role, system
from imgcore.domain.values import BatchFields, ImageFields, NewBatch, NewVisit, VisitFields
from imgcore.errors import Conflict, Invalid, NotFound, Stale
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both


def visit_of(
    clinic: House, patient: records.Patient | None = None, actor: Actor | None = None, **fields: object
) -> records.Visit:
    who = actor or clinic.admin
    owner = patient or clinic.patient(actor=who)
    return clinic.services.visits.create(who, owner.id, NewVisit.model_validate(fields))


def batch_in(clinic: House, visit: records.Visit, name: str = "Check-up") -> records.Batch:
    new = NewBatch(name=name, visit_id=visit.id)
    return clinic.services.batches.create(clinic.admin, visit.patient_id, new)


@pytest.mark.usefixtures("sydney")
def test_a_visit_is_of_today_and_of_who_adds_it(clinic: House) -> None:
    clinic.clock._now = datetime(2025, 11, 5, 21, 30, tzinfo=UTC)
    doctor = clinic.person(Role.CLINICIAN)
    visit = visit_of(clinic, actor=doctor)
    assert (visit.visited_on, visit.clinician_id) == (date(2025, 11, 6), doctor.user_id)
    assert (visit.clinician_name, visit.note) == ("Some clinician", "")
    assert (visit.images_taken, visit.image_count, visit.batch_ids) == (False, 0, ())
    assert visit_of(clinic, actor=system()).clinician_id is None


def test_the_clinician_of_a_visit_is_one(clinic: House) -> None:
    doctor, reviewer = clinic.person(Role.CLINICIAN), clinic.person(Role.REVIEWER)
    visit = visit_of(clinic, clinician_id=doctor.user_id)
    assert visit.clinician_id == doctor.user_id
    for nobody in (reviewer.user_id, uuid4()):
        with pytest.raises(Invalid):
            visit_of(clinic, clinician_id=nobody)
        with pytest.raises(Invalid):
            clinic.services.visits.edit(clinic.admin, visit.id, VisitFields(clinician_id=nobody))
    assert clinic.services.visits.clinicians(doctor) == {
        clinic.admin.user_id: "Some admin",
        doctor.user_id: "Some clinician",
    }


@on_both
def test_visits_are_listed_by_day_the_newest_first(clinic: House) -> None:
    patient, other = clinic.patient(), clinic.patient("Bo Lind")
    days = [date(2025, 3, day) for day in (4, 1, 9, 4)]
    for day in days:
        visit_of(clinic, patient, visited_on=day)
    elsewhere = visit_of(clinic, other, visited_on=date(2025, 3, 5))
    see = clinic.services.visits.list
    listed = see(clinic.admin, patient.id, Turn(page_size=2))
    rest = see(clinic.admin, patient.id, Turn(cursor=listed.next_cursor))
    assert [each.visited_on for each in listed.items + rest.items] == sorted(days, reverse=True)
    assert listed.total == 4
    assert [each.visited_on.day for each in see(clinic.admin).items] == [9, 5, 4, 4, 1]
    clinic.services.trash.patient(clinic.admin, other.id)
    assert see(clinic.admin).total == 4
    with pytest.raises(NotFound):
        clinic.services.visits.get(clinic.admin, elsewhere.id)


def test_what_a_list_tells_takes_as_many_queries_for_many_visits(clinic: House) -> None:
    patient, counts = clinic.patient(), []
    for _ in range(2):
        for _ in range(3):
            clinic.images(batch_in(clinic, visit_of(clinic, patient)).id)
        with clinic.statements() as statements:
            clinic.services.visits.list(clinic.admin, patient.id)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@on_both
def test_a_visit_tells_its_batches_and_images(clinic: House) -> None:
    visit = visit_of(clinic)
    first, second = batch_in(clinic, visit), batch_in(clinic, visit, "Later")
    images = clinic.images(first.id, 3) + clinic.images(second.id, 2, first=3)
    clinic.services.images.edit(clinic.admin, images[1].id, ImageFields(is_primary=True))
    clinic.services.trash.images(clinic.admin, [images[4].id])
    told = clinic.services.visits.get(clinic.admin, visit.id)
    assert (told.batch_ids, told.image_count) == ((first.id, second.id), 4)
    assert list(told.cover_ids) == [ids(images)[place] for place in (1, 3, 2)]
    clinic.services.trash.batch(clinic.admin, first.id)
    told = clinic.services.visits.get(clinic.admin, visit.id)
    assert (told.batch_ids, told.image_count, told.images_taken) == ((second.id,), 1, True)


@on_both
def test_a_note_is_changed_once_at_a_time_and_back_by_undo(clinic: House) -> None:
    visit, edit = visit_of(clinic, note="Before"), clinic.services.visits.edit
    changed, change_id = edit(clinic.admin, visit.id, VisitFields(note="After"), version=1)
    assert (changed.note, changed.version) == ("After", 2)
    with pytest.raises(Stale):
        edit(clinic.admin, visit.id, VisitFields(note="Other"), version=1)
    for nothing in (VisitFields(visited_on=None), VisitFields(clinician_id=None)):
        with pytest.raises(Invalid):
            edit(clinic.admin, visit.id, nothing)
    assert edit(clinic.admin, visit.id, VisitFields(note="After"))[1] is None
    clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.visits.get(clinic.admin, visit.id).note == "Before"
    _moved, change_id = edit(clinic.admin, visit.id, VisitFields(visited_on=date(2025, 3, 4)))
    edit(clinic.admin, visit.id, VisitFields(visited_on=date(2025, 3, 5)))
    with pytest.raises(Conflict):
        clinic.services.history.undo(clinic.admin, change_id)


def test_a_visit_in_the_trash_is_not_changed_by_undo(clinic: House) -> None:
    visit = visit_of(clinic)
    _changed, change_id = clinic.services.visits.edit(clinic.admin, visit.id, VisitFields(note="x"))
    clinic.services.trash.patient(clinic.admin, visit.patient_id)
    with pytest.raises(Conflict):
        clinic.services.history.undo(clinic.admin, change_id)


def test_photographs_do_not_make_a_note_stale(clinic: House) -> None:
    visit = visit_of(clinic)
    clinic.images(batch_in(clinic, visit).id, 2)
    told = clinic.services.visits.get(clinic.admin, visit.id)
    assert (told.images_taken, told.version) == (True, visit.version)


def test_an_image_that_is_refused_was_not_taken(clinic: House) -> None:
    visit = visit_of(clinic)
    clinic.upload(batch_in(clinic, visit).id, b"no picture")
    assert clinic.services.visits.get(clinic.admin, visit.id).images_taken is False


@on_both
def test_a_batch_enters_and_leaves_a_visit_of_its_patient(clinic: House) -> None:
    patient = clinic.patient()
    visit, batch = visit_of(clinic, patient), clinic.batch(patient)
    clinic.images(batch.id, 2)
    elsewhere = visit_of(clinic)
    edit = clinic.services.batches.edit
    for wrong, error in ((elsewhere.id, Invalid), (uuid4(), NotFound)):
        with pytest.raises(error):
            edit(clinic.admin, batch.id, BatchFields(visit_id=wrong))
        with pytest.raises(error):
            clinic.services.batches.create(clinic.admin, patient.id, NewBatch(visit_id=wrong))
    inside, change_id = edit(clinic.admin, batch.id, BatchFields(visit_id=visit.id))
    assert inside.visit_id == visit.id
    told = clinic.services.visits.get(clinic.admin, visit.id)
    assert (told.image_count, told.images_taken) == (2, True)
    clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.batches.get(clinic.admin, batch.id).visit_id is None
    edit(clinic.admin, batch.id, BatchFields(visit_id=visit.id))
    edit(clinic.admin, batch.id, BatchFields(name="Renamed"))
    left, _change = edit(clinic.admin, batch.id, BatchFields(visit_id=None))
    assert (left.visit_id, left.name) == (None, "Renamed")
    assert clinic.services.visits.get(clinic.admin, visit.id).images_taken is True


def test_a_visit_keeps_its_one_primary_image_when_a_batch_enters(clinic: House) -> None:
    patient = clinic.patient()
    visit, batch = visit_of(clinic, patient), clinic.batch(patient)
    kept = clinic.image(batch_in(clinic, visit).id, is_primary=True)
    yields = clinic.image(batch.id, seed=1, is_primary=True)
    clinic.services.batches.edit(clinic.admin, batch.id, BatchFields(visit_id=visit.id))
    see = clinic.services.images.get
    assert (see(clinic.admin, kept.id).is_primary, see(clinic.admin, yields.id).is_primary) == (True, False)
    assert clinic.changes()[-2].action == "image.edit"  # the person can take that back too


def test_undo_never_leaves_a_batch_in_a_visit_of_another_patient(clinic: House) -> None:
    visit, other = visit_of(clinic), clinic.patient("Bo Lind")
    batch = batch_in(clinic, visit)
    _left, change_id = clinic.services.batches.edit(clinic.admin, batch.id, BatchFields(visit_id=None))
    clinic.services.batches.move(clinic.admin, batch.id, other.id, "mixed up")
    with pytest.raises(Conflict):
        clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.batches.get(clinic.admin, batch.id).visit_id is None


def test_images_that_move_into_a_visit_were_taken(clinic: House) -> None:
    visit = visit_of(clinic)
    image = clinic.image(clinic.batch().id)
    target = batch_in(clinic, visit)
    clinic.services.images.move(clinic.admin, [image.id], target.id, "mixed up")
    told = clinic.services.visits.get(clinic.admin, visit.id)
    assert (told.images_taken, told.image_count) == (True, 1)
    assert clinic.services.images.get(clinic.admin, image.id).visit_id == visit.id


@on_both
def test_the_batch_of_a_visit_is_made_once(clinic: House) -> None:
    visit = visit_of(clinic, visited_on=date(2025, 11, 6))

    def ask(_number: int) -> UUID:
        return clinic.services.visits.batch(clinic.admin, visit.id)

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(ask, range(8)))
    (row,) = clinic.rows(Batch, Batch.visit_id == visit.id)
    assert found == {row.id}
    assert (row.name, row.taken_on, row.patient_id) == ("6 Nov 2025", visit.visited_on, visit.patient_id)
    clinic.services.trash.batch(clinic.admin, row.id)
    assert ask(0) != row.id


@on_both
def test_only_one_of_two_images_that_come_at_once_stays_primary(clinic: House) -> None:
    visit = visit_of(clinic)
    batches = [batch_in(clinic, visit, f"Batch {number}") for number in range(4)]

    def send(place: int) -> records.Image:
        return clinic.image(batches[place].id, seed=place, is_primary=True)

    with ThreadPoolExecutor(4) as threads:
        images = list(threads.map(send, range(4)))
    now = [clinic.services.images.get(clinic.admin, image.id).is_primary for image in images]
    assert sum(now) == 1


def test_patients_see_their_own_visits_without_the_note(clinic: House) -> None:
    visit, other = visit_of(clinic, note="For the clinic only"), visit_of(clinic)
    clinic.images(batch_in(clinic, visit).id, 2)
    patient = clinic.person(Role.PATIENT, patient_id=str(visit.patient_id))
    seen = clinic.services.visits.get(patient, visit.id)
    assert (seen.note, seen.image_count, seen.clinician_name) == ("", 2, "Some admin")
    assert [each.id for each in clinic.services.visits.list(patient).items] == [visit.id]
    with pytest.raises(NotFound):
        clinic.services.visits.get(patient, other.id)


@on_both
def test_another_teams_visits_do_not_exist(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor, stranger = clinic.person(Role.CLINICIAN), clinic.person(Role.CLINICIAN)
    visit = visit_of(clinic, actor=doctor)
    assert clinic.services.visits.list(stranger).items == ()
    for call in (clinic.services.visits.get, clinic.services.visits.batch, clinic.services.downloads.visit):
        with pytest.raises(NotFound):
            call(stranger, visit.id)
    own = clinic.batch(actor=stranger)
    with pytest.raises(NotFound):
        clinic.services.batches.edit(stranger, own.id, BatchFields(visit_id=visit.id))
    clinic.join(stranger, visit.patient_id)
    assert [each.id for each in clinic.services.visits.list(stranger).items] == [visit.id]


def test_visits_are_erased_with_their_patient(clinic: House) -> None:
    visit = visit_of(clinic, note="x")
    clinic.images(batch_in(clinic, visit).id)
    clinic.services.trash.patient(clinic.admin, visit.patient_id)
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())
    assert clinic.rows(VisitRow) == []
