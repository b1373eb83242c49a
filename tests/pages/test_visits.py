"""The visits page: the list, one visit with its note, and the ways to its images and back."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient, Visit
from imgcore.domain.values import NewVisit, VisitFields
from imgcore.ui.visit_notes import markdown
from tests.pages.desks import Desk, banner, click, everything, keyed, said, submit, texts


@pytest.fixture
def visit(desk: Desk, mary: Patient) -> Visit:
    """A visit of the patient."""
    new = NewVisit(visited_on=date(2025, 11, 6), note="Pain at the **left heel**")
    return desk.services.visits.create(system(), mary.id, new)


def opened(desk: Desk, visit: Visit) -> AppTest:
    return desk.open("visits", patient=visit.patient_id, visit=visit.id)


def test_without_a_patient_it_says_how_to_find_one(desk: Desk) -> None:
    assert "Find a patient on the left" in texts(desk.open("visits"))


def test_a_patient_who_is_found_here_is_opened_here(desk: Desk, visit: Visit) -> None:
    desk.open("patients", patient=visit.patient_id)
    app = click(desk.open("visits"), f"name-visits-{visit.patient_id}")
    assert app.query_params == {"patient": str(visit.patient_id)}
    assert keyed(app, "name-visit-") == [str(visit.id)]


def test_a_patient_without_visits_gets_a_first_one(desk: Desk, mary: Patient) -> None:
    app = desk.open("visits", patient=mary.id)
    assert "There are no visits yet." in texts(app)
    click(app, "new-visit")
    app.date_input(key="visit-day-new").set_value(date(2025, 11, 6))
    submit(app, "Create")
    (visit,) = desk.services.visits.list(system(), mary.id).items
    assert (visit.visited_on, visit.clinician_name) == (date(2025, 11, 6), "Some clinician")
    assert app.query_params == {"patient": str(mary.id), "visit": str(visit.id)}
    assert app.title[0].value == "Visit of 6 Nov 2025"
    app.text_area(key=f"note-{visit.id}-1").set_value("It hurts").run()
    click(app, "save-note")
    assert desk.services.visits.get(system(), visit.id).note == "It hurts"
    assert "The note is saved." in said(app)


def test_the_list_leads_to_a_visit_and_back(desk: Desk, visit: Visit, batch: Batch) -> None:
    other = desk.services.visits.create(system(), visit.patient_id, NewVisit(visited_on=date(2025, 12, 1)))
    app = desk.open("visits", patient=visit.patient_id)
    assert keyed(app, "name-visit-") == [str(other.id), str(visit.id)]
    assert "Pain at the left heel" in everything(app)
    click(app, f"name-visit-{visit.id}")
    assert app.query_params["visit"] == str(visit.id)
    click(app, "all-visits")
    assert app.query_params == {"patient": str(visit.patient_id)}


def test_a_visit_in_the_url_is_opened_with_its_patient(desk: Desk, visit: Visit) -> None:
    app = desk.open("visits", visit=visit.id)
    assert app.title[0].value == "Visit of 6 Nov 2025"
    assert "M. K." in banner(app)


def test_the_note_is_markdown_and_no_html(desk: Desk, visit: Visit) -> None:
    fields = VisitFields(note="**Heel** <script>alert(1)</script><b>bold</b>")
    desk.services.visits.edit(system(), visit.id, fields)
    app = opened(desk, visit)
    (note,) = [each for each in app.markdown if "Heel" in each.value]
    assert note.value == "**Heel** <script>alert(1)</script><b>bold</b>"
    assert not note.proto.allow_html


def test_a_note_by_somebody_else_is_not_overwritten_and_mine_stays(desk: Desk, visit: Visit) -> None:
    app = click(opened(desk, visit), "edit-note")
    key = f"note-{visit.id}-{visit.version}"
    assert app.text_area(key=key).value == visit.note
    app.text_area(key=key).set_value("Mine").run()
    desk.services.visits.edit(system(), visit.id, VisitFields(note="Theirs"))
    app.run()  # a redraw in between does not hide the conflict
    click(app, "save-note")
    assert "Somebody else" in app.warning[0].value
    assert "Theirs" in texts(app)
    assert app.text_area(key=key).value == "Mine"
    assert desk.services.visits.get(system(), visit.id).note == "Theirs"
    click(app, "save-note")
    assert desk.services.visits.get(system(), visit.id).note == "Mine"
    assert not app.warning
    submit(app, "Undo")
    assert desk.services.visits.get(system(), visit.id).note == "Theirs"


def test_what_is_typed_survives_a_look_at_another_screen(desk: Desk, visit: Visit) -> None:
    app = click(opened(desk, visit), "edit-note")
    key = f"note-{visit.id}-{visit.version}"
    app.text_area(key=key).set_value("Half a sentence").run()
    app.switch_page("patients.py").run()
    app.switch_page("visits.py")
    app.query_params = {"patient": str(visit.patient_id), "visit": str(visit.id)}
    app.run()
    assert app.text_area(key=key).value == "Half a sentence"


def test_day_and_clinician_are_changed(desk: Desk, visit: Visit) -> None:
    app = click(opened(desk, visit), "icon-edit-visit")
    app.date_input(key=f"visit-day-{visit.id}").set_value(date(2025, 11, 5))
    submit(app, "Save")
    changed = desk.services.visits.get(system(), visit.id)
    assert (changed.visited_on, changed.note) == (date(2025, 11, 5), visit.note)


def test_add_images_leads_to_the_visits_batch_and_back(desk: Desk, visit: Visit) -> None:
    app = opened(desk, visit)
    assert "No photographs were taken yet." in texts(app)
    click(app, "add-images")
    (batch_id,) = desk.services.visits.get(system(), visit.id).batch_ids
    assert app.query_params == {"patient": str(visit.patient_id), "batch": str(batch_id)}
    desk.send(desk.services.batches.get(system(), batch_id), 3)
    app = click(desk.open(patient=visit.patient_id, batch=batch_id), f"visit-link-{visit.id}")
    assert app.query_params == {"patient": str(visit.patient_id), "visit": str(visit.id)}
    assert app.title[0].value == "Visit of 6 Nov 2025"
    app = opened(desk, visit)
    assert "3 images" in texts(app)
    shown = everything(app)
    assert shown.count("/thumbnail/?v=0") == 3
    click(app, f"batch-link-{batch_id}")
    assert app.query_params["batch"] == str(batch_id)


def test_a_batch_is_assigned_to_a_visit(desk: Desk, visit: Visit, batch: Batch) -> None:
    app = desk.open(patient=batch.patient_id, batch=batch.id)
    _assign(app, batch)
    assert app.selectbox(key=f"visit-of-{batch.id}").value == str(visit.id)  # of the same day
    submit(app, "Save")
    assert desk.services.batches.get(system(), batch.id).visit_id == visit.id
    assert "Visit of 6 Nov 2025" in said(app)
    _assign(app, batch)
    app.selectbox(key=f"visit-of-{batch.id}").set_value("none")
    submit(app, "Save")
    assert desk.services.batches.get(system(), batch.id).visit_id is None


def _assign(app: AppTest, batch: Batch) -> None:
    app.menu_button(key=f"icon-menu-{batch.id}").click("visit").run()
    assert not app.exception


def test_patients_see_their_visits_without_the_note(desk: Desk, visit: Visit, mary: Patient) -> None:
    batch_id = desk.services.visits.batch(system(), visit.id)
    desk.send(desk.services.batches.get(system(), batch_id), 1)
    desk.sign_in(Role.PATIENT, mary)
    listed = desk.open("visits")
    assert keyed(listed, "name-visit-") == [str(visit.id)]
    app = opened(desk, visit)
    assert app.title[0].value == "Visit of 6 Nov 2025"
    for screen in (listed, app):
        assert "left heel" not in everything(screen)
        assert not {"new-visit", "edit-note", "add-images", "icon-edit-visit"} & {
            b.key for b in screen.button
        }


def test_a_visit_that_is_not_there_is_said(desk: Desk, mary: Patient) -> None:
    app = desk.open("visits", patient=mary.id, visit="0b6f3c1e-6f0d-4c1b-9d7e-2f4f6f5f8a10")
    assert "does not exist" in app.error[0].value


def test_notes_show_what_was_meant() -> None:
    assert markdown("~3 cm, ~4 cm and $5, $6") == "\\~3 cm, \\~4 cm and \\$5, \\$6"
    assert markdown("one\ntwo\n\nthree") == "one  \ntwo\n\nthree"
    assert markdown("~~gone~~ \\$") == "~~gone~~ \\$"
    assert markdown("![x](https://elsewhere.example/x.png)!") == "\\![x](https://elsewhere.example/x.png)!"
