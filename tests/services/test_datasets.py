"""The records as tables: who gets which rows and columns, and what the audit says of it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas
import pytest

from imgcore.db.tables import Analysis, Image, Impression
from imgcore.domain.access import Action, Actor, Role, system
from imgcore.domain.datasets import DATASETS, NAMES, Name, Part
from imgcore.domain.sets import NewImageSet
from imgcore.domain.values import BatchFields, ConsentFields, ImageFields, PatientFields
from imgcore.errors import Forbidden, Invalid, NotFound
from imgcore.services import dataset_readings
from imgcore.services.datasets import Extract
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both

EVERYTHING = Part()
NOON = datetime(2025, 11, 6, 12, tzinfo=UTC)
AGREED: dict[str, Any] = {"consent_record": {"given_on": "2025-11-06"}}


def extract(house: House, actor: Actor, name: Name, part: Part = EVERYTHING, *columns: str) -> Extract:
    if name == "events":
        return house.services.datasets.events(actor, part, "csv", columns)
    return house.services.datasets.extract(actor, name, part, "csv", columns)


def table(house: House, actor: Actor, name: Name, part: Part = EVERYTHING) -> list[dict[str, Any]]:
    found = extract(house, actor, name, part)
    names = [column.name for column in found.columns]
    return [dict(zip(names, row, strict=True)) for lot in found.lots for row in zip(*lot, strict=True)]


def told(house: House, actor: Actor, name: Name, column: str, part: Part = EVERYTHING) -> list[Any]:
    return [row[column] for row in table(house, actor, name, part)]


def analysis(house: House, patient_id: UUID, image_id: UUID | None, **fields: Any) -> UUID:
    values = {
        "analyser": "a",
        "analyser_version": "1",
        "input_sha256": "",
        "risk_level": "low",
        "confidence": 0.5,
    }
    at = {"created_at": house.clock(), "updated_at": house.clock()}
    row = Analysis(patient_id=patient_id, image_id=image_id,
                   **{**values, "predictions": {"b": 0.25, "a": 0.75}, **at, **fields})  # fmt: skip
    result_id = row.id
    with house.clinic.database.write() as session:
        session.add(row)
    return result_id


def texts(ids_: list[UUID]) -> list[str]:
    return [str(each) for each in ids_]


@on_both
def test_each_table_has_its_columns_and_every_row_once_however_it_is_cut(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_readings, "LOT", 2)
    batch = clinic.batch()
    images = clinic.images(batch.id, 5)
    results = [analysis(clinic, batch.patient_id, each.id) for each in images]
    days = Part(from_on=date(2000, 1, 1), to_on=clinic.clock().date())
    for name in NAMES:
        rows = table(clinic, clinic.admin, name)
        assert list(rows[0]) == [column.name for column in DATASETS[name].columns]
        lots = [len(lot[0]) for lot in extract(clinic, clinic.admin, name).lots]
        assert set(lots[:-1]) <= {2} and sum(lots) >= len(rows)
        if name not in ("images", "events"):
            assert sorted(map(str, table(clinic, clinic.admin, name, days))) == sorted(map(str, rows))
    assert told(clinic, clinic.admin, "images", "image_id") == texts(ids(images))
    assert told(clinic, clinic.admin, "analyses", "analysis_id") == texts(results)
    numbers = told(clinic, clinic.admin, "events", "event_id", days)
    assert numbers == sorted(set(numbers)) and len(numbers) > 7


@on_both
def test_ids_results_and_names_are_told_as_everywhere_else(clinic: House) -> None:
    image = clinic.image(caption="=1+1", category="casts")
    analysis(clinic, image.patient_id, image.id)
    (row,) = table(clinic, clinic.admin, "images")
    assert (row["image_id"], row["batch_id"], row["patient_id"]) == (
        str(image.id), str(image.batch_id), str(image.patient_id)
    )  # fmt: skip
    assert (row["caption"], row["category"], row["image_type"], row["is_damaged"]) == (
        "=1+1", "casts", None, False
    )  # fmt: skip
    assert (row["uploaded_by"], row["uploaded_by_name"]) == (str(clinic.admin.user_id), clinic.admin.name)
    assert row["uploaded_at"] == image.uploaded_at
    (result,) = table(clinic, clinic.admin, "analyses")
    assert (result["label"], result["score"], result["predictions"]) == ("a", 0.75, '{"a": 0.75, "b": 0.25}')
    assert (result["patient_id"], result["category"], result["is_hidden"]) == (
        str(image.patient_id), "casts", False
    )  # fmt: skip


@on_both
def test_a_part_is_what_was_asked_for(clinic: House) -> None:
    patient = clinic.patient(external_id="7")
    batch, other = clinic.batch(patient), clinic.batch()
    first, second = clinic.images(batch.id, 2)
    third = clinic.image(other.id, seed=9)
    early, late = date(2024, 2, 29), date(2024, 3, 1)
    services, admin = clinic.services, clinic.admin
    services.images.edit(admin, first.id, ImageFields(category="casts", date_taken=early))
    services.images.edit(admin, third.id, ImageFields(date_taken=late))
    services.batches.edit(admin, other.id, BatchFields(taken_on=early))
    results = [analysis(clinic, each.patient_id, each.id) for each in (first, third)]

    def images(**part: Any) -> list[str]:
        return told(clinic, admin, "images", "image_id", Part(**part))

    assert images(patient_ref="7") == images(batch_id=batch.id) == texts([first.id, second.id])
    assert images(category="casts") == images(to_on=early) == texts([first.id])
    assert images(from_on=early) == texts([first.id, third.id])
    assert images(from_on=late, to_on=late) == texts([third.id])
    assert images(patient_ref="7", from_on=late) == []
    assert told(clinic, admin, "batches", "batch_id", Part(to_on=early)) == [str(other.id)]
    assert told(clinic, admin, "analyses", "analysis_id", Part(patient_ref="7")) == texts(results[:1])
    assert told(clinic, admin, "analyses", "analysis_id", Part(batch_id=other.id)) == texts(results[1:])
    assert set(told(clinic, admin, "events", "patient_id", Part(patient_ref="7"))) == {str(patient.id)}
    tomorrow = clinic.clock().date() + timedelta(days=1)
    assert told(clinic, admin, "patients", "name", Part(from_on=tomorrow)) == []
    with pytest.raises(NotFound):
        images(patient_ref="7", batch_id=other.id)
    with pytest.raises(NotFound):
        images(patient_ref="nobody")
    with pytest.raises(Invalid):
        extract(clinic, admin, "images", EVERYTHING, "image_id", "key")
    chosen = extract(clinic, admin, "images", EVERYTHING, "width", "image_id")
    assert [lot[0] for lot in chosen.lots] == [(64, 64, 64)]


@on_both
def test_a_mistake_in_a_filter_does_not_pass_for_an_empty_table(clinic: House) -> None:
    image = clinic.image(category="casts")
    analysis(clinic, image.patient_id, image.id)
    other = clinic.image(image.batch_id, 1)
    with clinic.clinic.database.write() as session:  # of the set that the clinic had before
        session.get_one(Image, other.id).category = "plasters"
    for name in ("images", "analyses"):
        with pytest.raises(Invalid) as told_wrong:
            extract(clinic, clinic.admin, name, Part(category="cast"))
        assert "casts" in told_wrong.value.hint
    assert len(told(clinic, clinic.admin, "images", "image_id", Part(category="plasters"))) == 1
    assert told(clinic, clinic.admin, "images", "image_id", Part(category="l_anterior")) == []
    backwards = Part(from_on=date(2025, 2, 1), to_on=date(2025, 1, 31))
    for name in NAMES:
        with pytest.raises(Invalid):
            extract(clinic, clinic.admin, name, backwards)


@on_both
def test_a_span_of_days_may_be_as_wide_as_days_are(clinic: House) -> None:
    image = clinic.image()
    analysis(clinic, image.patient_id, image.id)
    clinic.services.images.edit(clinic.admin, image.id, ImageFields(date_taken=date(1850, 1, 1)))
    ever = Part(from_on=date.min, to_on=date.max)
    for name in NAMES:
        assert told(clinic, clinic.admin, name, DATASETS[name].day, ever), name


def test_the_end_of_a_day_counts_in_and_the_next_midnight_does_not(clinic: House) -> None:
    patient_id = clinic.patient().id
    midnight = datetime(2025, 11, 7, tzinfo=UTC)
    last = analysis(clinic, patient_id, None, created_at=midnight - timedelta(microseconds=1))
    analysis(clinic, patient_id, None, created_at=midnight)
    day = Part(from_on=date(2025, 11, 6), to_on=date(2025, 11, 6))
    assert told(clinic, clinic.admin, "analyses", "analysis_id", day) == [str(last)]


def test_a_category_is_read_along_its_own_index(clinic: House) -> None:
    clinic.image(category="casts")
    with clinic.statements() as asked:
        assert len(table(clinic, clinic.admin, "images", Part(category="casts"))) == 1
    assert any("INDEXED BY ix_image_category_uploaded_at_id" in each for each in asked)


def test_what_lies_in_the_trash_is_in_no_table(clinic: House) -> None:
    batch, gone = clinic.batch(), clinic.batch()
    first, second = clinic.images(batch.id, 2)
    lost = clinic.image(gone.id, seed=5)
    for each in (first, second, lost):
        analysis(clinic, each.patient_id, each.id)
    kept = analysis(clinic, batch.patient_id, None)
    analysis(clinic, gone.patient_id, None)
    clinic.services.trash.images(clinic.admin, [second.id])
    clinic.services.trash.patient(clinic.admin, gone.patient_id)
    assert told(clinic, clinic.admin, "images", "image_id") == [str(first.id)]
    assert told(clinic, clinic.admin, "batches", "batch_id") == [str(batch.id)]
    assert told(clinic, clinic.admin, "patients", "patient_id") == [str(batch.patient_id)]
    results = table(clinic, clinic.admin, "analyses")
    assert [row["image_id"] for row in results] == [str(first.id), None]
    assert results[1]["analysis_id"] == str(kept)


def given_set(house: House) -> tuple[Actor, UUID, list[UUID], UUID]:
    """Give a reviewer a set of two of three images; return who, the set, its images and the patient."""
    patient = house.patient("Ada Novak", **AGREED)
    images = house.images(house.batch(patient).id, 3)
    new = NewImageSet(name="Heels", purpose="record", image_ids=ids(images)[1::-1])
    reviewer = house.person(Role.REVIEWER)
    set_id = house.services.image_sets.create(house.admin, new).image_set.id
    assert reviewer.user_id is not None
    house.services.image_sets.give(house.admin, set_id, reviewer.user_id)
    return reviewer, set_id, new.image_ids, patient.id


@on_both
def test_reviewers_get_pseudonyms_and_the_sets_that_they_were_given(clinic: House) -> None:
    reviewer, set_id, chosen, patient_id = given_set(clinic)
    given_set(clinic)
    for each in chosen:
        analysis(clinic, patient_id, each)
    analysis(clinic, patient_id, None)
    for name in ("images", "analyses"):
        rows = table(clinic, reviewer, name)
        assert [row["place"] for row in rows] == [1, 2]
        assert {row["set_id"] for row in rows} == {str(set_id)}
        assert all(row["pseudonym"].startswith("P-") for row in rows)
        closed = [column.name for column in DATASETS[name].columns if not column.is_passed_on]
        assert {"patient_id", "image_id", "created_at" if name == "analyses" else "date_taken"} <= set(closed)
        assert {row[column] for row in rows for column in closed} == {None}
    assert set(told(clinic, reviewer, "analyses", "label")) == {"a"}
    staff = table(clinic, clinic.admin, "images", Part(set_id=set_id))
    assert [row["image_id"] for row in staff] == texts(chosen)
    assert [row["pseudonym"] for row in staff] == told(clinic, reviewer, "images", "pseudonym")


@pytest.mark.parametrize("name", ["batches", "patients"])
def test_reviewers_get_no_list_of_patients(clinic: House, name: Name) -> None:
    with pytest.raises(Forbidden):
        extract(clinic, given_set(clinic)[0], name)


def test_a_reviewer_cannot_find_out_by_a_filter_what_is_not_told(clinic: House) -> None:
    reviewer, _set_id, _images, patient_id = given_set(clinic)
    for part in (Part(from_on=date(2025, 1, 1)), Part(to_on=date(2025, 1, 1))):
        with pytest.raises(Invalid):
            extract(clinic, reviewer, "images", part)
    with pytest.raises(NotFound):
        extract(clinic, reviewer, "images", Part(patient_ref=str(patient_id)))
    with pytest.raises(NotFound):
        extract(clinic, reviewer, "images", Part(set_id=given_set(clinic)[1]))


def test_what_is_withheld_or_taken_back_is_told_no_longer(clinic: House) -> None:
    reviewer, set_id, _images, patient_id = given_set(clinic)
    assert reviewer.user_id is not None
    begun = extract(clinic, reviewer, "images").lots
    withdrawn = ConsentFields(given_on=date(2025, 11, 6), withdrawn_on=date(2025, 11, 7))
    clinic.services.patients.edit(clinic.admin, patient_id, PatientFields(consent_record=withdrawn))
    assert list(begun) == []
    assert table(clinic, clinic.admin, "images", Part(set_id=set_id)) == []
    other, other_set, *_rest = given_set(clinic)
    assert other.user_id is not None
    begun = extract(clinic, other, "images").lots
    clinic.services.image_sets.take_back(clinic.admin, other_set, other.user_id)
    assert list(begun) == []


@on_both
def test_in_care_teams_each_gets_their_own_patients(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor, colleague = clinic.person(Role.CLINICIAN), clinic.person(Role.CLINICIAN)
    mine, theirs = clinic.patient(actor=doctor, **AGREED), clinic.patient(actor=colleague, **AGREED)
    for actor, patient in ((doctor, mine), (colleague, theirs)):
        (image,) = clinic.images(clinic.batch(patient, actor).id, 1, actor)
        analysis(clinic, patient.id, image.id)
    for name in ("images", "batches", "patients", "analyses"):
        assert told(clinic, doctor, name, "patient_id") == [str(mine.id)]
        assert told(clinic, clinic.admin, name, "patient_id") == []
        assert sorted(told(clinic, system(), name, "patient_id")) == sorted(texts([mine.id, theirs.id]))
    with pytest.raises(NotFound):
        extract(clinic, doctor, "images", Part(patient_ref=str(theirs.id)))


@on_both
def test_results_wait_for_an_own_impression_where_the_clinic_wants_that(open_clinic: Opens) -> None:
    clinic = open_clinic(hide_results_until_impression=True)
    first, second = clinic.images(clinic.batch().id, 2)
    for each in (first, second):
        analysis(clinic, each.patient_id, each.id)
    doctor = clinic.person(Role.CLINICIAN)
    assert doctor.user_id is not None
    with clinic.clinic.database.write() as session:
        own: dict[str, Any] = {
            "image_id": second.id,
            "patient_id": second.patient_id,
            "user_id": doctor.user_id,
        }
        session.add(Impression(**own, text="benign", created_at=clinic.clock()))
    hidden, shown = table(clinic, doctor, "analyses")
    result = ("is_hidden", "label", "score", "predictions", "risk_level", "confidence")
    assert [hidden[name] for name in result] == [True, None, None, None, None, None]
    assert [shown[name] for name in result[:3]] == [False, "a", 0.75]
    assert told(clinic, system(), "analyses", "is_hidden") == [False, False]


def test_every_table_that_somebody_takes_stands_in_the_audit(clinic: House) -> None:
    reviewer, _set_id, chosen, patient_id = given_set(clinic)
    before = len(clinic.events())
    admin = clinic.admin
    extract(clinic, admin, "images")
    extract(clinic, admin, "patients")
    extract(clinic, admin, "analyses", Part(patient_ref=str(patient_id)))
    extract(clinic, reviewer, "images")
    extract(clinic, admin, "events")
    lines = clinic.events()[before:]
    taken = Action.TABLE_DOWNLOAD
    assert [(each.action, each.field_names, each.patient_id) for each in lines] == [
        (taken, ["images", "csv"], None),
        (taken, ["patients", "csv"], None),
        (taken, ["analyses", "csv"], patient_id),
        (taken, ["images", "csv"], patient_id),
        (Action.AUDIT_SEE, ["events", "csv"], None),
    ]
    assert lines[3].entity_ids == texts(chosen) and lines[3].actor_id == reviewer.user_id
    looks = clinic.services.looks.of_patient(admin, patient_id).items
    assert sum(each.what == "took the record along as a table" for each in looks) == 2


def test_a_table_in_which_nothing_is_shown_stands_in_the_audit_too(clinic: House) -> None:
    reviewer, set_id, _chosen, patient_id = given_set(clinic)
    withdrawn = ConsentFields(given_on=date(2025, 11, 6), withdrawn_on=date(2025, 11, 7))
    clinic.services.patients.edit(clinic.admin, patient_id, PatientFields(consent_record=withdrawn))
    before = len(clinic.events())
    extract(clinic, reviewer, "images")
    extract(clinic, clinic.person(Role.REVIEWER), "analyses")
    lines = [each for each in clinic.events()[before:] if each.action == Action.TABLE_DOWNLOAD]
    assert [(each.entity, each.entity_ids, each.field_names) for each in lines] == [
        ("image_set", [str(set_id)], ["images", "csv"]), ("image_set", [], ["analyses", "csv"])
    ]  # fmt: skip


def test_moments_are_all_written_in_one_form(clinic: House) -> None:
    patient_id = clinic.patient().id
    for at in (NOON, NOON + timedelta(microseconds=5)):
        analysis(clinic, patient_id, None, created_at=at)
    sheet = extract(clinic, clinic.admin, "analyses", EVERYTHING, "created_at").sheet("csv")
    read = pandas.read_csv(io.BytesIO(b"".join(sheet.chunks)), parse_dates=["created_at"])
    assert list(read["created_at"]) == [NOON, NOON + timedelta(microseconds=5)]


def test_a_spreadsheet_finds_no_formula_and_numbers_stay_numbers(clinic: House) -> None:
    for caption in ("=1+1", "+1", "-1", "@x"):
        clinic.image(seed=ord(caption[0]), caption=caption)
    sheet = extract(clinic, clinic.admin, "images", EVERYTHING, "caption", "width").sheet("csv")
    assert sheet.name == f"images {clinic.clock():%Y-%m-%d}.csv"
    lines = b"".join(sheet.chunks).decode("utf-8-sig").splitlines()
    assert lines == ["caption,width", "'=1+1,64", "'+1,64", "'-1,64", "'@x,64"]
