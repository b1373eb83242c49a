from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from imgcore.domain.values import ConsentFields, ImageFields, PatientFields
from imgcore.errors import Conflict, ImgcoreError, NotFound, Stale
from imgcore.services.pages import Turn
from tests.services.clinics import House, photo
from tests.services.databases import on_both


def names(clinic: House, text: str) -> list[str]:
    return [each.name for each in clinic.services.patients.find(clinic.admin, text).items]


SPELLINGS = """
łukasz | LUKASZ | gruß | gruss | o’brien | OBrien | brien luk | M-77 | m-77 lukasz | ext/9
1980-05-06 | 06/05/1980 | 6/5/1980 | 6.5.1980 | 06-05-1980 | 6 May 1980 | may 1980
"""


@on_both
def test_a_patient_is_found_however_it_is_typed(clinic: House) -> None:
    clinic.patient("Łukasz O'Brien-Gruß", mrn="M-77", external_id="EXT/9", birth_on=date(1980, 5, 6))
    clinic.patient("Somebody Else")
    typed = [text.strip() for text in SPELLINGS.replace("\n", "|").split("|") if text.strip()]
    assert len(typed) == 17
    assert [text for text in typed if names(clinic, text) != ["Łukasz O'Brien-Gruß"]] == []


@on_both
def test_search_takes_every_word_as_it_is(clinic: House) -> None:
    clinic.patient("Ada Novak", mrn="100%")
    clinic.patient("Ada Berg", mrn="1005")
    assert names(clinic, "ada novak") == ["Ada Novak"]
    assert names(clinic, "100%") == ["Ada Novak"]
    assert names(clinic, "Ad_") == []
    assert names(clinic, "nobody") == []


def test_an_accent_in_the_search_does_no_harm(clinic: House) -> None:
    clinic.patient("Zoe Muller")
    assert names(clinic, "Zoë Müller") == ["Zoe Muller"]


@on_both
def test_what_no_text_holds_is_refused_or_not_found(clinic: House) -> None:
    clinic.patient()
    for text in ("a\0b", "\ud800"):
        try:
            assert names(clinic, text) == []
        except ImgcoreError as error:
            assert error.code == "invalid"


@on_both
def test_the_longest_names_are_stored_and_found(clinic: House) -> None:
    clinic.patient("\ufdfa" * 255, mrn="\ufdfa" * 64)
    clinic.patient("각" * 255, mrn="77-end")
    assert names(clinic, "77-end") == ["각" * 255]


@on_both
def test_pages_show_every_patient_once(clinic: House) -> None:
    added = {clinic.patient(f"Name {number % 5}").id for number in range(12)}
    find = clinic.services.patients.find
    by_number = [find(clinic.admin, "", Turn(page, 5)) for page in (1, 2, 3)]
    assert [len(page.items) for page in by_number] == [5, 5, 2]
    assert {page.total for page in by_number} == {12}
    assert by_number[0].total_pages == 3
    assert {each.id for page in by_number for each in page.items} == added

    page = find(clinic.admin, "", Turn(page_size=5))
    seen = list(page.items)
    while page.next_cursor:
        page = find(clinic.admin, "", Turn(page_size=5, cursor=page.next_cursor))
        seen += page.items
    assert [each.id for each in seen] == [each.id for page in by_number for each in page.items]
    assert by_number[2].next_cursor is None


@on_both
def test_a_cursor_misses_nobody_when_patients_come_and_go(clinic: House) -> None:
    there = {name: clinic.patient(name) for name in "bdfhj"}
    find = clinic.services.patients.find
    first = find(clinic.admin, "", Turn(page_size=2))
    clinic.patient("a")
    clinic.services.trash.patient(clinic.admin, there["b"].id)
    rest = find(clinic.admin, "", Turn(page_size=10, cursor=first.next_cursor))
    assert [each.name for each in first.items + rest.items] == list("bdfhj")


@on_both
def test_a_number_belongs_to_one_patient(clinic: House) -> None:
    edit = clinic.services.patients.edit
    for number in ("mrn", "external_id"):
        seven: dict[str, Any] = {number: "7"}
        first, second = clinic.patient(**seven), clinic.patient()
        with pytest.raises(Conflict):
            clinic.patient(**seven)
        with pytest.raises(Conflict):
            edit(clinic.admin, second.id, PatientFields(**seven))
        edit(clinic.admin, first.id, PatientFields(**seven))
        clinic.services.trash.patient(clinic.admin, first.id)
        with pytest.raises(Conflict):
            clinic.patient(**seven)


def test_patients_without_numbers_are_many(clinic: House) -> None:
    assert clinic.patient(mrn=" ").mrn is clinic.patient(external_id="").external_id is None


@on_both
def test_an_external_id_is_accepted_for_an_id(clinic: House) -> None:
    patient = clinic.patient(external_id="old-system/12")
    services = clinic.services
    assert services.patients.get(clinic.admin, "old-system/12") == patient
    assert services.patients.get(clinic.admin, str(patient.id)) == patient
    assert services.patients.counts(clinic.admin, "old-system/12").batches == 0
    assert services.batches.of_patient(clinic.admin, "old-system/12").total == 0
    with pytest.raises(NotFound):
        services.patients.get(clinic.admin, "old-system/13")


