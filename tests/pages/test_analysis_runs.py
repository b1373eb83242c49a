"""Runs of models: asked for in one dialog, followed on every screen, compared on a frozen set."""

from __future__ import annotations

from sqlmodel import select

from imgcore.db.journal import Job
from imgcore.domain.access import Role, system
from imgcore.domain.analyses import AnalysisFilter
from imgcore.ui import analysis_panel, analysis_runs, keys
from tests.pages.desks import click, everything, keyed, said, texts
from tests.pages.labs import RUN, Lab, ask, cards, frozen, results, two_versions
from tests.services.models import AWAY


def test_a_run_is_asked_for_followed_and_leads_to_its_results(lab: Lab) -> None:
    app = results(lab, patient=lab.batch.patient_id)
    click(app, "analyse-patient")
    model = app.selectbox(key="run-model")
    assert model.options == ["Skin check, version 1.0", "Skin check, version 1.0 (cannot run here)"]
    model.set_value("other-check").run()
    assert "Install it with" in app.warning[0].value
    assert app.button(key="run-start").disabled
    assert "**For:** Sorts single lesions" in texts(app) and "**Limits:** Not for nails" in texts(app)
    app.selectbox(key="run-model").set_value(RUN).run()
    click(app, "run-start")
    assert "Skin check: waits" in said(app)
    lab.work()
    app.run()
    assert "Skin check: 3 analysed" in said(app)
    assert len(cards(app)) == 3
    click(app, "run-strip-results")
    assert app.query_params == {"patient": str(lab.batch.patient_id), "model": RUN}
    assert said(app) == "" and len(cards(app)) == 3
    click(app, "analyse-patient")
    click(app, "run-start")
    lab.work()
    app.run()
    assert "Skin check: 3 known before" in said(app)
    click(app, "run-strip-close")
    assert said(app) == ""


def test_a_run_is_cancelled_and_tried_again(lab: Lab) -> None:
    app = results(lab, patient=lab.batch.patient_id)
    click(click(app, "analyse-patient"), "run-start")
    click(app, "run-strip-cancel")
    assert "cancelled after 0 images" in said(app)
    click(app, "run-strip-retry")
    assert "waits" in said(app)
    app.segmented_control(key="analyses-part").set_value("jobs").run()
    assert "**Analyses** waits" in texts(app)


def test_a_running_run_shows_how_far_it_is_and_is_cancelled(lab: Lab) -> None:
    app = results(lab, patient=lab.batch.patient_id)
    click(click(app, "analyse-patient"), "run-start")
    now = lab.desk.clinic.built_at
    with lab.desk.clinic.database.write() as session:
        row = session.exec(select(Job)).one()
        row.state, row.progress, row.total = "running", 1, 3
        row.leased_until = now.replace(year=now.year + 1)
    app.run()
    assert "Skin check: 1 of 3 images" in said(app)
    assert app.get("progress")[0].proto.value == 33
    click(app, "run-strip-cancel")
    assert "is being cancelled" in said(app)
    assert keyed(app, "run-strip-") == []


def test_what_failed_is_tried_again_alone(lab: Lab) -> None:
    app = results(lab, patient=lab.batch.patient_id)
    lab.run(lab.images[0])
    lab.model.fault = AWAY
    click(click(app, "analyse-patient"), "run-start")
    lab.work()
    app.run()
    assert "1 known before, 2 failed" in said(app)
    lab.model.fault = None
    click(app, "run-strip-failed")
    assert "waits" in said(app)
    lab.work()
    app.run()
    assert "Skin check: 2 analysed" in said(app) and "known" not in said(app)
    assert keyed(app, "run-strip-failed") == []
    assert len(cards(app)) == 3


def test_a_new_tab_follows_a_run_that_goes_on(lab: Lab) -> None:
    app = results(lab, patient=lab.batch.patient_id)
    click(click(app, "analyse-patient"), "run-start")
    second = lab.desk.open(patient=lab.batch.patient_id)
    assert "Skin check: waits" in said(second)
    lab.work()
    second.run()
    assert "Skin check: 3 analysed" in said(second)
    click(second, "run-strip-results")
    assert second.query_params == {"patient": str(lab.batch.patient_id), "model": RUN}
    assert said(second) == "" and said(lab.desk.open()) == "", "it is over"
    lab.desk.as_(lab.desk.sign_in(Role.REVIEWER))
    assert said(results(lab)) == ""


