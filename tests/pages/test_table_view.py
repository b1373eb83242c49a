"""The open batch as a table: what is typed into it is saved, each row by itself."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Image, Patient
from imgcore.domain.values import ImageFields, NewBatch
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from imgcore.ui import keys, table_view
from tests.pages.desks import Desk, banner, said, submit

Rows = dict[int, dict[str, Any]]


def edit(app: AppTest, rows: Rows) -> AppTest:
    """Send the edits of the table as the browser does: all that were made since it was drawn."""
    states = app._tree.get_widget_states()
    told = {"edited_rows": {str(row): cells for row, cells in rows.items()}}
    states.widgets.append(WidgetState(id=app.data_editor[0].proto.id, string_value=json.dumps(told)))
    app._run(states)
    assert not app.exception
    return app


def images(desk: Desk, batch: Batch) -> tuple[Image, ...]:
    """Return what is stored."""
    return desk.services.images.list(system(), Filter(batch_id=batch.id), Turn(page_size=100)).items


def column(app: AppTest, name: str) -> list[Any]:
    """Return what a column of the table is given."""
    return list(app.data_editor[0].value[name])


@pytest.fixture
def app(desk: Desk, mary: Patient, batch: Batch) -> AppTest:
    """The table of a batch of four images."""
    desk.send(batch, 4)
    return desk.open(patient=mary.id, batch=batch.id, view="table")


def test_the_table_is_a_place_of_its_own(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 2)
    app = desk.open(patient=mary.id, batch=batch.id)
    assert not app.data_editor
    app.button_group(key="images-view").set_value("table").run()
    assert app.query_params == {"patient": str(mary.id), "batch": str(batch.id), "view": "table"}
    assert column(app, "original_name") == ["JPG", "JPG"]  # a name may hold a person's
    assert column(app, "picture") == [f"/api/images/{each.id}/thumbnail/?v=0" for each in images(desk, batch)]
    app.button_group(key="images-view").set_value("grid").run()
    assert not app.data_editor
    assert "view" not in app.query_params


def test_each_row_is_saved_as_it_is_typed(desk: Desk, batch: Batch, app: AppTest) -> None:
    everything = {
        "category": "l_anterior", "caption": "Left heel", "description": "Dry", "image_type": "Photo",
        "body_location": "Heel", "laterality": "B", "date_taken": "2025-11-02", "is_primary": True,
    }  # fmt: skip
    edit(app, {1: everything})
    saved = images(desk, batch)[1]
    stored = {name: getattr(saved, name) for name in everything}
    assert stored == everything | {"date_taken": date(2025, 11, 2)}
    assert "1 saved." in said(app)
    edit(app, {1: {"caption": None, "laterality": None, "date_taken": None, "is_primary": False}})
    emptied = images(desk, batch)[1]
    assert (emptied.caption, emptied.laterality, emptied.date_taken) == ("", None, None)
    assert (emptied.is_primary, emptied.category) == (False, "l_anterior")


def test_an_edit_is_saved_once_though_it_is_told_again(desk: Desk, batch: Batch, app: AppTest) -> None:
    edit(app, {0: {"caption": "one"}})
    edit(app, {0: {"caption": "one"}, 2: {"caption": "three"}})
    edit(app, {0: {"caption": "one", "category": "casts"}, 2: {"caption": "three"}})
    assert [each.caption for each in images(desk, batch)] == ["one", "", "three", ""]
    assert [each.version for each in images(desk, batch)] == [3, 1, 2, 1]
    assert "3 without category" in "".join(each.proto.body for each in app.html)


def test_what_a_category_brings_along_is_shown(desk: Desk, app: AppTest) -> None:
    key = app.data_editor[0].key
    edit(app, {3: {"category": "r_anterior"}})
    assert column(app, "laterality")[3] == "R"
    assert app.data_editor[0].key == key  # whoever types on stays where they are


def test_several_rows_are_saved_and_undone_together(desk: Desk, batch: Batch, app: AppTest) -> None:
    edit(app, {row: {"caption": f"cast {row}"} for row in range(3)})
    assert "3 saved." in said(app)
    submit(app, "Undo")
    assert [each.caption for each in images(desk, batch)] == ["", "", "", ""]
    assert column(app, "caption") == ["", "", "", ""]
    assert "Undone." in said(app)


def test_what_is_refused_is_said_and_the_others_are_kept(desk: Desk, batch: Batch, app: AppTest) -> None:
    key = app.data_editor[0].key
    edit(app, {0: {"caption": "good"}, 1: {"category": "teapot"}, 2: {"caption": "good as well"}})
    assert [each.caption for each in images(desk, batch)] == ["good", "", "good as well", ""]
    assert '"teapot" is not a category' in app.error[0].value.replace("\\", "")
    assert "Image 2 was not saved" in app.error[0].value
    assert "2 saved." in said(app)
    assert app.data_editor[0].key != key  # drawn anew: what was refused must not stand there
    assert column(app, "category") == ["other"] * 4


def test_what_somebody_else_has_changed_is_not_overwritten(desk: Desk, batch: Batch, app: AppTest) -> None:
    first = images(desk, batch)[0]
    desk.services.images.edit(system(), first.id, ImageFields(caption="theirs"))
    edit(app, {0: {"caption": "mine"}})
    assert images(desk, batch)[0].caption == "theirs"
    assert "Image 1 was changed by somebody else" in app.error[0].value
    assert column(app, "caption")[0] == "theirs"
    edit(app, {0: {"caption": "mine after all"}})
    assert images(desk, batch)[0].caption == "mine after all"


def test_there_is_one_primary_image(desk: Desk, batch: Batch, app: AppTest) -> None:
    edit(app, {0: {"is_primary": True}})
    edit(app, {2: {"is_primary": True}})
    assert column(app, "is_primary") == [False, False, True, False]
    assert [each.is_primary for each in images(desk, batch)] == [False, False, True, False]


def test_another_batch_has_another_editor(desk: Desk, mary: Patient, batch: Batch, app: AppTest) -> None:
    other = desk.services.batches.create(system(), mary.id, NewBatch(name="Other"))
    desk.send(other, 3)
    key, editor = app.data_editor[0].key, app.data_editor[0].proto.id
    app.query_params = {"patient": str(mary.id), "batch": str(other.id), "view": "table"}
    app.run()
    assert app.data_editor[0].key != key
    assert app.data_editor[0].proto.id != editor
    assert column(app, "picture") == [f"/api/images/{each.id}/thumbnail/?v=0" for each in images(desk, other)]


def test_a_late_edit_of_rows_that_are_gone_changes_nothing(
    desk: Desk, mary: Patient, batch: Batch, app: AppTest
) -> None:
    other = desk.services.batches.create(system(), mary.id, NewBatch(name="Other"))
    desk.send(other, 3)
    late = app.data_editor[0].proto.id
    app.query_params = {"patient": str(mary.id), "batch": str(other.id), "view": "table"}
    app.run()
    states = app._tree.get_widget_states()
    told = json.dumps({"edited_rows": {"0": {"caption": "late"}}})
    states.widgets.append(WidgetState(id=late, string_value=told))
    app._run(states)
    assert {each.caption for each in [*images(desk, batch), *images(desk, other)]} == {""}


def test_a_table_that_was_left_is_read_again(desk: Desk, batch: Batch, app: AppTest) -> None:
    edit(app, {0: {"caption": "one"}})
    app.button_group(key="images-view").set_value("grid").run()
    app.button_group(key="images-view").set_value("table").run()
    assert column(app, "caption") == ["one", "", "", ""]


def test_a_large_batch_comes_in_pages(
    desk: Desk, mary: Patient, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_view, "PAGE_SIZE", 2)
    desk.send(batch, 3)
    app = desk.open(patient=mary.id, batch=batch.id, view="table")
    app.toggle(key=keys.PRIVACY).set_value(False).run()
    assert column(app, "original_name") == ["photo-0.jpg", "photo-1.jpg"]
    app.pagination(key=f"table-page-{batch.id}").set_value(2).run()
    assert column(app, "original_name") == ["photo-2.jpg"]
    edit(app, {0: {"category": "teapot"}})
    assert "Image 3 was not saved" in app.error[0].value
    edit(app, {0: {"caption": "the last"}})
    assert [each.caption for each in images(desk, batch)] == ["", "", "the last"]


def test_whoever_cannot_edit_is_not_offered_the_table(
    desk: Desk, mary: Patient, batch: Batch, app: AppTest
) -> None:
    assert app.button_group(key="images-view").value == "table"
    desk.sign_in(Role.PATIENT, mary)
    app = desk.open(batch=batch.id, view="table")
    assert "4 images" in banner(app)
    assert not app.data_editor
    assert not app.button_group