@on_both
def test_an_id_is_never_taken_for_another_patients_external_id(clinic: House) -> None:
    impostors = [clinic.patient(f"Impostor {number}") for number in range(2)]
    patient = clinic.patient("Ada Novak")
    for impostor, ref in zip(impostors, (str(patient.id), patient.id.hex), strict=True):
        clinic.services.patients.edit(clinic.admin, impostor.id, PatientFields(external_id=ref))
    # Rewritten last, so that no order of the rows by itself puts this one first.
    clinic.services.patients.edit(clinic.admin, patient.id, PatientFields(notes="last"))
    for ref in (str(patient.id), patient.id.hex, str(patient.id).upper()):
        assert clinic.services.patients.get(clinic.admin, ref).name == "Ada Novak"


@on_both
def test_a_change_to_an_older_version_is_refused(clinic: House) -> None:
    patient = clinic.patient()
    edit = clinic.services.patients.edit
    changed, change_id = edit(clinic.admin, patient.id, PatientFields(name="Ada Berg"), version=1)
    assert (changed.name, changed.version) == ("Ada Berg", 2)
    with pytest.raises(Stale):
        edit(clinic.admin, patient.id, PatientFields(name="Ada Lind"), version=1)
    assert edit(clinic.admin, patient.id, PatientFields(sex="female"))[0].name == "Ada Berg"
    clinic.services.history.undo(clinic.admin, change_id)
    undone = clinic.services.patients.get(clinic.admin, patient.id)
    assert (undone.name, undone.sex) == ("Ada Novak", "female")


def test_an_edit_changes_only_what_it_names(clinic: House) -> None:
    agreed = ConsentFields(given_on=date(2024, 1, 2))
    patient = clinic.patient(mrn="7", notes="left foot", consent_teaching=agreed)
    edit = clinic.services.patients.edit
    withdrawn = ConsentFields(withdrawn_on=date(2025, 1, 2))
    changed, _change = edit(clinic.admin, patient.id, PatientFields(mrn=None, consent_teaching=withdrawn))
    assert (changed.mrn, changed.notes) == (None, "left foot")
    assert changed.consent_teaching.given_on == date(2024, 1, 2)
    assert not changed.consent_teaching.holds
    assert names(clinic, "7") == []
    same, change_id = edit(clinic.admin, patient.id, PatientFields(notes="left foot"))
    assert (same.version, change_id) == (changed.version, None)


@on_both
def test_counts_are_true_after_everything_that_changes_them(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    patient, other = clinic.patient(), clinic.patient("Bo Lind")
    batch, second, foreign = clinic.batch(patient), clinic.batch(patient), clinic.batch(other)

    def counted() -> tuple[int, int, int]:
        counts = services.patients.counts(admin, patient.id)
        listed = services.batches.of_patient(admin, patient.id)
        assert listed.total == counts.batches == len(listed.items)
        assert sum(each.image_count for each in listed.items) == counts.images
        assert sum(each.file_size for each in listed.items) == counts.file_size
        assert sum(each.uncategorised for each in listed.items) == counts.uncategorised
        return counts.batches, counts.images, counts.uncategorised

    assert counted() == (2, 0, 0)
    images = clinic.images(batch.id, 4)
    assert counted() == (2, 4, 4)
    clinic.upload(batch.id, photo(0), b"not a picture")
    assert counted() == (2, 4, 4)
    services.images.edit(admin, images[0].id, ImageFields(category="casts"))
    assert counted() == (2, 4, 3)
    services.trash.images(admin, [images[0].id])
    assert counted() == (2, 3, 3)
    services.images.move(admin, [images[1].id], second.id)
    assert counted() == (2, 3, 3)
    services.images.move(admin, [images[2].id], foreign.id, "wrong patient")
    assert counted() == (2, 2, 2)
    services.trash.batch(admin, batch.id)
    assert counted() == (1, 1, 1)
    services.trash.restore_batch(admin, batch.id)
    services.trash.restore_images(admin, [images[0].id])
    assert counted() == (2, 3, 2)
    services.batches.move(admin, second.id, other.id, "wrong patient")
    assert counted() == (1, 2, 1)


def test_the_last_upload_is_told(clinic: House) -> None:
    patient = clinic.patient()
    assert clinic.services.patients.counts(clinic.admin, patient.id).last_upload_at is None
    image = clinic.images(clinic.batch(patient).id, 2)[1]
    assert clinic.services.patients.counts(clinic.admin, patient.id).last_upload_at == image.uploaded_at


@on_both
def test_the_patients_opened_last_come_first(clinic: House) -> None:
    ada, bo, cy = (clinic.patient(name) for name in ("Ada", "Bo", "Cy"))
    someone = clinic.person(role=clinic.admin.role)
    recent = clinic.services.patients.recent
    for opened in (ada, cy, bo, ada):
        clinic.services.patients.get(someone, opened.id)
    assert [each.name for each in recent(someone)] == ["Ada", "Bo", "Cy"]
    clinic.services.trash.patient(clinic.admin, bo.id)
    assert [each.name for each in recent(someone)] == ["Ada", "Cy"]