def test_a_run_of_a_set_leads_to_the_results_of_the_set(lab: Lab) -> None:
    image_set = frozen(lab)
    app = lab.desk.open("sets", set=image_set.id)
    click(click(app, "analyse-set"), "run-start")
    lab.work()
    app.run()
    click(app, "run-strip-results")
    assert app.query_params == {"set": str(image_set.id), "model": RUN}
    assert len(cards(app)) == 3
    click(app, "see-all")
    assert "set" not in app.query_params


def test_a_selection_and_a_whole_batch_are_analysed(lab: Lab) -> None:
    app = lab.desk.open(patient=lab.batch.patient_id)
    batch = lab.desk.services.batches.get(system(), lab.batch.id)
    ask(app, analysis_runs.ask_images, batch, [each.id for each in lab.images[:2]])
    click(app, "run-start")
    lab.work()
    app.run()
    assert "2 analysed" in said(app)
    ask(app, analysis_runs.ask_batch, batch)
    app.checkbox(key="run-again").check().run()
    click(app, "run-start")
    lab.work()
    app.run()
    assert "3 analysed" in said(app)


def test_two_versions_stand_side_by_side_on_a_frozen_set(lab: Lab) -> None:
    app = lab.desk.open("sets", set=two_versions(lab).id)
    assert {each.label: each.value for each in app.metric} == {
        "Pictures with both": "3", "Same label": "2 (67 %)", "Cohen's kappa": "0.00",
    }  # fmt: skip
    confusion, pictures = (each.value for each in app.dataframe)
    assert list(confusion.iloc[:, 0]) == ["Melanoma", "Naevus"]
    assert confusion.iloc[:, 1:].to_numpy().tolist() == [[0, 0], [1, 2]]
    assert list(pictures["Same label"]) == ["yes", "yes", "no"]
    app.checkbox(key=keys.key("set-differ", app.query_params["set"])).check().run()
    assert list(app.dataframe[1].value["Number"]) == [3]
    address = f"/api/image-sets/{app.query_params['set']}/images/3/thumbnail/"
    assert list(app.dataframe[1].value["Picture"]) == [address]
    app.selectbox(key=keys.key("set-model", "second", app.query_params["set"])).set_value(0).run()
    assert "Choose two versions" in texts(app)


def test_capture_quality_is_not_compared_with_a_model(lab: Lab) -> None:
    image_set = frozen(lab)
    for image in lab.images:
        lab.run(image)
        lab.changed(lab.run(image), analyser="capture-quality", predictions={"sharpness": 0.9})
        lab.run(image)
    app = lab.desk.open("sets", set=image_set.id)
    assert "capture-quality 1.0, 3 images; skin-check 1.0, 3 images" in texts(app).replace("\\", "")
    assert not app.metric and not app.dataframe


def test_a_reviewer_sees_results_of_given_sets_under_pseudonyms(lab: Lab) -> None:
    image_set = two_versions(lab)
    reviewer = lab.desk.sign_in(Role.REVIEWER)
    assert "No image set has been given to you yet." in texts(results(lab))
    assert reviewer.user_id
    lab.desk.services.image_sets.give(system(), image_set.id, reviewer.user_id)
    app = results(lab)
    assert len(cards(app)) == 6
    assert f"/api/image-sets/{image_set.id}/images/1/thumbnail/" in everything(app)
    for secret in ("Kowalski", "M. K.", str(lab.batch.patient_id), str(lab.images[0].id), "Release"):
        assert secret not in everything(app), secret
    assert not app.segmented_control
    assert not app.date_input
    app.selectbox(key="analyses-model").set_value("skin-check 2.0").run()
    assert len(cards(app)) == 3
    click(app, next(f"analysis-open-{each}" for each in keyed(app, "analysis-open-")))
    assert app.query_params["set"] == str(image_set.id)
    assert app.query_params["picture"] in ("1", "2", "3")


def test_the_dialog_of_a_picture_shows_its_results_alone(lab: Lab) -> None:
    first, second = lab.images[:2]
    app = lab.desk.open(patient=lab.batch.patient_id)
    ask(app, analysis_panel.ask, lab.batch.patient_id, first.id)
    assert "No model has looked at this picture yet." in texts(app)
    click(click(app, "panel-analyse"), "run-start")
    lab.work()
    lab.run(second)
    app.run()
    ask(app, analysis_panel.ask, lab.batch.patient_id, first.id)
    assert len(cards(app)) == 1
    click(app, "panel-open")
    assert app.query_params == {"patient": str(lab.batch.patient_id), "image": str(first.id)}
    assert lab.desk.services.analyses.list(system(), AnalysisFilter()).total == 2
