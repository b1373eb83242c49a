"""The dashboard: every figure with its sentence, its table and its file, for whoever may see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from imgcore.db.tables import Analysis, Image
from imgcore.db.tables import Batch as BatchRow
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.sets import NewImageSet
from imgcore.domain.statistics import OF_SETS, Figure, Step, Table
from imgcore.domain.values import PatientFields, parse
from imgcore.services.images import Filter
from imgcore.ui import dashboard_words
from tests.pages.desks import Desk, click, everything, texts
from tests.pages.labs import Lab

AT = datetime(2025, 11, 6, 12, tzinfo=UTC)


@pytest.fixture
def filled(desk: Desk, batch: Batch) -> Desk:
    """A clinic with three images, and a result of each kind."""
    desk.send(batch, 3)
    image = desk.services.images.list(system(), Filter(batch_id=batch.id)).items[0]
    about: dict[str, Any] = {
        "patient_id": image.patient_id,
        "image_id": image.id,
        "input_sha256": image.sha256,
    }
    with desk.clinic.database.write() as session:
        for analyser, version, predictions in (
            ("capture-quality", "1", {"sharpness": 0.9, "exposure": 0.2}),
            ("skin", "1", {"nevus": 0.9}),
            ("skin", "2", {"nevus": 0.8}),
        ):
            risk = "low" if analyser == "skin" else None
            at: dict[str, Any] = {"created_at": datetime.now(UTC), "updated_at": datetime.now(UTC)}
            session.add(
                Analysis(
                    analyser=analyser,
                    analyser_version=version,
                    predictions=predictions,
                    risk_level=risk,
                    **about,
                    **at,
                )
            )
    return desk


def test_an_empty_clinic_says_so_in_one_sentence(desk: Desk) -> None:
    app = desk.open("dashboard")
    assert "There are no images to count yet." in texts(app)
    assert not app.error
    click(app, "to-images")
    assert app.query_params == {}


def test_every_figure_is_told_in_words_drawn_and_offered_as_a_file(filled: Desk) -> None:
    app = filled.open("dashboard")
    shown, sent = texts(app), everything(app)
    for figure in Figure:
        assert dashboard_words.title(figure) in shown
        if figure is not Figure.FAILURES:
            assert f"/api/statistics/{figure}/csv/" in sent, figure
    for words in (
        "3 images and 1 batch were added",
        "is the most frequent of 1 category in use",
        "sharpness 0 %",
        "exposure 100 %",
        "low risk 2",
        "name the same label first for 100 % of 1 image",
        "No upload failed.",
    ):
        assert words in shown.replace("\\", ""), words
    assert {each.label: each.value for each in app.metric}["Without category"] == "3 (100 %)"


def test_names_of_patients_are_hidden_until_they_are_asked_for(filled: Desk) -> None:
    app = filled.open("dashboard")
    assert "Kowalski" not in everything(app)
    app.toggle(key="privacy").set_value(False).run()
    assert "Mary Kowalski" in everything(app)


def test_days_and_patient_stand_in_the_url(filled: Desk, mary: Patient) -> None:
    app = filled.open(
        "dashboard", **{"from": "2020-01-02", "to": "2020-02-03", "patient": mary.id, "only": 1}
    )
    assert "Nothing was added in these days, or for this patient." in texts(app)
    assert app.checkbox(key="dashboard-only").value
    click(app, "dashboard-clear")
    assert "3 images and 1 batch were added" in texts(app)
    assert app.query_params == {"patient": str(mary.id)}
    app.checkbox(key="dashboard-only").check().run()
    assert app.query_params == {"patient": str(mary.id), "only": "1"}
    assert f"patient_id={mary.id}" in everything(app)


def test_results_of_days_without_a_new_image_are_shown(filled: Desk, batch: Batch) -> None:
    with filled.clinic.database.write() as session:
        for image in session.exec(select(Image)):
            image.uploaded_at = AT
        session.get_one(BatchRow, batch.id).created_at = AT
    today = datetime.now(UTC).date().isoformat()
    shown = texts(filled.open("dashboard", **{"from": today})).replace("\\", "")
    assert "Nothing was added in these days" in shown
    assert "low risk 2" in shown and "exposure 100 %" in shown
    assert dashboard_words.title(Figure.FORMATS) not in shown
    turned = filled.open("dashboard", **{"from": "2025-02-02", "to": "2025-02-01"})
    assert [each.value for each in turned.error] == [r"The first day is after the last one\."]


def test_levels_of_one_name_are_one() -> None:
    table = Table(Figure.RISKS, ((None, "high", 2), (None, "High", 3), (None, "a-b", 1)), AT)
    assert dashboard_words.summary(table).startswith("6 results: high risk 5 (83 %), risk: a-b 1 (17 %).")


def test_a_reviewer_sees_pseudonyms_of_a_given_set(filled: Desk, mary: Patient, batch: Batch) -> None:
    given = parse(PatientFields, consent_record={"given_on": "2025-01-01"})
    filled.services.patients.edit(system(), mary.id, given)
    images = filled.services.images.ids(system(), batch.id)
    new = NewImageSet(name="Study", purpose="record", image_ids=list(images))
    image_set = filled.services.image_sets.create(system(), new).image_set
    reviewer = filled.sign_in(Role.REVIEWER)
    assert "No image set has been given to you yet." in texts(filled.open("dashboard"))
    assert reviewer.user_id is not None
    filled.services.image_sets.give(system(), image_set.id, reviewer.user_id)
    app = filled.open("dashboard")
    shown, sent = texts(app), everything(app)
    assert {each for each in Figure if dashboard_words.title(each) in shown} == set(OF_SETS)
    assert f"set_id={image_set.id}" in sent
    for secret in ("Kowalski", "M. K.", str(mary.id), f"{batch.taken_on}"):
        assert secret not in sent, secret


def test_results_that_wait_for_an_own_impression_are_said_to_be_left_out(strict: Lab) -> None:
    strict.run(strict.images[0])
    app = strict.desk.open("dashboard")
    assert "Results that wait for your own impression are not counted." in texts(app)
    assert "No result names a risk level yet." in texts(app)


def table(figure: Figure, *rows: tuple[Any, ...], step: Step | None = None) -> Table:
    return Table(figure, rows, AT, step)


def test_shares_are_never_rounded_to_nothing_or_all() -> None:
    found = [dashboard_words.share(part, 1000) for part in (0, 1, 10, 504, 999, 1000)]
    assert found == ["0 %", "less than 1 %", "1 %", "50 %", "99 %", "100 %"]
    assert dashboard_words.share(0, 0) == "0 %"


def test_sentences_say_what_the_charts_show() -> None:
    day = AT.date()
    month = table(
        Figure.GROWTH, (day.replace(day=1), 5, 1, 2), (day + timedelta(days=40), 9, 0, 1), step=Step.MONTH
    )
    assert "14 images and 3 batches were added; the most, 9, in Dec 2025." in dashboard_words.summary(month)
    failed = table(Figure.FAILURES, (day, "refused", 3), (day, "late", 1), step=Step.DAY)
    assert dashboard_words.summary(failed) == "4 files were not kept: refused 3, too late 1."
    two = table(Figure.AGREEMENT, ("a 1", "a 2", 3, 1), ("a 1", "b 1", 8, 6))
    assert "a 1 and b 1 name the same label first for 75 % of 8 images." in dashboard_words.summary(two)
