from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from imgcore.db.journal import Event, Job
from imgcore.db.tables import Analysis
from imgcore.domain import records
from imgcore.domain.access import Action, Role, system
from imgcore.domain.analyses import Subject
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.jobs import JobState
from imgcore.domain.sets import NewImageSet
from imgcore.errors import Forbidden, ImgcoreError, Invalid, NotFound
from imgcore.services import analysis_jobs
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both
from tests.services.models import AWAY, Batched, Counting
from tests.services.test_gaps import stopping

RUN = "skin-check"


@pytest.fixture
def model() -> Batched:
    """The one model of the clinic."""
    return Batched()


def start(house: House, **options: Any) -> Job:
    """Start a job and let a worker do it."""
    job = house.services.jobs.start(house.admin, "analyses", {"analyser": RUN, **options})
    house.services.job_runs.run(system("worker"), job.id)
    return house.rows(Job, Job.id == job.id)[0]


def told(job: Job) -> tuple[int, int, int]:
    assert job.result is not None, job.error
    return job.result["computed"], job.result["already_there"], job.result["failed"]


@on_both
def test_a_job_runs_every_image_of_what_is_named_and_none_twice(house: House, model: Batched) -> None:
    patient = house.patient(consent_record={"given_on": "2025-11-06"})
    first, second = house.batch(patient), house.batch(patient)
    images = [*house.images(first.id, 4), *house.images(second.id, 3, first=10)]
    house.images(house.batch().id, 1, first=20)
    assert told(start(house, image_ids=[str(each) for each in ids(images[:2])])) == (2, 0, 0)
    assert told(start(house, batch_id=str(first.id))) == (2, 2, 0)
    job = start(house, patient_id=str(patient.id))
    assert (told(job), job.progress, job.total) == ((3, 4, 0), 7, 7)
    chosen = NewImageSet(name="Set", purpose="record", note="", image_ids=ids(images))
    set_id = house.services.image_sets.create(house.admin, chosen).image_set.id
    assert told(start(house, image_set_id=str(set_id))) == (0, 7, 0)
    assert len(model.asked) == 7
    model.version = "2.0"
    assert told(start(house, image_set_id=str(set_id))) == (7, 0, 0)
    assert told(start(house, image_set_id=str(set_id), again=True)) == (7, 0, 0)
    assert {row.image_id for row in house.rows(Analysis)} == set(ids(images))
    lines = house.events(Event.action == Action.RESULT_RUN)
    assert sum(line.count for line in lines) == len(house.rows(Analysis)) == 21
    assert {line.patient_id for line in lines} == {patient.id}
    assert house.stored_keys() == house.named_keys()


def test_what_fails_is_counted_and_runs_when_it_is_tried_again(house: House, model: Batched) -> None:
    batch = house.batch()
    house.images(batch.id, 3)
    model.fault = AWAY
    job = start(house, batch_id=str(batch.id))
    assert (told(job), job.state) == ((0, 0, 3), "done")
    assert {row.error for row in house.rows(Analysis)} == {AWAY.message}
    model.fault = None
    assert told(start(house, batch_id=str(batch.id))) == (3, 0, 0)
    assert {row.error for row in house.rows(Analysis)} == {None}
    assert len(house.rows(Analysis)) == 3


def test_one_image_that_breaks_the_model_does_not_stop_the_others(
    house: House, model: Batched, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = house.batch()
    images = house.images(batch.id, 6)
    bad = images[2].id
    predict = Counting.predict
    prepared = house.services.analyses.run(house.admin, bad, analyser=RUN)
    (subject,) = model.asked
    assert prepared.error is None

    def fail(self: Counting, given: Subject) -> object:
        if given.data == subject.data:
            raise ZeroDivisionError
        return predict(self, given)

    def many(self: Batched, given: list[Subject]) -> list[object]:
        return [fail(self, each) for each in given]

    monkeypatch.setattr(Counting, "predict", fail)
    monkeypatch.setattr(Batched, "predict_many", many)
    job = start(house, batch_id=str(batch.id), again=True)
    assert told(job) == (5, 0, 1)
    assert job.result is not None
    assert job.result["failed_images"] == [str(bad)]


@on_both
@pytest.mark.parametrize(
    "point",
    [
        FailPoint.ANALYSIS_PREPARED, FailPoint.ANALYSIS_PREDICTED, FailPoint.ANALYSIS_WRITTEN,
    ],
)  # fmt: skip
def test_a_job_that_is_stopped_anywhere_is_finished_when_it_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch, point: FailPoint
) -> None:
    monkeypatch.setattr(analysis_jobs, "FIRST", 2)
    monkeypatch.setattr(analysis_jobs, "MOST", 2)
    batch = house.batch()
    images = house.images(batch.id, 7)
    job = house.services.jobs.start(house.admin, "analyses", {"analyser": RUN, "batch_id": str(batch.id)})
    with stopping(monkeypatch, point, 3):
        state = house.services.job_runs.run(system("worker"), job.id)
    kept = {row.id: row.predictions for row in house.rows(Analysis)}
    assert (state, len(kept) < 7) == (JobState.FAILED, True)
    house.services.jobs.retry(house.admin, job.id)
    assert house.services.job_runs.run(system("worker"), job.id) is JobState.DONE
    rows = {row.id: row for row in house.rows(Analysis)}
    assert {row.image_id for row in rows.values()} == set(ids(images))
    assert len(rows) == 7
    assert {each: rows[each].predictions for each in kept} == kept
    assert house.stored_keys() == house.named_keys()


