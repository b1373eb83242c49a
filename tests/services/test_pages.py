from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest

from imgcore.domain.access import Role
from imgcore.errors import Invalid
from imgcore.services import pages, sight
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(("page", "page_size"), [(0, 50), (-1, 50), (1, 0), (1, 101), (201, 50)])
def test_pages_that_no_list_has_are_refused(page: int, page_size: int) -> None:
    with pytest.raises(Invalid):
        Turn(page, page_size)


def test_deep_pages_are_reached_by_the_cursor() -> None:
    assert Turn(200, 50).page == 200
    assert Turn(201, 50, "cursor").cursor == "cursor"


@on_both
def test_a_cursor_that_is_not_ours_is_refused(clinic: House) -> None:
    image_id, moment = str(clinic.image().id), clinic.clock().isoformat()
    for wrong in (
        "x",
        "é",
        "%%%",
        cursor(),
        cursor(moment),
        cursor(moment, image_id, 1),
        cursor(moment, 5),
        cursor(None, image_id),
        cursor(moment, None),
        cursor("yesterday", image_id),
        cursor(moment[:19], image_id),
        cursor(["nested"], image_id),
        cursor({"a": 1}, image_id),
        base64.urlsafe_b64encode(b'{"a": 1, "b": 2}').decode(),
        base64.urlsafe_b64encode(b"[" * 5_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ):
        with pytest.raises(Invalid):
            clinic.services.images.list(clinic.admin, Filter(), Turn(cursor=wrong))
    batch_id = clinic.batch().id
    for wrong in (cursor(10**30, image_id), cursor("1", image_id), cursor("\0", image_id)):
        with pytest.raises(Invalid):
            clinic.services.images.list(clinic.admin, Filter(batch_id=batch_id), Turn(cursor=wrong))
    assert clinic.services.images.list(clinic.admin, Filter(), Turn(cursor=cursor(moment, image_id))).items
    assert clinic.services.patients.find(clinic.admin, "", Turn(cursor=cursor("a", image_id))).total == 2


@on_both
def test_counting_across_patients_stops_where_it_would_be_slow(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = clinic.batch()
    clinic.images(batch.id, 4)
    monkeypatch.setattr(pages, "COUNTED_UP_TO", 3)
    turn = Turn(page_size=2)
    across = clinic.services.images.list(clinic.admin, Filter(), turn)
    assert (across.total, across.total_is_exact) == (3, False)
    inside = clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id), turn)
    assert (inside.total, inside.total_is_exact, inside.total_pages) == (4, True, 2)
    monkeypatch.setattr(pages, "COUNTED_UP_TO", 4)
    across = clinic.services.images.list(clinic.admin, Filter(), turn)
    assert (across.total, across.total_is_exact) == (4, True)


@on_both
def test_a_search_that_looks_at_each_image_stops_and_is_taken_up_by_its_cursor(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = clinic.batch()
    wanted = clinic.image(batch.id, seed=1, caption="xy").id
    for seed in range(2, 9):
        clinic.clock.forward(minutes=1)
        clinic.image(batch.id, seed=seed, caption="z")
    monkeypatch.setattr(pages, "COUNTED_UP_TO", 3)
    monkeypatch.setattr(pages, "LOOKED_AT", 2)
    found, turns, turn = list[UUID](), 0, Turn(page_size=3)
    while True:
        page = clinic.services.images.list(clinic.admin, Filter(text="xy"), turn)
        found += [each.id for each in page.items]
        turns += 1
        if turns == 1:
            assert (page.items, page.total, page.total_is_exact) == ((), 0, False)
        if page.next_cursor is None:
            break
        turn = Turn(page_size=3, cursor=page.next_cursor)
    assert (found, turns) == ([wanted], 3)


@on_both
@pytest.mark.parametrize("few", [0, 500])
def test_a_team_turns_through_all_of_its_images_whatever_is_counted(
    open_clinic: Opens, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(sight, "FEW_BATCHES", few)
    monkeypatch.setattr(pages, "LOOKED_AT", 3)
    house = open_clinic(access="care_team")
    doctor, other = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    own = list[UUID]()
    for seed in range(10):
        house.clock.forward(minutes=1)
        who = other if seed % 2 else doctor
        (image,) = house.images(house.batch(actor=who).id, actor=who, first=seed)
        if seed % 2 == 0:
            own.insert(0, image.id)
    by_number = [house.services.images.list(doctor, Filter(), Turn(page, 2)) for page in (1, 2, 3)]
    assert [each.id for page in by_number for each in page.items] == own
    assert all(page.total_pages > page.page for page in by_number[:2])
    assert by_number[0].total_is_exact == (few > 0)
    by_cursor, cursor = list[UUID](), None
    while True:
        page = house.services.images.list(doctor, Filter(), Turn(page_size=2, cursor=cursor))
        by_cursor += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert by_cursor == own


def test_an_empty_list_is_a_page_too(clinic: House) -> None:
    page = clinic.services.patients.find(clinic.admin, "nobody")
    assert (page.items, page.total, page.total_pages, page.next_cursor) == ((), 0, 0, None)
    beyond = clinic.services.patients.find(clinic.admin, "", Turn(page=7))
    assert beyond.items == ()
