"""Odd answers and odd turns: mended models, wrong patients, image sets, a folder of models that changes."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from imgcore.config import Settings
from imgcore.db.tables import Analysis
from imgcore.domain import records
from imgcore.domain.access import Role
from imgcore.domain.analyses import AnalysisFilter
from imgcore.domain.sets import NewImageSet
from imgcore.domain.values import ImageFields
from imgcore.errors import Invalid
from imgcore.services import analysis_runs
from imgcore.services.analysis_runs import Analysers
from tests.services.clinics import House
from tests.services.databases import on_both
from tests.services.models import AWAY, Counting
from tests.services.test_analyses import RUN, run


@on_both
def test_an_error_gives_way_also_when_the_mended_model_is_another_version(
    house: House, model: Counting
) -> None:
    image = house.image()
    model.fault = AWAY
    failed = run(house, image)
    model.fault, model.version, model.sha256 = None, "1.1", "cd" * 32
    house.services.images.edit(house.admin, image.id, ImageFields(body_location="Left heel"))
    mended = house.services.analyses.run_again(house.admin, failed.id)
    assert (mended.id, mended.error, mended.analyser_version) == (failed.id, None, "1.1")
    assert mended.body_region == "Left heel"
    model.fault = AWAY
    assert house.services.analyses.run_again(house.admin, mended.id).id != mended.id, "a result stays"
    assert len(house.rows(Analysis)) == 2


@on_both
def test_what_cannot_be_kept_of_an_answer_is_an_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from imgcore.domain.analyses import Finding

    answers = [
        Finding({"naevus": 0.5}, "x" * 21),
        Finding({"naevus": 0.5}, ""),
        Finding({"nae\ud800vus": 0.5}),
        Finding({"nae\x00vus": 0.5}),
        Finding({"x" * 201: 0.5}),
        Finding({"": 0.5}),
        Finding({str(n): 0.0 for n in range(10_001)}),
        Finding({"naevus": 10**400}),
    ]
    for answer in answers:
        monkeypatch.setattr(Counting, "predict", lambda _self, _subject, answer=answer: answer)
        result = run(house, house.image())
        assert "no usable answer" in (result.error or "")
    assert house.services.analyses.list(house.admin).total == len(answers)


@on_both
def test_what_was_released_to_the_wrong_patient_is_not_called_released_to_the_right_one(house: House) -> None:
    wrong, right = house.patient("Wrong"), house.patient("Right")
    services, batch = house.services, house.batch(wrong)
    result = run(house, house.image(batch.id))
    assert services.results.release(house.admin, result.id).released_at is not None
    services.batches.move(house.admin, batch.id, right.id, "Uploaded to the wrong patient")
    own = house.person(Role.PATIENT, patient_id=str(right.id))
    assert services.analyses.list(own).items == ()
    assert services.analyses.get(house.admin, result.id).released_at is None
    assert services.results.release(house.admin, result.id).released_at is not None
    assert [each.id for each in services.analyses.list(own).items] == [result.id]


def test_of_an_image_set_no_day_is_told(house: House) -> None:
    reviewer = house.person(Role.REVIEWER)
    assert reviewer.user_id is not None
    patient = house.patient(consent_record={"given_on": "2025-11-06"})
    image = house.image(house.batch(patient).id)
    result = run(house, image)
    services = house.services
    services.results.release(house.admin, result.id)
    chosen = NewImageSet(name="Study", purpose="record", note="", image_ids=[image.id])
    set_id = services.image_sets.create(house.admin, chosen).image_set.id
    services.image_sets.give(house.admin, set_id, reviewer.user_id)
    told = services.analyses.get(reviewer, result.id)
    assert (told.created_at, told.released_at, told.label) == (None, None, result.label)
    today = house.clock().date()
    for asked in (AnalysisFilter(from_on=today), AnalysisFilter(to_on=today)):
        with pytest.raises(Invalid):
            services.analyses.list(reviewer, replace(asked, image_set_id=set_id))


def test_who_may_not_run_models_is_told_of_none(house: House) -> None:
    patient = house.patient()
    own = house.person(Role.PATIENT, patient_id=str(patient.id))
    assert house.services.analyses.models(own) == ()
    assert house.services.analyses.models(house.person(Role.REVIEWER)) == ()
    assert [each.name for each in house.services.analyses.models(house.person(Role.CLINICIAN))] == [RUN]


def test_models_are_looked_for_again_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = {"a": Counting("a")}, {"b": Counting("b")}
    looks: list[dict[str, Counting]] = []

    def find() -> dict[str, Counting]:
        looks.append(first if not looks else second)
        if len(looks) == 2:  # whoever asks meanwhile gets what is known
            assert analysers.all() is first
        return looks[-1]

    analysers = Analysers(Settings(), find)
    assert (analysers.all(), analysers.all(), len(looks)) == (first, first, 1)
    monkeypatch.setattr(analysis_runs, "LOOK_SECONDS", 0)
    assert analysers.get("b") is second["b"]
    with pytest.raises(Invalid):
        analysers.get("a")


def test_a_folder_of_models_that_is_away_leaves_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known, is_away = {"a": Counting("a")}, [False]

    def find() -> dict[str, Counting]:
        if is_away[0]:
            raise OSError("Stale file handle")
        return known

    analysers = Analysers(Settings(), find)
    monkeypatch.setattr(analysis_runs, "LOOK_SECONDS", 0)
    assert analysers.all() == known
    is_away[0] = True
    assert analysers.all() == known
    with pytest.raises(OSError, match="Stale"):
        Analysers(Settings(), find).all()


@on_both
@pytest.mark.parametrize("fault", [None, AWAY])
def test_the_same_asked_by_many_at_once_is_one_result(
    house: House, model: Counting, fault: Exception | None
) -> None:
    model.wait, model.fault = threading.Event(), fault
    image = house.image()
    told: list[records.Result] = []
    asking = [threading.Thread(target=lambda: told.append(run(house, image))) for _each in range(4)]
    for each in asking:
        each.start()
    while len(model.asked) < len(asking):  # all of them found nothing there yet
        time.sleep(0.01)
    model.wait.set()
    for each in asking:
        each.join()
    (row,) = house.rows(Analysis)
    assert [each.id for each in told] == [row.id] * len(asking)
