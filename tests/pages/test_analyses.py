"""The history of results: cards, filter, own impressions, release, and the course of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from imgcore.db.journal import Event
from imgcore.db.tables import Image as ImageRow
from imgcore.domain.access import Role, system
from imgcore.domain.values import NewPatient
from imgcore.services.images import Filter
from imgcore.ui import analysis_list, analysis_trends
from tests.pages.desks import click, everything, keyed, said, submit, texts
from tests.pages.labs import DAY, RUN, Lab, cards, results
from tests.services.models import AWAY


def test_an_empty_page_says_what_to_do(lab: Lab) -> None:
    app = results(lab)
    assert "No picture was analysed yet." in texts(app)
    click(app, "to-images")
    assert app.query_params == {}


def test_a_result_is_a_card_that_is_never_without_its_warning(lab: Lab) -> None:
    image = lab.images[0]
    result = lab.run(image)
    lab.changed(
        result, predictions={"melanoma": 0.8, "naevus": 0.15, "<wart>": 0.04, "scar": 0.01},
        risk_level="high", confidence=0.8, duration_ms=1250, body_region="Left <heel>",
    )  # fmt: skip
    app = results(lab)
    (card,) = cards(app)
    for words in (
        f'src="/api/images/{image.id}/thumbnail/"', "Melanoma", '<span class="imgcore-mark red">High risk',
        'width:80%', "80 %", "&lt;wart&gt;", "skin-check 1.0", "confidence 80 %", "1.2 s",
        "Left &lt;heel&gt;", "Not a diagnosis", "M. K., born 1961",
    ):  # fmt: skip
        assert words in card, words
    assert "Scar" not in card, "the three likeliest are shown"
    assert "Kowalski" not in everything(app)
    app.toggle(key="privacy").set_value(False).run()
    assert "Mary Kowalski" in cards(app)[0]
    click(app, f"analysis-open-{result}")
    assert app.query_params == {
        "patient": str(image.patient_id), "batch": str(lab.batch.id), "image": str(image.id)
    }  # fmt: skip


def test_capture_quality_names_every_score_and_marks_the_poor(lab: Lab) -> None:
    result = lab.run(lab.images[0])
    scores = {"sharpness": 0.2, "exposure": 0.9, "colour_balance": 0.8, "resolution": 0.7}
    lab.changed(result, analyser="capture-quality", predictions=scores, risk_level=None)
    (card,) = cards(results(lab))
    assert card.count("<li") == 4
    assert card.count("class=poor") == 1
    assert "<h3>Capture quality</h3>" in card


def test_the_address_filters_and_what_is_chosen_stands_in_it(lab: Lab) -> None:
    first, second, third = (lab.run(each) for each in lab.images)
    lab.changed(first, risk_level="high", body_region="Heel")
    lab.changed(second, risk_level="low", analyser_version="2.0")
    lab.changed(third, risk_level="odd", created_at=datetime(2024, 3, 1, 12, tzinfo=UTC))

    def found(**query: object) -> int:
        return len(cards(results(lab, **query)))

    assert found() == 3
    assert found(risk="high") == found(risk="odd") == found(region="Heel") == 1
    assert found(model="skin-check 2.0") == 1
    assert found(model="skin-check") == 3
    assert found(**{"from": "2024-02-28", "to": "2024-03-01"}) == 1
    assert found(patient=lab.batch.patient_id) == 3
    app = results(lab, risk="moderate", model="skin-check 1.0")
    assert "No result is like that." in texts(app)
    click(app, "analyses-clear")
    assert len(cards(app)) == 3
    assert app.query_params == {}
    app.selectbox(key="analyses-risk").set_value("low").run()
    assert app.query_params == {"risk": "low"}
    assert len(cards(app)) == 1


def test_risk_levels_that_a_model_names_itself_are_offered(lab: Lab) -> None:
    first, second, _third = (lab.run(each) for each in lab.images)
    lab.changed(first, risk_level="See today")
    lab.changed(second, risk_level="High")
    app = results(lab)
    risk = app.selectbox(key="analyses-risk")
    offered = [each for each in risk.options if "today" in each or "High" in each]
    assert offered == ["High risk", "High risk (High)", "Risk: See today"]
    risk.set_value("See today").run()
    assert len(cards(app)) == 1


def test_days_that_are_turned_around_are_said_to_be(lab: Lab) -> None:
    lab.run(lab.images[0])
    app = results(lab, **{"from": "2025-02-02", "to": "2025-02-01"})
    assert [each.value for each in app.error] == [r"The first day is after the last one\."]
    assert app.date_input(key="analyses-from").value == date(2025, 2, 2)


def test_a_day_begins_where_the_person_sits(lab: Lab) -> None:
    result = lab.run(lab.images[0])
    lab.changed(result, created_at=datetime(2025, 2, 1, 23, 30, tzinfo=UTC))  # in Berlin the day after
    assert len(cards(results(lab, **{"from": "2025-02-02", "to": "2025-02-02"}))) == 1
    assert cards(results(lab, **{"to": "2025-02-01"})) == []


def test_a_filter_outlives_the_look_at_another_part(lab: Lab) -> None:
    lab.changed(lab.run(lab.images[0]), risk_level="high")
    lab.changed(lab.run(lab.images[1]), risk_level="low")
    app = results(lab, risk="high")
    app.segmented_control(key="analyses-part").set_value("jobs").run()
    assert app.query_params == {"risk": "high", "part": "jobs"}
    app.segmented_control(key="analyses-part").set_value("history").run()
    assert app.query_params == {"risk": "high"}
    assert len(cards(app)) == 1


def test_the_open_patient_alone_or_everybody(lab: Lab) -> None:
    other = lab.desk.services.patients.create(system(), NewPatient(name="Zoe Zander"))
    batch = lab.desk.services.batches.create(system(), other.id, DAY)
    lab.desk.send(batch, 1)
    lab.run(lab.images[0])
    lab.run(lab.desk.services.images.list(system(), Filter(batch_id=batch.id)).items[0])
    app = results(lab, patient=other.id)
    assert len(cards(app)) == 1
    app.checkbox(key="analyses-all").check().run()
    assert len(cards(app)) == 2
    assert app.query_params == {"patient": str(other.id), "all": "1"}


def test_long_lists_are_turned_by_pages_of_twenty(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for image in lab.images:
        lab.run(image)
    monkeypatch.setattr(analysis_list, "PAGE_SIZE", 2)
    app = results(lab)
    first = cards(app)
    assert len(first) == 2 and app.button(key="newer-analyses").disabled
    click(app, "older-analyses")
    assert len(cards(app)) == 1 and app.button(key="older-analyses").disabled
    click(app, "newer-analyses")
    assert cards(app) == first
    click(app, "older-analyses")
    app.selectbox(key="analyses-model").set_value(RUN).run()
    assert cards(app) == first, "another question starts at the beginning"


def test_an_error_says_its_sentence_and_is_run_again(lab: Lab) -> None:
    lab.model.fault = AWAY
    result = lab.run(lab.images[0])
    app = results(lab)
    (card,) = cards(app)
    assert "No result" in card and "The model does not answer." in card
    assert keyed(app, "analysis-release") == []
    assert cards(results(lab, errors="0")) == []
    click(app, f"analysis-again-{result}")
    assert "It failed again." in said(app)
    lab.model.fault = None
    again = keyed(app, "analysis-again-")[0]
    click(app, f"analysis-again-{again}")
    assert "There is a result now." in said(app)
    assert keyed(app, "analysis-again-") == []


def test_a_result_is_released_after_a_question_and_taken_back(lab: Lab) -> None:
    result = lab.run(lab.images[0])
    app = click(results(lab), f"analysis-release-{result}")
    assert "My results" in texts(app)
    click(app, "dialog-cancel")
    assert lab.desk.services.analyses.get(system(), result).released_at is None
    click(app, f"analysis-release-{result}")
    click(app, "dialog-confirm")
    assert "The patient sees this result now." in said(app)
    assert "Released to the patient" in cards(app)[0]
    click(app, f"analysis-take-back-{result}")
    click(app, "dialog-confirm")
    assert lab.desk.services.analyses.get(system(), result).released_at is None
    with lab.desk.clinic.database.read() as session:
        lines = session.exec(select(Event).where(Event.action == "result.release")).all()
    assert len(lines) == 2


def test_a_hidden_result_asks_for_an_impression_and_both_stand_beside_each_other(strict: Lab) -> None:
    image = strict.images[0]
    result = strict.run(image)
    app = results(strict)
    assert "Hidden until you have your own impression" in cards(app)[0]
    assert f"/api/images/{image.id}/thumbnail/" in cards(app)[0]
    assert keyed(app, "analysis-release") == []
    for word in ("naevus", "keratosis", "melanoma", "Low risk", "High risk", "80 %"):
        assert word not in cards(app)[0].lower()
    submit(app, "Keep my impression")
    assert "Write what you think" in app.error[0].value
    app.text_area(key=f"analysis-text-{result}").set_value("Looks <harmless>")
    app.selectbox(key=f"analysis-own-risk-{result}").set_value("low")
    submit(app, "Keep my impression")
    (card,) = cards(app)
    assert "Impressions</h4>" in card and "Looks &lt;harmless&gt;" in card
    assert "80 %" in card and "Some clinician" in card
    assert not app.text_area
    strict.desk.as_(strict.desk.sign_in(Role.ADMIN))
    assert "Hidden until" in cards(results(strict))[0]
    assert "harmless" not in everything(results(strict))


def test_one_impression_is_asked_for_however_many_results_wait_for_it(strict: Lab) -> None:
    image = strict.images[0]
    for version in ("1.0", "2.0"):
        strict.model.version = version
        strict.run(image)
    strict.model.fault = AWAY
    strict.run(strict.images[1])
    app = results(strict)
    assert len(app.text_area) == 1
    (failed,) = (each for each in cards(app) if "The model does not answer." in each)
    assert "No result" in failed and "Hidden" not in failed
    app.text_area[0].set_value("Harmless")
    submit(app, "Keep my impression")
    assert not app.text_area
    shown = [each for each in cards(app) if "Harmless" in each]
    assert len(shown) == 2 and not any("Hidden" in each for each in shown)
    assert "wait for your own impression" not in texts(app)
    assert "wait for your own impression" in texts(results(strict, risk="high"))


def test_a_course_is_a_sentence_a_chart_and_a_table(lab: Lab) -> None:
    for number, image in enumerate(lab.images):
        result = lab.run(image)
        lab.changed(
            result, predictions={"naevus": 0.9 - number / 5, "melanoma": 0.1 + number / 5}, risk_level="low"
        )
        with lab.desk.clinic.database.write() as session:
            row = session.get_one(ImageRow, image.id)
            row.date_taken = date(2025, 11, 6) + timedelta(days=30 * number)
    app = results(lab, part="trends")
    assert "Open a patient" in texts(app)
    app = results(lab, part="trends", patient=lab.batch.patient_id)
    shown = texts(app).replace("\\", "")
    assert "From Naevus 90 %, low risk on 6 Nov 2025 to " in shown
    assert "on 5 Jan 2026." in shown
    assert "Not a diagnosis" in shown
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 1
    frame = app.dataframe[0].value
    assert list(frame["Taken on"]) == ["6 Nov 2025", "6 Dec 2025", "5 Jan 2026"]
    assert list(frame["Picture"]) == [f"/api/images/{each.id}/thumbnail/" for each in lab.images]
    assert "neither place nor view named" in shown
    ends = json.loads(app.get("vega_lite_chart")[0].proto.spec)["encoding"]["x"]["scale"]["domain"]
    assert ends == [
        {"year": year, "month": month, "date": day, "utc": True}
        for year, month, day in ((2025, 11, 6), (2026, 1, 5))
    ]
    assert "More than one version" not in shown
    lab.changed(result, analyser_version="2.0")
    assert "More than one version" in texts(results(lab, part="trends", patient=lab.batch.patient_id))


def test_two_courses_stand_beside_each_other_and_in_the_address(lab: Lab) -> None:
    for image, side in zip(lab.images, "LLR", strict=True):
        lab.run(image)
        with lab.desk.clinic.database.write() as session:
            row = session.get_one(ImageRow, image.id)
            row.body_location, row.laterality = "Heel", side
    left, right = "Heel~L~other~skin-check", "Heel~R~other~skin-check"
    app = results(lab, part="trends", patient=lab.batch.patient_id)
    assert [len(each.value) for each in app.dataframe] == [2]
    assert any("Heel · Left" in each for each in app.selectbox(key="trend-trend").options)
    app.selectbox(key="trend-beside").set_value(right).run()
    assert [len(each.value) for each in app.dataframe] == [2, 1]
    assert app.query_params["beside"] == right
    address = {"part": "trends", "patient": lab.batch.patient_id, "trend": right, "beside": left}
    app = results(lab, **address)
    assert [len(each.value) for each in app.dataframe] == [1, 2]
    app.selectbox(key="trend-trend").set_value(left).run()
    assert [len(each.value) for each in app.dataframe] == [2], "nothing stands beside itself"
    assert set(app.query_params) == {"part", "patient"}


def test_a_score_that_is_not_known_is_no_zero(lab: Lab) -> None:
    for image, scores in zip(lab.images, ({"naevus": 0.9}, {"melanoma": 0.8}), strict=False):
        lab.changed(lab.run(image), predictions=scores)
    (found,) = lab.desk.services.comparisons.trends(system(), lab.batch.patient_id)
    assert sorted(analysis_trends.lines(found)["score"]) == [80, 90]


def test_without_results_there_is_no_course(lab: Lab) -> None:
    app = results(lab, part="trends", patient=lab.batch.patient_id)
    assert "No picture of this patient has a result" in texts(app)


def test_the_results_of_one_picture(lab: Lab) -> None:
    for image in lab.images[:2]:
        lab.run(image)
    app = results(lab, image=lab.images[0].id)
    assert len(cards(app)) == 1
    assert "Only the results of one picture." in texts(app)
    click(app, "see-all")
    assert len(cards(app)) == 2
