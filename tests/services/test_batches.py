from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from imgcore.db.tables import Batch, Visit
from imgcore.domain.values import BatchFields, NewBatch
from imgcore.errors import Invalid, NotFound, Stale
from imgcore.services.pages import Turn
from tests.services.clinics import House, ids
from tests.services.databases import on_both


@pytest.mark.usefixtures("sydney")
def test_a_batch_without_a_day_is_of_today_where_the_server_stands(clinic: House) -> None:
    clinic.clock._now = datetime(2025, 11, 5, 21, 30, tzinfo=UTC)
    batch = clinic.services.batches.create(clinic.admin, clinic.patient().id, NewBatch())
    assert (batch.taken_on, batch.name) == (date(2025, 11, 6), "6 Nov 2025")


@on_both
def test_batches_are_listed_by_day_the_newest_first(clinic: House) -> None:
    patient = clinic.patient()
    days = [date(2025, 3, day) for day in (4, 1, 9, 4)]
    for day in days:
        clinic.services.batches.create(clinic.admin, patient.id, NewBatch(name="B", taken_on=day))
    listed = clinic.services.batches.of_patient(clinic.admin, patient.id, turn=Turn(page_size=2))
    rest = clinic.services.batches.of_patient(clinic.admin, patient.id, turn=Turn(cursor=listed.next_cursor))
    assert [batch.taken_on for batch in listed.items + rest.items] == sorted(days, reverse=True)
    assert len({batch.id for batch in listed.items + rest.items}) == listed.total == 4


@on_both
def test_a_batch_is_found_by_name_and_day(clinic: House) -> None:
    patient = clinic.patient()
    for name, day in (("Left foot", date(2025, 3, 4)), ("Orthotics 50%", date(2024, 12, 31))):
        clinic.services.batches.create(clinic.admin, patient.id, NewBatch(name=name, taken_on=day))

    def found(text: str) -> list[str]:
        return [
            each.name for each in clinic.services.batches.of_patient(clinic.admin, patient.id, text).items
        ]

    assert found("LEFT") == found("2025") == found("2025-03-04 foot") == ["Left foot"]
    assert found("50%") == found("2024-12") == ["Orthotics 50%"]
    assert found("left 2024") == []


@on_both
def test_a_batch_tells_what_it_holds(clinic: House) -> None:
    batch, empty = clinic.batch(), clinic.batch()
    images = clinic.images(batch.id, 5)
    clinic.services.trash.images(clinic.admin, [images[0].id])
    told = clinic.services.batches.get(clinic.admin, batch.id)
    assert (told.image_count, told.uncategorised) == (4, 4)
    assert told.file_size == sum(image.file_size for image in images[1:])
    assert list(told.cover_ids) == ids(images)[1:4]
    assert clinic.services.batches.get(clinic.admin, empty.id).cover_ids == ()


def test_covers_and_counts_take_as_many_queries_for_many_batches(clinic: House) -> None:
    patient = clinic.patient()
    counts = []
    for _ in range(2):
        for _ in range(3):
            clinic.images(clinic.batch(patient).id)
        with clinic.statements() as statements:
            clinic.services.batches.of_patient(clinic.admin, patient.id)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_batch_can_be_renamed_once_at_a_time(clinic: House) -> None:
    batch = clinic.batch()
    edit = clinic.services.batches.edit
    renamed, change_id = edit(clinic.admin, batch.id, BatchFields(name="New"), version=1)
    assert renamed.version == 2
    assert edit(clinic.admin, batch.id, BatchFields(name="New"))[1] is None
    with pytest.raises(Stale):
        edit(clinic.admin, batch.id, BatchFields(name="Newer"), version=1)
    with pytest.raises(Invalid):
        edit(clinic.admin, batch.id, BatchFields(taken_on=None))
    assert clinic.services.batches.get(clinic.admin, batch.id).name == "New"
    clinic.services.history.undo(clinic.admin, change_id)
    assert clinic.services.batches.get(clinic.admin, batch.id).name == "Check-up"


@on_both
def test_a_batch_goes_to_another_patient_with_all_its_images(clinic: House) -> None:
    batch, target = clinic.batch(), clinic.patient("Bo Lind")
    image = clinic.image(batch.id)
    move = clinic.services.batches.move
    with pytest.raises(Invalid):
        move(clinic.admin, batch.id, target.id, "  ")
    with pytest.raises(Invalid):
        move(clinic.admin, batch.id, batch.patient_id, "same")
    with pytest.raises(NotFound):
        move(clinic.admin, batch.id, "nobody", "mixed up")
    moved, change_id = move(clinic.admin, batch.id, target.id, "mixed up")
    assert change_id is not None
    assert moved.patient_id == target.id
    assert clinic.services.images.get(clinic.admin, image.id).patient_id == target.id
    assert clinic.services.images.get(clinic.admin, image.id).key == image.key
    assert {line.patient_id for line in clinic.events() if line.action == "batch.move"} == {
        batch.patient_id,
        target.id,
    }
    assert clinic.changes()[-1].reason == "mixed up"


def test_a_batch_that_moves_leaves_its_visit(clinic: House) -> None:
    batch, target = clinic.batch(), clinic.patient("Bo Lind")
    with clinic.clinic.database.write() as session:
        now = clinic.clock()
        visit = Visit(patient_id=batch.patient_id, visited_on=now.date(), created_at=now, updated_at=now)
        session.add(visit)
        session.flush()
        session.get_one(Batch, batch.id).visit_id = visit.id
    _moved, change_id = clinic.services.batches.move(clinic.admin, batch.id, target.id, "mixed up")
    assert clinic.services.batches.get(clinic.admin, batch.id).visit_id is None
    clinic.services.history.undo(clinic.admin, change_id)
    back = clinic.services.batches.get(clinic.admin, batch.id)
    assert (back.visit_id, back.patient_id) == (visit.id, batch.patient_id)
