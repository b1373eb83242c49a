"""The page of image sets: made from a selection, given, shared, and looked at by those who have them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system, visitor
from imgcore.domain.records import Batch, Patient
from imgcore.domain.sets import Comment, ImageSet, NewImageSet, NewShare
from imgcore.domain.values import ConsentFields, PatientFields
from imgcore.ui import dialogs, set_forms
from tests.pages.desks import Desk, click, everything, keyed, said, submit, texts


@pytest.fixture
def image_ids(desk: Desk, mary: Patient, batch: Batch) -> list[UUID]:
    """Two images of a patient who agreed to the record and took back the teaching."""
    consents: dict[str, Any] = {
        "consent_record": {"given_on": "2025-11-06"},
        "consent_teaching": {"given_on": "2025-11-06", "withdrawn_on": "2025-11-09"},
    }
    desk.services.patients.edit(system(), mary.id, PatientFields.model_validate(consents))
    desk.send(batch, 2)
    return list(desk.services.images.ids(system(), batch.id))


@pytest.fixture
def made(desk: Desk, image_ids: list[UUID]) -> ImageSet:
    """A set of both."""
    new = NewImageSet(name="Heels", purpose="record", note="Surgery?\n*Soon*?", image_ids=image_ids)
    return desk.services.image_sets.create(system(), new).image_set


def asking(desk: Desk, mary: Patient, image_ids: list[UUID], ask: Any) -> AppTest:
    """Open the images page with the dialog that the grid's buttons open."""
    app = desk.open(patient=mary.id)
    with pytest.MonkeyPatch.context() as patch:
        wanted: list[dialogs.Dialog] = []

        def take(title: str, draw: Any, *arguments: Any) -> None:
            wanted.append(dialogs.Dialog(title, draw, arguments))

        patch.setattr(dialogs, "ask", take)
        ask(mary.id, image_ids)
    app.session_state["dialog"] = wanted[0]
    app.run()
    assert not app.exception
    return app


def test_without_sets_the_page_says_how_to_make_one(desk: Desk) -> None:
    app = desk.open("sets")
    assert "There are no image sets yet." in texts(app)
    desk.sign_in(Role.REVIEWER)
    assert "No image set has been given to you yet." in texts(desk.open("sets"))


def test_a_set_is_made_from_a_selection(desk: Desk, mary: Patient, image_ids: list[UUID]) -> None:
    app = asking(desk, mary, image_ids, set_forms.ask_set)
    assert app.radio(key="set-purpose").options == [
        "Medical record: consent given on 6 Nov 2025",
        "Teaching: withdrawn on 9 Nov 2025",
        "Publication: no consent recorded",
    ]
    app.text_input(key="set-name").set_value("Heels")
    app.text_area(key="set-note").set_value("Surgery?")
    submit(app, "Make the set")
    (found,) = desk.services.image_sets.all(system()).items
    assert (found.name, found.note, found.size) == ("Heels", "Surgery?", 2)
    assert "Image set “Heels” was made." in said(app)
    assert app.query_params == {"set": str(found.id)}


def test_a_purpose_without_consent_is_refused_with_what_to_do(
    desk: Desk, mary: Patient, image_ids: list[UUID]
) -> None:
    app = asking(desk, mary, image_ids, set_forms.ask_set)
    app.text_input(key="set-name").set_value("Heels")
    app.radio(key="set-purpose").set_value("teaching")
    submit(app, "Make the set")
    assert "consent to teaching is missing or withdrawn" in app.error[0].value
    assert "Record the consent on the patient" in app.error[0].value
    assert desk.services.image_sets.all(system()).total == 0


def test_a_second_opinion_is_one_dialog_with_link_and_pin_once(
    desk: Desk, mary: Patient, image_ids: list[UUID]
) -> None:
    app = asking(desk, mary, image_ids, set_forms.ask_second_opinion)
    submit(app, "Make link and PIN")
    assert "for whom the link is" in app.error[0].value
    assert desk.services.image_sets.all(system()).total == 0
    app.text_input(key="set-label").set_value("Dr Berg")
    submit(app, "Make link and PIN")
    link, pin = (each.value for each in app.code)
    assert link.startswith("http://clinic.example/share/")
    ticket = desk.services.guests.open(visitor(), link.rpartition("/")[2], pin)
    assert desk.services.guests.look(visitor(), ticket.share_id, ticket.value).size == 2
    click(app, "set-done")
    assert link not in everything(app) and pin not in [each.value for each in app.code]


def test_without_consent_a_second_opinion_says_so_first(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 1)
    ids = list(desk.services.images.ids(system(), batch.id))
    app = asking(desk, mary, ids, set_forms.ask_second_opinion)
    assert "no consent recorded" in app.warning[0].value


def test_an_open_set_shows_pictures_hash_and_note(desk: Desk, made: ImageSet) -> None:
    app = desk.open("sets", set=made.id)
    shown = everything(app)
    assert made.hash in shown and "checked now: unchanged" in shown
    assert "Surgery\\?  \n\\*Soon\\*\\?" in texts(app)
    assert f"/api/image-sets/{made.id}/images/2/thumbnail/" in shown
    assert keyed(app, "picture-") == ["1", "2"]


