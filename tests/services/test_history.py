from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from imgcore.db.journal import Change
from imgcore.domain.access import Action, Role
from imgcore.domain.values import BatchFields, ImageFields, NewBatch, PatientFields
from imgcore.errors import Conflict, NotFound
from imgcore.services.images import Filter
from tests.services.clinics import House, ids
from tests.services.databases import on_both


@on_both
def test_what_was_done_last_is_undone_first(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    patient = clinic.patient(mrn="7", birth_on=date(1980, 1, 2))
    batch = clinic.batch(patient)
    image = clinic.image(batch.id)
    patient = services.patients.get(admin, patient.id)
    services.patients.edit(admin, patient.id, PatientFields(name="Bo", mrn=None, birth_on=date(1981, 1, 2)))
    services.batches.edit(admin, batch.id, BatchFields(name="Other", taken_on=date(2025, 1, 2)))
    services.images.edit(admin, image.id, ImageFields(category="l_anterior", date_taken=date(2025, 1, 2)))
    services.images.edit_many(admin, [image.id], ImageFields(category="casts"))
    services.trash.batch(admin, batch.id)
    undone = [services.history.undo(admin) for _ in range(5)]
    assert undone == [
        Action.BATCH_TRASH, Action.IMAGE_EDIT, Action.IMAGE_EDIT, Action.BATCH_EDIT, Action.PATIENT_EDIT,
    ]  # fmt: skip
    with pytest.raises(NotFound):
        services.history.undo(admin)

    back = services.patients.find(admin, "ada 7 1980-01-02").items[0]
    assert (back.name, back.mrn, back.birth_on) == (patient.name, "7", date(1980, 1, 2))
    assert services.batches.get(admin, batch.id).name == batch.name
    now = services.images.get(admin, image.id)
    assert (now.category, now.laterality, now.date_taken) == (image.category, None, image.date_taken)
    assert now.version > image.version


def test_an_undone_edit_can_be_done_again(clinic: House) -> None:
    image = clinic.image()
    undo = clinic.services.history.undo
    clinic.services.images.edit(clinic.admin, image.id, ImageFields(caption="heel"))
    undo(clinic.admin)
    again = clinic.changes()[-1]
    assert undo(clinic.admin, again.id) is Action.CHANGE_UNDO
    assert clinic.services.images.get(clinic.admin, image.id).caption == "heel"


@on_both
def test_what_changed_since_is_not_overwritten(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    colleague, image = clinic.person(Role.CLINICIAN), clinic.image()
    _image, change_id = services.images.edit(admin, image.id, ImageFields(caption="mine", category="casts"))
    services.images.edit(colleague, image.id, ImageFields(description="toe"))
    services.images.edit(colleague, image.id, ImageFields(caption="theirs"))
    with pytest.raises(Conflict):
        services.history.undo(admin, change_id)
    now = services.images.get(admin, image.id)
    assert (now.caption, now.category, now.description) == ("theirs", "casts", "toe")
    services.images.edit(colleague, image.id, ImageFields(caption="mine"))
    services.history.undo(admin, change_id)
    now = services.images.get(admin, image.id)
    assert (now.caption, now.category, now.description) == ("", "other", "toe")


def test_one_row_that_changed_keeps_all_the_others(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    batch = clinic.batch()
    a, b = clinic.images(batch.id, 2)
    _count, change_id = services.images.edit_many(admin, ids([a, b]), ImageFields(category="casts"))
    services.images.edit(admin, b.id, ImageFields(category="cmo"))
    with pytest.raises(Conflict):
        services.history.undo(admin, change_id)
    assert services.images.get(admin, a.id).category == "casts"


def test_a_change_is_undone_once_and_only_by_whom_it_is(clinic: House) -> None:
    services, image = clinic.services, clinic.image()
    colleague = clinic.person(Role.CLINICIAN)
    _image, change_id = services.images.edit(clinic.admin, image.id, ImageFields(caption="heel"))
    with pytest.raises(NotFound):
        services.history.undo(colleague, change_id)
    services.history.undo(clinic.admin, change_id)
    for other in (change_id, uuid4()):
        with pytest.raises(NotFound):
            services.history.undo(clinic.admin, other)


def test_a_change_can_be_undone_within_the_trash_window(clinic: House) -> None:
    _image, change_id = clinic.services.images.edit(clinic.admin, clinic.image().id, ImageFields(caption="x"))
    clinic.clock.forward(days=30)
    with pytest.raises(NotFound):
        clinic.services.history.undo(clinic.admin, change_id)


@on_both
def test_an_upload_is_undone_into_the_trash(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    a, b = clinic.images(clinic.batch().id, 2)
    upload = clinic.changes()[-1]
    assert services.history.undo(admin, upload.id) is Action.IMAGE_UPLOAD
    assert ids(services.images.list(admin, Filter(batch_id=a.batch_id)).items) == [a.id]
    assert [item.id for item in services.trash.list(admin, "image").items] == [b.id]
    trashing = clinic.changes()[-1]
    services.history.undo(admin, trashing.id)
    assert ids(services.images.list(admin, Filter(batch_id=a.batch_id)).items) == [a.id, b.id]
    services.trash.images(admin, [a.id])
    with pytest.raises(Conflict):
        services.history.undo(admin, clinic.changes()[0].id)


@on_both
def test_images_that_come_back_take_no_place_that_is_taken(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    patient = clinic.patient()
    source, target = clinic.batch(patient), clinic.batch(patient)
    a, b = clinic.images(source.id, 2)
    _count, change_id = services.images.move(admin, ids([a, b]), target.id)
    new = clinic.image(source.id, seed=9)
    services.history.undo(admin, change_id)
    listed = services.images.list(admin, Filter(batch_id=source.id)).items
    assert set(ids(listed)) == {a.id, b.id, new.id}
    assert len({image.order for image in listed}) == 3


@on_both
def test_nothing_is_put_back_into_what_lies_in_the_trash(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    patient = clinic.patient()
    source, target = clinic.batch(patient), clinic.batch()
    image = clinic.image(source.id)
    services.images.move(admin, [image.id], target.id, "mixed up")
    moved = clinic.changes()[-1].id
    services.trash.batch(admin, source.id)
    with pytest.raises(Conflict):
        services.history.undo(admin, moved)
    assert services.images.get(admin, image.id).batch_id == target.id

    batch = services.batches.create(admin, patient.id, NewBatch(name="B"))
    _batch, change_id = services.batches.move(admin, batch.id, target.patient_id, "mixed up")
    services.trash.patient(admin, patient.id)
    with pytest.raises(Conflict):
        services.history.undo(admin, change_id)
    assert services.batches.get(admin, batch.id).patient_id == target.patient_id


def test_an_edit_of_what_lies_in_the_trash_is_left_alone(clinic: House) -> None:
    image = clinic.image()
    _image, change_id = clinic.services.images.edit(clinic.admin, image.id, ImageFields(caption="heel"))
    clinic.services.trash.images(clinic.admin, [image.id])
    with pytest.raises(Conflict):
        clinic.services.history.undo(clinic.admin, change_id)


def test_what_is_gone_for_good_cannot_be_undone(clinic: House) -> None:
    image = clinic.image()
    change_id = clinic.services.trash.images(clinic.admin, [image.id])
    with clinic.clinic.database.write() as session:
        session.get_one(Change, change_id).expires_at = clinic.clock.later(days=90)
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(clinic.admin)
    with pytest.raises(Conflict):
        clinic.services.history.undo(clinic.admin, change_id)


@on_both
def test_a_restored_change_is_not_undone_again(clinic: House) -> None:
    a, b = clinic.images(clinic.batch().id, 2)
    change_id = clinic.services.trash.images(clinic.admin, ids([a, b]))
    clinic.services.trash.restore_images(clinic.admin, [a.id])
    clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.trash.list(clinic.admin, "image").items == ()
    with pytest.raises(NotFound):
        clinic.services.history.undo(clinic.admin, change_id)

    change_id = clinic.services.trash.images(clinic.admin, [a.id])
    clinic.services.trash.restore_images(clinic.admin, [a.id])
    with pytest.raises(NotFound):
        clinic.services.history.undo(clinic.admin, change_id)


def test_an_undo_leaves_its_own_line(clinic: House) -> None:
    image = clinic.image()
    clinic.services.images.edit(clinic.admin, image.id, ImageFields(caption="heel"))
    clinic.services.history.undo(clinic.admin)
    line = clinic.events()[-1]
    assert (line.action, line.field_names, line.patient_id) == ("change.undo", ["caption"], image.patient_id)
