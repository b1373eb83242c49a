"""Who looked at a patient: told to those who may see the patient, in words, and as receipts."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from imgcore.db.journal import Event
from imgcore.domain.access import Actor, Role, visitor
from imgcore.domain.looks import Look
from imgcore.errors import Forbidden, NotFound, Unauthenticated
from imgcore.services import audit
from imgcore.services.images import Filter
from imgcore.services.looks import MOST_IN_A_PDF
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


def looks(clinic: House, patient_id: UUID, actor: Actor | None = None) -> list[tuple[str, str]]:
    """Return who did what, the latest first."""
    page = clinic.services.looks.of_patient(actor or clinic.admin, patient_id, Turn(page_size=100))
    return [(each.person.shown, each.what) for each in page.items]


def sheet(chunks: object) -> list[list[str]]:
    content = b"".join(chunks)  # type: ignore[arg-type]
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@on_both
def test_what_everybody_did_is_told_in_words(clinic: House) -> None:
    anna = clinic.person(Role.CLINICIAN, name="Anna Meyer")
    batch = clinic.batch()
    images = clinic.images(batch.id, 3)
    clinic.services.images.list(anna, Filter(batch_id=batch.id))
    clinic.services.files.original(anna, images[0].id)
    clinic.services.downloads.batch(anna, batch.id)
    with pytest.raises(Forbidden):
        clinic.services.looks.of_patient(clinic.person(Role.REVIEWER), batch.patient_id)
    assert looks(clinic, batch.patient_id)[:3] == [
        ("Anna Meyer", "downloaded 3 pictures in a ZIP"),
        ("Anna Meyer", "downloaded 1 picture"),
        ("Anna Meyer", "viewed 3 pictures"),
    ]
    assert looks(clinic, batch.patient_id)[0] == ("Some admin", "looked up who looked")


@on_both
def test_lists_across_patients_count_for_each_of_them(clinic: House) -> None:
    anna = clinic.person(Role.CLINICIAN, name="Anna Meyer")
    mine, other = clinic.image(seed=1), clinic.image(seed=2)
    unseen = clinic.patient()
    clinic.services.images.list(anna, Filter())
    for image in (mine, other):
        assert looks(clinic, image.patient_id)[0] == ("Anna Meyer", "viewed 2 pictures")
    assert "Anna Meyer" not in dict(looks(clinic, unseen.id))


@on_both
def test_one_picture_has_its_own_list(clinic: House) -> None:
    batch = clinic.batch()
    seen, unseen = clinic.images(batch.id, 2)
    anna = clinic.person(Role.CLINICIAN, name="Anna Meyer")
    clinic.services.files.display(anna, seen.id)

    def who(image_id: UUID) -> set[str]:
        page = clinic.services.looks.of_patient(clinic.admin, batch.patient_id, None, image_id)
        return {each.person.shown for each in page.items}

    assert who(seen.id) == {"Some admin", "Anna Meyer"}
    assert who(unseen.id) == {"Some admin"}
    assert who(uuid4()) == set()


def test_a_list_of_names_is_no_look(clinic: House) -> None:
    patient = clinic.patient()
    anna = clinic.person(Role.CLINICIAN, name="Anna Meyer")
    clinic.services.patients.find(anna)
    assert "Anna Meyer" not in dict(looks(clinic, patient.id))


@on_both
def test_only_who_may_see_the_patient_may_know_who_looked(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor, stranger = clinic.person(Role.CLINICIAN), clinic.person(Role.CLINICIAN, name="Eve Strange")
    patient = clinic.patient(actor=doctor)
    for ask in (
        lambda who: clinic.services.looks.of_patient(who, patient.id),
        lambda who: clinic.services.looks.table(who, patient.id),
        lambda who: clinic.services.looks.document(who, patient.id),
    ):
        ask(doctor)
        for hidden in (stranger, clinic.admin):
            with pytest.raises(NotFound):
                ask(hidden)
        with pytest.raises(Forbidden):
            ask(clinic.person(Role.REVIEWER))
        with pytest.raises(Unauthenticated):
            ask(visitor())
    told = looks(clinic, patient.id, doctor)
    assert ("Eve Strange", "asked for this patient’s record and was refused") in told


def test_a_patient_cannot_see_who_looked(clinic: House) -> None:
    patient = clinic.patient()
    with pytest.raises(Forbidden):
        clinic.services.looks.of_patient(clinic.person(Role.PATIENT, patient_id=str(patient.id)), patient.id)


@on_both
def test_pages_follow_each_other_without_gap_or_repeat(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOT", 4)
    patient = clinic.patient()
    for _ in range(9):
        clinic.clock.forward(minutes=11)
        clinic.services.patients.get(clinic.admin, patient.id)
    found: list[Look] = []
    turn = Turn(page_size=4)
    while True:
        page = clinic.services.looks.of_patient(clinic.admin, patient.id, turn)
        found += page.items
        if page.next_cursor is None:
            break
        turn = Turn(page_size=4, cursor=page.next_cursor)
    # The pages after the first count the line that the first one left.
    assert (len(found), page.total) == (10, 11)
    assert all(later.at > earlier.at for later, earlier in pairwise(found))
    rows = sheet(clinic.services.looks.table(clinic.admin, patient.id).chunks)
    assert [row[3] for row in rows[1:]].count("opened the record") == 9


def test_looking_is_one_line_in_ten_minutes_and_each_receipt_is_one(clinic: House) -> None:
    patient = clinic.patient(mrn="4471")
    for _ in range(3):
        looks(clinic, patient.id)
    names = [
        clinic.services.looks.table(clinic.admin, patient.id).name,
        clinic.services.looks.document(clinic.admin, patient.id).name,
    ]
    lines = clinic.events(Event.action == "looks.see")
    assert [(line.patient_id, line.field_names) for line in lines] == [
        (patient.id, []), (patient.id, ["csv"]), (patient.id, ["pdf"])
    ]  # fmt: skip
    assert [name.rpartition(".")[2] for name in names] == ["csv", "pdf"]
    assert all("4471" in name and "Novak" not in name for name in names)


def test_the_table_keeps_every_letter_and_runs_no_formula(clinic: House) -> None:
    for name in ("Привет Łukasz", "王小明", "=HYPERLINK(1)"):
        clinic.person(Role.CLINICIAN, name=name)
    patient = clinic.patient()
    for actor in [user for user in clinic.services.audit.people(clinic.admin) if user.id]:
        clinic.services.patients.get(clinic.services.sign_in.by_id(visitor(), actor.id), patient.id)  # type: ignore[arg-type]
    rows = sheet(clinic.services.looks.table(clinic.admin, patient.id).chunks)
    assert {row[1] for row in rows[1:]} >= {"Привет Łukasz", "王小明", "'=HYPERLINK(1)"}


def test_the_document_is_drawn_whatever_the_names(clinic: House) -> None:
    patient = clinic.patient("王小明 مرحبا Łukasz 😀")
    anna = clinic.person(Role.CLINICIAN, name="Привет " + "x" * 200)
    clinic.services.patients.get(anna, patient.id)
    sent = clinic.services.looks.document(clinic.admin, patient.id)
    content = b"".join(sent.chunks)
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert MOST_IN_A_PDF == 10_000


def test_a_patient_in_the_trash_can_still_be_asked_about(clinic: House) -> None:
    patient = clinic.patient()
    clinic.services.trash.patient(clinic.admin, patient.id)
    assert looks(clinic, patient.id)[0] == ("Some admin", "put the patient into the trash")