def test_a_job_is_cancelled_while_the_model_thinks(house: House, model: Batched) -> None:
    batch = house.batch()
    house.images(batch.id, 2)
    model.wait = threading.Event()
    job = house.services.jobs.start(house.admin, "analyses", {"analyser": RUN, "batch_id": str(batch.id)})
    ended: list[Any] = []
    work = threading.Thread(
        target=lambda: ended.append(house.services.job_runs.run(system("worker"), job.id))
    )
    work.start()
    while not model.asked:
        time.sleep(0.01)
    house.services.jobs.cancel(house.admin, job.id)
    work.join(timeout=25)  # the model itself would take longer
    assert ended == [JobState.CANCELLED]
    model.wait.set()
    assert house.rows(Analysis) == []
    model.wait = None
    house.services.jobs.retry(house.admin, job.id)
    assert house.services.job_runs.run(system("worker"), job.id) is JobState.DONE
    assert len(house.rows(Analysis)) == 2


def test_groups_grow_with_a_quick_model_and_shrink_with_a_slow_one(house: House) -> None:
    pace = analysis_jobs._Pace()
    quick: list[Any] = [None] * 4
    for _round in range(5):
        pace.timed(lambda _group: None, quick)
    assert pace.size == analysis_jobs.MOST
    pace.timed(lambda _group: time.sleep(0.6), quick[:1])
    assert pace.size == 1


def test_who_may_not_run_a_model_starts_no_job(open_clinic: Opens, model: Batched) -> None:
    house = open_clinic(access="care_team", analysers={model.name: model})
    doctor, stranger = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    patient = house.patient(actor=doctor)
    batch = house.batch(patient, doctor)
    (image,) = house.images(batch.id, 1, doctor)
    options: list[dict[str, Any]] = [
        {"image_ids": [str(image.id)]}, {"batch_id": str(batch.id)}, {"patient_id": str(patient.id)},
    ]  # fmt: skip
    for each in options:
        with pytest.raises(NotFound):
            house.services.jobs.start(stranger, "analyses", {"analyser": RUN, **each})
        with pytest.raises(Forbidden):
            house.services.jobs.start(house.person(Role.REVIEWER), "analyses", {"analyser": RUN, **each})
    assert house.services.jobs.start(doctor, "analyses", {"analyser": RUN, **options[1]}).state == "waiting"


def test_a_job_that_names_nothing_or_too_much_or_no_model_is_refused(house: House, model: Batched) -> None:
    image = str(house.image().id)
    model.missing = ""
    wrong: list[dict[str, Any]] = [
        {"analyser": RUN}, {"analyser": RUN, "image_ids": [image], "patient_id": image},
        {"image_ids": [image]},
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(Invalid):
            house.services.jobs.start(house.admin, "analyses", each)
    model.missing = "Install it with: pip install onnxruntime"
    with pytest.raises(ImgcoreError, match="pip install onnxruntime"):
        house.services.jobs.start(house.admin, "analyses", {"analyser": RUN, "image_ids": [image]})


def test_an_image_that_goes_to_the_trash_meanwhile_is_left_out(house: House, model: Batched) -> None:
    batch = house.batch()
    images: list[records.Image] = house.images(batch.id, 3)
    wanted = [str(each) for each in ids(images)]
    job = house.services.jobs.start(house.admin, "analyses", {"analyser": RUN, "image_ids": wanted})
    house.services.trash.images(house.admin, [images[1].id])
    house.services.job_runs.run(system("worker"), job.id)
    (row,) = house.rows(Job, Job.id == job.id)
    assert row.result is not None
    assert (row.result["computed"], row.result["gone"], row.result["images"]) == (2, 1, 3)


def test_a_model_that_fails_at_every_image_ends_the_job_and_is_tried_again_later(
    house: House, model: Batched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_jobs, "ENOUGH", 5)
    monkeypatch.setattr(analysis_jobs, "MOST", 4)
    batch = house.batch()
    house.images(batch.id, 20)
    model.fault = AWAY
    job = start(house, batch_id=str(batch.id))
    assert (job.state, job.result) == ("waiting", None)
    assert AWAY.message in (job.error or "")
    assert len(house.rows(Analysis)) == 8, "what was looked at is kept, the rest was left"
    for _try in range(2):
        house.clock.forward(minutes=2)
        house.services.job_runs.run(system("worker"), job.id)
    (job,) = house.rows(Job, Job.id == job.id)
    assert (job.state, AWAY.message in (job.error or "")) == ("failed", True)
    model.fault = Invalid("The server refused the picture.")
    assert told(start(house, batch_id=str(batch.id))) == (0, 0, 20), "that may be so with each picture"
    model.fault = None
    house.services.jobs.retry(house.admin, job.id)
    assert house.services.job_runs.run(system("worker"), job.id) is JobState.DONE
    assert {row.error for row in house.rows(Analysis)} == {None}
    assert len(house.rows(Analysis)) == 20