def test_one_picture_large_with_its_neighbours(desk: Desk, made: ImageSet) -> None:
    app = click(desk.open("sets", set=made.id), "picture-1")
    assert app.query_params == {"set": str(made.id), "picture": "1"}
    assert f"/api/image-sets/{made.id}/images/1/picture/" in everything(app)
    assert app.button(key="step-Left").disabled
    click(app, "step-Right")
    assert "2 of 2" in texts(app)
    assert app.button(key="step-Right").disabled
    click(app, "all-pictures")
    assert keyed(app, "picture-") == ["1", "2"]


def test_a_set_is_given_and_taken_back(desk: Desk, made: ImageSet) -> None:
    app = click(desk.open("sets", set=made.id), "set-add-Reviewers")
    assert "There is no reviewer yet." in texts(app)
    reviewer = desk.sign_in(Role.REVIEWER)
    desk.sign_in(Role.ADMIN)
    app = click(desk.open("sets", set=made.id), "set-add-Reviewers")
    submit(app, "Give")
    assert "Given to Some reviewer." in said(app)
    assert desk.services.image_sets.all(reviewer).total == 1
    click(app, f"icon-red-undo-{reviewer.user_id}")
    click(app, "dialog-confirm")
    assert desk.services.image_sets.all(reviewer).total == 0
    assert "Nobody was given this image set." in texts(app)


def test_a_link_is_made_and_revoked_and_its_answer_is_shown(desk: Desk, made: ImageSet) -> None:
    app = click(desk.open("sets", set=made.id), "set-add-Links for guests")
    app.text_input(key="set-label").set_value("Dr Berg")
    submit(app, "Make link and PIN")
    token, pin = app.code[0].value.rpartition("/")[2], app.code[1].value
    click(app, "set-done")
    ticket = desk.services.guests.open(visitor(), token, pin)
    desk.services.guests.answer(
        visitor(), ticket.share_id, ticket.value, Comment(name="Dr <Berg>", text="Operate\n# now")
    )
    app.run()
    assert "**Dr \\<Berg\\>** answered by the link for Dr Berg" in texts(app)
    assert "Operate  \n\\# now" in texts(app)
    click(app, f"icon-red-revoke-{ticket.share_id}")
    click(app, "dialog-confirm")
    assert desk.services.shares.all(system(), made.id)[0].state == "revoked"


def test_a_reviewer_starts_at_their_sets_and_sees_no_name(desk: Desk, mary: Patient, made: ImageSet) -> None:
    desk.services.shares.create(system(), made.id, NewShare(label="Dr Berg"))
    reviewer = desk.sign_in(Role.REVIEWER)
    assert reviewer.user_id
    desk.services.image_sets.give(system(), made.id, reviewer.user_id)
    app = click(desk.open(), f"name-{made.id}")
    assert keyed(app, "picture-") == ["1", "2"]
    shown = everything(app) + everything(click(app, "picture-1"))
    for word in ("Kowalski", "4471", "1961", "photo-0", str(mary.id), "M. K.", "Dr Berg"):
        assert word not in shown
    assert keyed(app, "set-add") == []


def test_a_withdrawn_consent_is_said_to_staff_and_shown_to_nobody(
    desk: Desk, mary: Patient, made: ImageSet
) -> None:
    withdrawn = ConsentFields.model_validate({"given_on": "2025-11-06", "withdrawn_on": "2025-11-09"})
    desk.services.patients.edit(system(), mary.id, PatientFields(consent_record=withdrawn))
    app = desk.open("sets", set=made.id)
    assert "0 of 2 pictures\\; 2 are withheld" in texts(app)
    assert "Withheld: the consent was withdrawn" in everything(app)
    assert keyed(app, "picture-") == []
    reviewer = desk.sign_in(Role.REVIEWER)
    assert reviewer.user_id
    desk.services.image_sets.give(system(), made.id, reviewer.user_id)
    assert "None of its pictures can be shown any more." in texts(desk.open("sets", set=made.id))


def test_a_set_that_is_not_there_is_said(desk: Desk, made: ImageSet) -> None:
    desk.sign_in(Role.REVIEWER)
    app = desk.open("sets", set=made.id)
    assert "does not exist\\, or was not given to you" in app.error[0].value
    assert click(app, "all-sets").query_params == {}


def test_a_consent_is_withdrawn_on_the_patients_form(desk: Desk, mary: Patient, made: ImageSet) -> None:
    app = click(desk.open("patients"), f"icon-edit-{mary.id}")
    assert "Once withdrawn" in texts(app)
    app.date_input(key=f"patient-consent_record-withdrawn-{mary.id}").set_value(date(2025, 11, 9))
    submit(app, "Save")
    found = desk.services.image_sets.get(system(), made.id)
    assert (found.shown, found.withheld) == (0, 2)
