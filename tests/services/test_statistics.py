"""The figures of the dashboard agree with what is stored, for whoever may see it, in every time zone."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from imgcore.db.journal import Event
from imgcore.db.tables import Analysis, Batch, Image
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.analyses import NewImpression
from imgcore.domain.sets import NewImageSet
from imgcore.domain.statistics import OF_SETS, Asked, Figure, Periods, Step, Table
from imgcore.errors import Forbidden, Invalid, NotFound
from imgcore.services import figure_scopes, image_figures, result_figures
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both

NOON = datetime(2025, 11, 6, 12, tzinfo=UTC)
AGREED: dict[str, Any] = {"consent_record": {"given_on": "2025-01-01"}}


def figure(house: House, which: Figure, actor: Actor | None = None, **asked: Any) -> Table:
    """Count anew: a whole clinic is counted once a minute."""
    house.clock.forward(minutes=2)
    return house.services.statistics.table(actor or house.admin, which, Asked(**asked))


def rows(house: House, which: Figure, actor: Actor | None = None, **asked: Any) -> list[tuple[Any, ...]]:
    return list(figure(house, which, actor, **asked).rows)


def date_all(house: House, at: datetime, *image_ids: UUID) -> None:
    """Let images have been uploaded, and batches been made, at another time."""
    with house.clinic.database.write() as session:
        for image in session.exec(select(Image).where(col(Image.id).in_(image_ids))):
            image.uploaded_at = at
            session.get_one(Batch, image.batch_id).created_at = at


def result(house: House, image_id: UUID | None, at: datetime = NOON, **fields: Any) -> None:
    with house.clinic.database.write() as session:
        patient_id = fields.pop("patient_id", None)
        if image_id is not None:
            patient_id = session.get_one(Batch, session.get_one(Image, image_id).batch_id).patient_id
        values = {"analyser": "skin", "analyser_version": "1", "input_sha256": "0" * 64} | fields
        session.add(
            Analysis(patient_id=patient_id, image_id=image_id, created_at=at, updated_at=at, **values)
        )


@on_both
def test_images_and_batches_are_counted_by_the_time_they_were_added(open_clinic: Opens) -> None:
    house = open_clinic()
    first, second = house.batch(), house.batch()
    early, late = ids(house.images(first.id, 2)), ids(house.images(second.id, 3, first=5))
    date_all(house, NOON, *early)
    date_all(house, NOON + timedelta(days=31), *late)
    for image_id in late[:2]:
        house.services.images.edit_many(house.admin, [image_id], fields("casts"))
    asked: dict[str, Any] = {"from_on": date(2025, 11, 1), "to_on": date(2025, 12, 31)}
    table = figure(house, Figure.GROWTH, **asked)
    assert table.step is Step.DAY
    by_day = {row[0]: row[1:] for row in table.rows}
    assert by_day[date(2025, 11, 6)] == (2, 2, 1)
    assert by_day[date(2025, 12, 7)] == (3, 1, 1)
    assert table.total("images") == 5
    assert table.rows[0][0] == date(2025, 11, 6)  # days before the first image are not shown
    one = rows(house, Figure.GROWTH, patient_ref=str(first.patient_id), **asked)
    assert [row for row in one if row[1]] == [(date(2025, 11, 6), 2, 2, 1)]
    house.services.trash.images(house.admin, early)
    assert figure(house, Figure.GROWTH, **asked).total("images") == 3
    assert rows(house, Figure.GROWTH, from_on=date(2025, 11, 6), to_on=date(2025, 11, 6)) == [
        (date(2025, 11, 6), 0, 0, 1)
    ]


def fields(category: str) -> Any:
    from imgcore.domain.values import ImageFields

    return ImageFields(category=category)


@on_both
@pytest.mark.parametrize("limited", [False, True])
def test_a_day_begins_where_the_person_sits(open_clinic: Opens, limited: bool) -> None:
    house = open_clinic()
    batch = house.batch()
    image = house.image(batch.id)
    late = datetime(2025, 11, 6, 18, 20, tzinfo=UTC)  # past midnight in Kathmandu, not yet in Kolkata
    date_all(house, late, image.id)
    patient = str(batch.patient_id) if limited else None
    for zone, day in (("UTC", 6), ("Asia/Kathmandu", 7), ("Asia/Kolkata", 6), ("America/New_York", 6)):
        span: dict[str, Any] = {"from_on": date(2025, 11, 1), "to_on": date(2025, 11, 20)}
        found = rows(house, Figure.GROWTH, zone=zone, patient_ref=patient, **span)
        assert [(row[0].day, *row[1:]) for row in found if row[1]] == [(day, 1, 1, 1)], zone


@on_both
def test_what_there_is_of_each_kind(open_clinic: Opens) -> None:
    house = open_clinic()
    vera = house.person(Role.CLINICIAN)
    big, small = house.patient("Big Ben"), house.patient("Small Sue")
    of_big, of_small = house.batch(big), house.batch(small)
    house.images(of_big.id, 3, vera)
    png = house.services.uploads.store(house.admin, of_small.id, [house.offered(photo_png(), "a.png")])
    assert png.uploaded
    house.image(of_small.id, seed=40, category="casts")
    assert rows(house, Figure.CATEGORIES) == [("Other", 4), ("Casts", 1)]
    people = rows(house, Figure.CLINICIANS)
    assert [row[:2] for row in people] == [("Some clinician", 3), ("Some admin", 2)]
    formats = {row[0]: row[1] for row in rows(house, Figure.FORMATS)}
    assert formats == {"JPEG": 4, "PNG": 1}
    patients = rows(house, Figure.PATIENTS)
    stored = house.rows(Image)
    assert sum(row[2] for row in patients) == sum(each.file_size for each in stored)
    assert {row[0]: row[1] for row in patients} == {"Big Ben": 3, "Small Sue": 2}
    assert [row[2] for row in patients] == sorted((row[2] for row in patients), reverse=True)
    assert rows(house, Figure.CATEGORIES, patient_ref=str(small.id)) == [("Casts", 1), ("Other", 1)]


def photo_png() -> bytes:
    from tests.services.clinics import photo

    return photo(77, kind="PNG")


@on_both
def test_patients_beyond_the_largest_are_one_row(open_clinic: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    house = open_clinic()
    for number in range(4):
        house.images(house.batch(house.patient(f"Patient {number}")).id, number + 1, first=10 * number)
    monkeypatch.setattr(image_figures, "LARGEST", 2)
    found = rows(house, Figure.PATIENTS)
    assert [row[:2] for row in found] == [("Patient 3", 4), ("Patient 2", 3), ("2 others", 3)]
    assert sum(row[2] for row in found) == sum(each.file_size for each in house.rows(Image))


@on_both
def test_scores_of_capture_quality_are_counted_in_tenths(open_clinic: Opens) -> None:
    house = open_clinic()
    images = house.images(house.batch().id, 4)
    scores = ({"sharpness": 0.0}, {"sharpness": 0.55, "exposure": 1.0}, {"sharpness": 0.59})
    for image, predictions in zip(images, scores, strict=False):
        result(house, image.id, analyser="capture-quality", predictions=predictions)
    result(house, images[3].id, analyser="capture-quality", predictions=None, error="It could not be read.")
    result(house, images[3].id, predictions={"sharpness": 0.9})  # of another model
    table = figure(house, Figure.QUALITY)
    assert [row for row in table.rows if row[2]] == [
        ("exposure", 0.9, 1), ("sharpness", 0.0, 1), ("sharpness", 0.5, 2)
    ]  # fmt: skip
    assert table.sample == result_figures.SAMPLE
    house.services.trash.images(house.admin, [images[1].id])
    assert figure(house, Figure.QUALITY).total("results") == 2


@on_both
@pytest.mark.parametrize("access", ["clinic", "care_team"])
def test_risk_levels_are_counted_without_what_lies_in_the_trash(open_clinic: Opens, access: str) -> None:
    house = open_clinic(access=access)
    patient = house.patient()
    first, second, third = house.images(house.batch(patient).id, 3)
    result(house, first.id, risk_level="high")
    result(house, second.id, NOON + timedelta(days=1), risk_level="low")
    result(house, third.id, risk_level=None)
    result(house, None, patient_id=patient.id, risk_level="high")  # kept elsewhere before, without an image
    days: dict[str, Any] = {"to_on": date(2025, 11, 30)}
    whole = [(date(2025, 11, 6), "high", 2), (date(2025, 11, 7), "low", 1)]
    assert rows(house, Figure.RISKS, **days) == whole
    assert rows(house, Figure.RISKS, patient_ref=str(patient.id), **days) == whole
    assert rows(house, Figure.RISKS, from_on=date(2025, 11, 7), **days) == whole[1:]
    house.services.trash.images(house.admin, [first.id])
    assert rows(house, Figure.RISKS, **days) == [(date(2025, 11, 6), "high", 1), whole[1]]
    house.services.trash.patient(house.admin, patient.id)
    assert rows(house, Figure.RISKS, **days) == []


@on_both
def test_two_models_are_compared_on_the_same_images(open_clinic: Opens) -> None:
    house = open_clinic()
    images = house.images(house.batch().id, 3)
    for image, old, new in zip(images, "aab", "abb", strict=True):
        result(house, image.id, NOON - timedelta(days=1), analyser_version="2", predictions={"z": 1.0})
        result(house, image.id, predictions={old: 0.8, "z": 0.1})
        result(house, image.id, analyser_version="2", predictions={new: 0.8, "z": 0.1})
    result(house, images[0].id, analyser_version="3", predictions={"b": 0.5, "a": 0.5})
    assert rows(house, Figure.AGREEMENT) == [
        ("skin 1", "skin 2", 3, 2), ("skin 1", "skin 3", 1, 1), ("skin 2", "skin 3", 1, 1)
    ]  # fmt: skip


@on_both
def test_files_that_were_refused_are_counted(open_clinic: Opens) -> None:
    house = open_clinic()
    batch = house.batch()
    received = house.upload(batch.id, b"no picture", b"none either", photo_png())
    assert len(received.failed) == 2
    house.images(house.batch().id, 1)
    (row,) = rows(house, Figure.FAILURES)
    assert row[1:] == ("refused", 2)
    assert rows(house, Figure.FAILURES, patient_ref=str(batch.patient_id)) == [row]
    assert rows(house, Figure.FAILURES, patient_ref=str(house.patient("Zoe").id)) == []


@on_both
def test_a_team_counts_its_own_patients_alone(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    vera, tom = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    hers = house.batch(house.patient("Hers", vera), vera)
    image = house.images(hers.id, 2, vera)[0]
    result(house, image.id, risk_level="high", predictions={"a": 1.0})
    house.upload(hers.id, b"no picture", actor=vera)
    for which in (Figure.GROWTH, Figure.CATEGORIES, Figure.PATIENTS, Figure.RISKS, Figure.FAILURES):
        assert rows(house, which, vera), which
        assert rows(house, which, tom) == [], which
    with pytest.raises(NotFound):
        rows(house, Figure.CATEGORIES, tom, patient_ref=str(hers.patient_id))
    assert house.events()[-1].outcome == "refused"


@on_both
def test_a_reviewer_counts_a_set_that_was_given_and_learns_neither_names_nor_days(
    open_clinic: Opens,
) -> None:
    house = open_clinic()
    patient = house.patient("Ada Novak", **AGREED)
    shown, trashed, outside = house.images(house.batch(patient).id, 3)
    made = house.services.image_sets.create(
        house.admin, NewImageSet(name="Study", purpose="record", image_ids=[shown.id, trashed.id])
    )
    for image in (shown, trashed, outside):
        result(house, image.id, risk_level="high", predictions={"a": 1.0})
        result(house, image.id, analyser="capture-quality", predictions={"sharpness": 0.5})
    house.services.trash.images(house.admin, [trashed.id])
    reviewer, set_id = house.person(Role.REVIEWER), made.image_set.id
    with pytest.raises(NotFound):
        rows(house, Figure.CATEGORIES, reviewer, set_id=set_id)
    assert reviewer.user_id is not None
    house.services.image_sets.give(house.admin, set_id, reviewer.user_id)
    found = {which: rows(house, which, reviewer, set_id=set_id) for which in OF_SETS}
    assert found[Figure.CATEGORIES] == [("Other", 1)]
    assert found[Figure.RISKS] == [(None, "high", 1)]
    assert sum(row[2] for row in found[Figure.QUALITY]) == 1
    pseudonym = house.services.image_sets.items(reviewer, set_id).items[0].pseudonym
    assert [row[:2] for row in found[Figure.PATIENTS]] == [(pseudonym, 1)]
    assert "Novak" not in str(found)
    for which in set(Figure) - set(OF_SETS):
        with pytest.raises(Forbidden):
            rows(house, which, reviewer, set_id=set_id)
    for which in Figure:
        assert rows(house, which, reviewer) == []
    with pytest.raises(NotFound):
        rows(house, Figure.CATEGORIES, reviewer, set_id=set_id, patient_ref=str(patient.id))


@on_both
def test_figures_do_not_tell_what_waits_for_an_own_impression(open_clinic: Opens) -> None:
    house = open_clinic(hide_results_until_impression=True)
    vera, patient = house.person(Role.CLINICIAN), house.patient()
    image = house.images(house.batch(patient).id, 1)[0]
    result(house, image.id, risk_level="high", predictions={"a": 1.0})
    result(house, image.id, analyser="other", predictions={"a": 1.0})
    result(house, image.id, analyser="capture-quality", predictions={"sharpness": 0.5})
    result(house, None, patient_id=patient.id, risk_level="low", predictions={"a": 1.0})
    day: dict[str, Any] = {"from_on": NOON.date(), "to_on": NOON.date()}
    wide: list[dict[str, Any]] = [{}, day, {"patient_ref": str(patient.id)}]
    for asked in wide:
        assert [row[1:] for row in rows(house, Figure.RISKS, vera, **asked)] == [("low", 1)]
        assert rows(house, Figure.QUALITY, vera, **asked) == []
        assert rows(house, Figure.AGREEMENT, vera, **asked) == []
    house.services.impressions.add(vera, image.id, NewImpression(text="Looks harmless"))
    for asked in wide:
        assert [row[1:] for row in rows(house, Figure.RISKS, vera, **asked)] == [("high", 1), ("low", 1)]
        assert sum(row[2] for row in rows(house, Figure.QUALITY, vera, **asked)) == 1
        assert [row[2:] for row in rows(house, Figure.AGREEMENT, vera, **asked)] == [(1, 1)]
    other = house.person(Role.CLINICIAN)
    told = house.services.statistics.table(other, Figure.RISKS, Asked())
    assert [row[1:] for row in told.rows] == [("low", 1)], "not what was counted for somebody else"


def test_a_whole_clinic_is_counted_once_a_minute(clinic: House) -> None:
    batch = clinic.batch()
    clinic.images(batch.id, 1)
    services, asked = clinic.services, Asked()
    first = services.statistics.table(clinic.admin, Figure.CATEGORIES, asked)
    clinic.images(batch.id, 1, first=9)
    assert services.statistics.table(clinic.admin, Figure.CATEGORIES, asked) == first
    clinic.clock.forward(minutes=1)
    second = services.statistics.table(clinic.admin, Figure.CATEGORIES, asked)
    assert second.total("images") == 2
    assert second.at > first.at


def test_looks_are_noted_once_and_files_every_time(clinic: House) -> None:
    patient = clinic.patient()
    clinic.images(clinic.batch(patient).id, 1)
    statistics, asked = clinic.services.statistics, Asked(patient_ref=str(patient.id))
    for _look in range(2):
        statistics.table(clinic.admin, Figure.CATEGORIES, asked)
    sheets = [statistics.csv(clinic.admin, Figure.PATIENTS, asked) for _file in range(2)]
    lines = clinic.events(Event.action == Action.DASHBOARD_SEE)
    assert [line.field_names for line in lines] == [[], ["patients", "csv"], ["patients", "csv"]]
    assert {line.patient_id for line in lines} == {patient.id}
    content = list(csv.reader(io.StringIO(b"".join(sheets[0].chunks).decode("utf-8-sig"))))
    assert content[0] == ["patient", "images", "bytes"]
    assert content[1][:2] == ["Ada Novak", "1"]


def test_the_names_of_a_whole_clinic_are_noted(clinic: House) -> None:
    patient = clinic.patient()
    clinic.images(clinic.batch(patient).id, 1)
    clinic.services.statistics.table(clinic.admin, Figure.PATIENTS, Asked())
    (line,) = clinic.events(Event.action == Action.DASHBOARD_SEE)
    assert (line.entity, line.entity_ids) == ("patient", [str(patient.id)])


def test_what_makes_no_sense_is_refused(clinic: House) -> None:
    for asked in (
        Asked(zone="Mars/Olympus"),
        Asked(zone="../../secret"),
        Asked(zone=""),
        Asked(from_on=date(2025, 2, 1), to_on=date(2025, 1, 1)),
    ):
        with pytest.raises(Invalid):
            clinic.services.statistics.table(clinic.admin, Figure.GROWTH, asked)
    assert rows(clinic, Figure.GROWTH) == []


def test_bars_are_days_then_weeks_then_months() -> None:
    last = date(2025, 11, 6)
    assert Periods(last, last).starts == (last,)
    weeks = Periods(date(2025, 6, 4), last)
    assert (weeks.step, weeks.starts[0], weeks.end) == (Step.WEEK, date(2025, 6, 2), date(2025, 11, 10))
    months = Periods(date(2020, 1, 31), last)
    assert (months.step, months.starts[0], len(months.starts)) == (Step.MONTH, date(2020, 1, 1), 71)
    assert months.start(last) == months.starts[-1]


@on_both
def test_a_whole_clinic_is_counted_along_indices(open_clinic: Opens) -> None:
    house = open_clinic()
    house.images(house.batch().id, 1)
    with house.statements() as asked:
        for which in Figure:
            figure(house, which)
    hints = {"ix_image_uploaded_at_id", "ix_image_category_uploaded_at_id"}
    hints |= {figure_scopes.OF_PEOPLE, figure_scopes.OF_BATCHES}
    hinted = {name for name in hints if any(f"INDEXED BY {name}" in each for each in asked)}
    assert hinted == (hints if house.clinic.database.on_sqlite else set())
