from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest

from imgcore.db.tables import Batch, Visit
from imgcore.domain import records
from imgcore.domain.values import ImageFields
from imgcore.errors import Invalid, NotFound, Stale
from imgcore.services.images import MOST_AT_ONCE, Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House, ids, photo
from tests.services.databases import on_both


def listed(clinic: House, batch_id: UUID) -> list[UUID]:
    return ids(clinic.services.images.list(clinic.admin, Filter(batch_id=batch_id)).items)


def by_id(clinic: House, batch_id: UUID) -> dict[UUID, records.Image]:
    page = clinic.services.images.list(clinic.admin, Filter(batch_id=batch_id))
    return {image.id: image for image in page.items}


def primaries(clinic: House, *batches: records.Batch) -> list[UUID]:
    lists = [clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items for batch in batches]
    return [image.id for images in lists for image in images if image.is_primary]


def one_visit(clinic: House, *batches: records.Batch) -> None:
    """Make the batches those of one visit."""
    now = clinic.clock()
    with clinic.clinic.database.write() as session:
        visit = Visit(patient_id=batches[0].patient_id, visited_on=now.date(), created_at=now, updated_at=now)
        session.add(visit)
        session.flush()
        for batch in batches:
            session.get_one(Batch, batch.id).visit_id = visit.id


