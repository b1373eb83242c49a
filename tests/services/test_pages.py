from __future__ import annotations

import base64
import json

import pytest

from imgcore.errors import Invalid
from imgcore.services import pages
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House
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


def test_an_empty_list_is_a_page_too(clinic: House) -> None:
    page = clinic.services.patients.find(clinic.admin, "nobody")
    assert (page.items, page.total, page.total_pages, page.next_cursor) == ((), 0, 0, None)
    beyond = clinic.services.patients.find(clinic.admin, "", Turn(page=7))
    assert beyond.items == ()
