"""The start page: patients and batches are found, made, changed, thrown away and brought back."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import LinkButton

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewBatch, NewPatient
from imgcore.ui import keys
from tests.pages.desks import Desk, banner, click, everything, keyed, said, submit, texts


def test_an_empty_clinic_asks_for_its_first_patient(desk: Desk) -> None:
    app = desk.open()
    assert app.button(key="add-patient-start").label == "Add your first patient"
    click(app, "add-patient-start")
    app.text_input(key="patient-name-new").set_value("Mary Kowalski")
    app.text_input(key="patient-mrn-new").set_value("4471")
    submit(app, "Add patient")
    patient = desk.services.patients.find(system(), "4471").items[0]
    assert app.query_params == {"patient": str(patient.id)}
    assert "M. K." in banner(app)
    assert said(app) == '<span role="status">M. K. was added.</span>'
    assert "No batches yet" in texts(app)


def test_an_mrn_that_is_taken_is_said_in_the_form(desk: Desk, mary: Patient) -> None:
    app = click(desk.open(), "add-patient-start")
    app.text_input(key="patient-name-new").set_value("Mary Kowalska")
    app.text_input(key="patient-mrn-new").set_value("4471")
    submit(app, "Add patient")
    assert "Another patient already has this MRN" in app.error[0].value
    assert app.text_input(key="patient-name-new").value == "Mary Kowalska"
    assert desk.services.patients.find(system(), "Kowalska").total == 0


def test_a_patient_is_found_and_opened(desk: Desk, mary: Patient) -> None:
    app = desk.open()
    app.text_input(key=keys.FIND).set_value("12 may kowal").run()
    click(app, f"name-found-{mary.id}")
    assert app.query_params == {"patient": str(mary.id)}
    assert "M. K." in banner(app)
    assert app.text_input(key=keys.FIND).value == ""


def test_whoever_is_not_found_can_be_added(desk: Desk, mary: Patient) -> None:
    app = desk.open(patient=mary.id)
    app.text_input(key=keys.FIND).set_value("nobody").run()
    assert "Nobody found." in texts(app)
    click(app, "add-patient-find")
    assert app.text_input(key="patient-name-new").value == ""


def test_patients_seen_last_are_offered(desk: Desk, mary: Patient) -> None:
    desk.open(patient=mary.id)
    app = click(desk.open(), f"name-start-{mary.id}")
    assert "M. K." in banner(app)


def test_a_new_batch_is_called_by_its_day_and_counted_at_once(desk: Desk, mary: Patient) -> None:
    app = click(desk.open(patient=mary.id), "new-batch-main")
    app.date_input(key="batch-day").set_value(date(2025, 11, 6)).run()
    assert app.text_input(key="batch-name").placeholder == "6 Nov 2025"
    click(app, "batch-create")
    batch = desk.services.batches.of_patient(system(), mary.id).items[0]
    assert batch.name == "6 Nov 2025"
    assert app.query_params == {"patient": str(mary.id), "batch": str(batch.id)}
    assert ">1 batch<" in banner(app)
    assert "6 Nov 2025" in texts(app)


def test_the_newest_batch_is_open_and_another_can_be(desk: Desk, mary: Patient, batch: Batch) -> None:
    newer = _add(desk, mary, "2025-12-01", "Review")
    app = desk.open(patient=mary.id)
    assert app.title[0].value == "Review"
    click(app, f"name-{batch.id}")
    assert app.title[0].value == "6 Nov 2025"
    assert app.query_params == {"patient": str(mary.id), "batch": str(batch.id)}
    assert app.button(key=f"name-{newer.id}").icon == ":material/chevron_right:"
    assert app.button(key=f"name-{batch.id}").icon == ":material/expand_more:"


def test_a_row_says_what_is_in_the_batch(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 4)
    app = desk.open(patient=mary.id)
    row = next(each.proto.body for each in app.html if "imgcore-batch" in each.proto.body)
    assert row.count("<img ") == row.count('alt="Image ') == 3
    assert "4 images" in row
    assert "4 without category" in row
    assert ">4 images<" in banner(app)
    assert any(text.value.startswith("4 images, ") for text in app.sidebar.caption)
    assert _link(app).proto.url == f"/api/images/batches/{batch.id}/download/"
    assert not _link(app).proto.disabled


def test_an_empty_batch_has_nothing_to_download(desk: Desk, mary: Patient, batch: Batch) -> None:
    assert _link(desk.open(patient=mary.id)).proto.disabled


def test_a_batch_goes_to_the_trash_and_comes_back(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 2)
    app = click(desk.open(patient=mary.id, batch=batch.id), f"icon-red-trash-{batch.id}")
    assert "**6 Nov 2025** with 2 images" in texts(app)
    click(app, "dialog-confirm")
    assert ">0 batches<" in banner(app)
    assert ">0 images<" in banner(app)
    assert "is in the trash" in said(app)
    submit(app, "Undo")
    assert ">1 batch<" in banner(app)
    assert ">2 images<" in banner(app)


def test_cancel_leaves_the_batch_alone(desk: Desk, mary: Patient, batch: Batch) -> None:
    app = click(desk.open(patient=mary.id), f"icon-red-trash-{batch.id}")
    click(app, "dialog-cancel")
    assert ">1 batch<" in banner(app)
    assert "dialog-confirm" not in everything(app)


def test_a_batch_is_renamed(desk: Desk, mary: Patient, batch: Batch) -> None:
    app = desk.open(patient=mary.id)
    app.menu_button(key=f"icon-menu-{batch.id}").click("rename").run()
    app.text_input(key=f"batch-name-{batch.id}").set_value("AFO *fitting*")
    submit(app, "Save")
    assert app.title[0].value == "AFO \\*fitting\\*"
    assert desk.services.batches.get(system(), batch.id).name == "AFO *fitting*"


def test_a_filter_finds_batches_and_can_be_cleared(desk: Desk, mary: Patient, batch: Batch) -> None:
    other = _add(desk, mary, "2025-05-14", "AFO fitting")
    app = desk.open(patient=mary.id, filter="afo")
    assert keyed(app, "name-") == [str(other.id)]
    app.text_input(key=f"filter-{mary.id}").set_value("cast").run()
    assert app.query_params["filter"] == "cast"
    assert "No batch has this in its name." in texts(app)
    click(app, "clear-filter")
    assert "filter" not in app.query_params
    assert len(keyed(app, "name-")) == 2


def test_long_lists_come_in_pages_of_twenty(desk: Desk, mary: Patient) -> None:
    for day in range(1, 24):
        _add(desk, mary, f"2025-10-{day:02}")
    app = desk.open(patient=mary.id)
    assert len(keyed(app, "name-")) == 20
    app.pagination[0].set_value(2).run()
    assert len(keyed(app, "name-")) == 3


def test_twenty_batches_cost_the_database_no_more_than_one(desk: Desk, mary: Patient, batch: Batch) -> None:
    asked: list[str] = []
    sa.event.listen(
        desk.clinic.database.engine, "before_cursor_execute", lambda *about: asked.append(about[2])
    )
    app = desk.open(patient=mary.id)
    asked.clear()
    app.run()
    one = len(asked)
    for day in range(1, 20):
        _add(desk, mary, f"2025-10-{day:02}")
    app.run()  # a list with others in it is noted once
    asked.clear()
    app.run()
    assert 0 < len(asked) == one


@pytest.mark.parametrize("name", ["new-batch-side", "icon-red-trash-", "icon-menu-"])
def test_a_patient_account_cannot_change_anything(desk: Desk, mary: Patient, batch: Batch, name: str) -> None:
    assert name in everything(desk.open(patient=mary.id))
    desk.sign_in(Role.PATIENT, mary)
    app = desk.open()
    assert "6 Nov 2025" in texts(app)
    assert name not in everything(app)


def test_a_batch_of_another_patient_shows_whose_it_is(desk: Desk, mary: Patient, batch: Batch) -> None:
    other = desk.services.patients.create(system(), NewPatient(name="Zoe Zander"))
    _add(desk, other, "2025-10-01")
    app = desk.open(patient=other.id, batch=batch.id)
    assert "M. K." in banner(app)
    assert app.query_params["patient"] == str(mary.id)


def _add(desk: Desk, patient: Patient, day: str, name: str | None = None) -> Batch:
    new = NewBatch.model_validate({"taken_on": day, "name": name})
    return desk.services.batches.create(system(), patient.id, new)


def _link(app: AppTest) -> LinkButton:
    return app.link_button[0]