@on_both
def test_an_image_goes_to_the_place_that_is_asked_for(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c, d = ids(clinic.images(batch.id, 4))
    for image_id, place, order in (
        (d, 1, [d, a, b, c]),
        (d, 3, [a, b, d, c]),
        (a, 99, [b, d, c, a]),
        (c, 2, [b, c, d, a]),
        (c, 2, [b, c, d, a]),
    ):
        image, _change = clinic.services.images.edit(clinic.admin, image_id, ImageFields(order=place))
        assert listed(clinic, batch.id) == order
        assert image.order == min(place, 4)


@on_both
def test_orders_stay_unique_whatever_lies_in_the_trash(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c, d = ids(clinic.images(batch.id, 4))
    clinic.services.trash.images(clinic.admin, [b])
    clinic.services.images.edit(clinic.admin, d, ImageFields(order=1))
    e = clinic.image(batch.id, seed=50).id
    clinic.services.trash.restore_images(clinic.admin, [b])
    images = clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items
    assert ids(images) == [d, b, a, c, e]
    assert len({image.order for image in images}) == 5


@on_both
def test_one_image_of_a_batch_is_primary(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c = ids(clinic.images(batch.id, 3))
    edit = clinic.services.images.edit
    for image_id in (a, b, b):
        edit(clinic.admin, image_id, ImageFields(is_primary=True))
        assert primaries(clinic, batch) == [image_id]
    clinic.services.trash.images(clinic.admin, [b])
    edit(clinic.admin, c, ImageFields(is_primary=True))
    clinic.services.trash.restore_images(clinic.admin, [b])
    assert primaries(clinic, batch) == [c]
    new = clinic.image(batch.id, seed=9, is_primary=True)
    assert primaries(clinic, batch) == [new.id]
    edit(clinic.admin, new.id, ImageFields(is_primary=False))
    assert primaries(clinic, batch) == []


@on_both
def test_one_image_of_a_visit_is_primary(clinic: House) -> None:
    patient = clinic.patient()
    morning, noon, alone = (clinic.batch(patient) for _ in range(3))
    one_visit(clinic, morning, noon)
    first, second, third = (clinic.image(batch.id) for batch in (morning, noon, alone))
    for image in (first, third, second):
        clinic.services.images.edit(clinic.admin, image.id, ImageFields(is_primary=True))
    assert primaries(clinic, morning, noon, alone) == [second.id, third.id]
    new = clinic.image(morning.id, seed=9, is_primary=True)
    assert primaries(clinic, morning, noon, alone) == [new.id, third.id]
    assert all(visit.images_taken for visit in clinic.rows(Visit))


def test_place_and_primary_in_one_change_can_be_undone(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c = ids(clinic.images(batch.id, 3))
    clinic.services.images.edit(clinic.admin, a, ImageFields(is_primary=True))
    fields = ImageFields(order=1, is_primary=True, caption="heel")
    _image, change_id = clinic.services.images.edit(clinic.admin, c, fields)
    assert (listed(clinic, batch.id), primaries(clinic, batch)) == ([c, a, b], [c])
    clinic.services.history.undo(clinic.admin, change_id)
    assert (listed(clinic, batch.id), primaries(clinic, batch)) == ([a, b, c], [a])


def test_a_category_brings_its_side_where_none_was_set(clinic: House) -> None:
    edit = clinic.services.images.edit
    image = clinic.image()

    def side(**fields: object) -> str | None:
        return edit(clinic.admin, image.id, ImageFields.model_validate(fields))[0].laterality

    assert side(caption="heel") is None
    assert side(category="casts") is None
    assert side(category="l_anterior") == "L"
    assert side(category="r_anterior") == "L"
    assert side(category="r_anterior", laterality=None) is None
    assert side(category="r_anterior", laterality="B") == "B"
    assert clinic.image(seed=3, category="r_shoe").laterality == "R"


@on_both
def test_many_images_are_changed_at_once(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c = clinic.images(batch.id, 3)
    edit = clinic.services.images.edit
    edit(clinic.admin, b.id, ImageFields(laterality="R"))
    edit(clinic.admin, c.id, ImageFields(category="l_anterior"))
    fields = ImageFields(category="l_anterior", date_taken=date(2025, 1, 2), body_location="heel")
    count, change_id = clinic.services.images.edit_many(clinic.admin, ids([c, a, b, a]), fields)
    assert count == 3
    now = {
        each.id: each for each in clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items
    }
    assert {each.category for each in now.values()} == {"l_anterior"}
    assert {each.date_taken for each in now.values()} == {date(2025, 1, 2)}
    assert [now[each.id].laterality for each in (a, b, c)] == ["L", "R", "L"]
    assert [now[each.id].version for each in (a, b, c)] == [2, 3, 3]

    clinic.services.history.undo(clinic.admin, change_id)
    back = {
        each.id: each for each in clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items
    }
    assert [(back[i.id].category, back[i.id].laterality, back[i.id].body_location) for i in (a, b, c)] == [
        ("other", None, ""), ("other", "R", ""), ("l_anterior", "L", ""),
    ]  # fmt: skip


def test_a_change_for_many_that_changes_nothing_counts_no_version(clinic: House) -> None:
    image = clinic.image(category="casts")
    count, change_id = clinic.services.images.edit_many(
        clinic.admin, [image.id], ImageFields(category="casts")
    )
    assert (count, change_id) == (1, None)
    assert clinic.services.images.get(clinic.admin, image.id).version == image.version


@on_both
def test_a_change_for_many_is_one_statement(clinic: House) -> None:
    images = clinic.images(clinic.batch().id, 8)
    with clinic.statements() as statements:
        clinic.services.images.edit_many(clinic.admin, ids(images), ImageFields(category="casts"))
    assert len([statement for statement in statements if statement.startswith("UPDATE image")]) == 1
    assert len(statements) < 12


def test_what_cannot_be_set_is_refused_and_nothing_changes(clinic: House) -> None:
    images, image = clinic.services.images, clinic.image()
    for fields in (
        ImageFields(category="no_such"),
        ImageFields(category=""),
        ImageFields.model_construct(_fields_set={"caption"}, caption=None),
    ):
        with pytest.raises(Invalid):
            images.edit(clinic.admin, image.id, fields)
        with pytest.raises(Invalid):
            images.edit_many(clinic.admin, [image.id], fields)
    for name in ("order", "is_primary", "caption"):
        with pytest.raises(Invalid):
            images.edit_many(
                clinic.admin, [image.id], ImageFields.model_validate({name: 1 if name != "caption" else "x"})
            )
    for chosen in ([], [uuid4() for _ in range(MOST_AT_ONCE + 1)]):
        with pytest.raises(Invalid):
            images.edit_many(clinic.admin, chosen, ImageFields(category="casts"))
        with pytest.raises(Invalid):
            clinic.services.trash.images(clinic.admin, chosen)
    with pytest.raises(NotFound):
        images.edit_many(clinic.admin, [image.id, uuid4()], ImageFields(category="casts"))
    assert images.get(clinic.admin, image.id) == image


@on_both
def test_the_second_of_two_who_edit_one_image_is_told(clinic: House) -> None:
    image = clinic.image()
    edit = clinic.services.images.edit
    assert edit(clinic.admin, image.id, ImageFields(caption="mine"), version=1)[0].version == 2
    with pytest.raises(Stale):
        edit(clinic.admin, image.id, ImageFields(caption="yours"), version=1)
    assert edit(clinic.admin, image.id, ImageFields(description="toe"))[0].caption == "mine"


@on_both
def test_images_go_to_the_end_of_another_batch(clinic: House) -> None:
    patient = clinic.patient()
    source, target = clinic.batch(patient), clinic.batch(patient)
    a, b, c = clinic.images(source.id, 3)
    there = clinic.images(target.id, 2, first=10)
    clinic.services.images.edit(clinic.admin, b.id, ImageFields(is_primary=True))
    move = clinic.services.images.move
    count, change_id = move(clinic.admin, [c.id, b.id, there[0].id], target.id)
    assert count == 2
    assert listed(clinic, target.id) == ids([*there, c, b])
    assert listed(clinic, source.id) == [a.id]
    assert primaries(clinic, source, target) == []
    with pytest.raises(Invalid):
        move(clinic.admin, [b.id, c.id], target.id)
    clinic.services.history.undo(clinic.admin, change_id)
    assert (listed(clinic, source.id), listed(clinic, target.id)) == (ids([a, b, c]), ids(there))
    assert primaries(clinic, source) == [b.id]


@on_both
def test_images_go_to_another_patient_only_with_a_reason(clinic: House) -> None:
    image, target = clinic.image(), clinic.batch()
    move = clinic.services.images.move
    with pytest.raises(Invalid):
        move(clinic.admin, [image.id], target.id, " ")
    move(clinic.admin, [image.id], target.id, "mixed up")
    moved = clinic.services.images.get(clinic.admin, image.id)
    assert (moved.patient_id, moved.batch_id, moved.key) == (target.patient_id, target.id, image.key)
    lines = [line for line in clinic.events() if line.action == "image.move"]
    assert {line.patient_id for line in lines} == {image.patient_id, target.patient_id}
    assert clinic.services.files.thumbnail(clinic.admin, image.id).size == image.thumbnail_size


@on_both
def test_images_are_filtered(clinic: House) -> None:
    patient, stranger = clinic.patient(external_id="P1"), clinic.patient("Bo Lind")
    batch, second, foreign = clinic.batch(patient), clinic.batch(patient), clinic.batch(stranger)
    a = clinic.image(batch.id, 1, caption="Red 100% toe", date_taken=date(2025, 1, 2)).id
    b = clinic.image(second.id, 2, category="casts", body_location="left heel", image_type="macro").id
    c = clinic.image(foreign.id, 3, caption="red toe").id

    def found(**asked: object) -> set[UUID]:
        return set(ids(clinic.services.images.list(clinic.admin, Filter(**asked)).items))  # type: ignore[arg-type]

    assert found() == {a, b, c}
    assert found(patient_ref="P1") == {a, b}
    assert found(patient_ref="P1", batch_id=batch.id) == {a}
    with pytest.raises(NotFound):
        found(patient_ref="P1", batch_id=foreign.id)
    assert found(category="casts") == found(body_location="left heel") == found(image_type="macro") == {b}
    assert found(text="toe RED") == {a, c}
    assert found(text="heel") == {b}
    assert found(text="100%") == found(taken_to=date(2025, 1, 2)) == {a}
    assert found(taken_from=date(2025, 1, 3)) == set()
    clinic.services.trash.batch(clinic.admin, second.id)
    assert found(patient_ref="P1") == {a}


@on_both
def test_pages_across_batches_show_each_image_once_the_newest_first(clinic: House) -> None:
    patient = clinic.patient()
    uploaded = [image.id for _ in range(2) for image in clinic.images(clinic.batch(patient).id, 3)]
    seen: list[UUID] = []
    page = clinic.services.images.list(clinic.admin, Filter(), Turn(page_size=4))
    seen += ids(page.items)
    page = clinic.services.images.list(clinic.admin, Filter(), Turn(page_size=4, cursor=page.next_cursor))
    seen += ids(page.items)
    assert seen == uploaded[::-1]
    assert page.next_cursor is None
    assert list(clinic.services.images.ids(clinic.admin, page.items[0].batch_id)) == uploaded[:3]


def test_an_image_tells_what_was_stored(clinic: House) -> None:
    content = photo(5, (80, 60))
    received = clinic.upload(clinic.batch().id, content)
    image = received.uploaded[0].image
    assert (image.width, image.height, image.file_size) == (80, 60, len(content))
    assert (image.mime_type, image.category, image.order) == ("image/jpeg", "other", 1)
    assert (image.thumbnail_key, image.duplicate_of) == (image.key.replace(".jpg", "_thumb.jpg"), None)
    assert str(image.patient_id) in image.key
    assert clinic.services.images.get(clinic.admin, image.id) == image
