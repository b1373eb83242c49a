"""A process that dies while it analyses: what was acknowledged is there, and the rest is done later."""

from __future__ import annotations

import pytest

from imgcore.db.journal import Job
from imgcore.db.tables import Analysis, Image
from imgcore.domain.access import system
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.jobs import JobState
from tests.services.clinics import House, Opens, ids, open_house
from tests.services.past_records import record
from tests.services.test_interruptions import die, sweep

RUNNING = [
    FailPoint.RENDITION_PUT, FailPoint.ANALYSIS_PREPARED, FailPoint.ANALYSIS_PREDICTED,
    FailPoint.ANALYSIS_WRITTEN,
]  # fmt: skip
LOADING = [FailPoint.UPLOAD_PENDING, FailPoint.ANALYSIS_STORED, FailPoint.ANALYSIS_WRITTEN]


@pytest.mark.parametrize("point", RUNNING)
def test_a_job_that_dies_anywhere_loses_no_result_and_is_finished_by_the_next_worker(
    clinic: House, point: FailPoint
) -> None:
    cut_off_and_finish(clinic, point)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_job_that_dies_on_postgresql(clinic: House) -> None:
    cut_off_and_finish(clinic, FailPoint.ANALYSIS_WRITTEN)


def cut_off_and_finish(clinic: House, point: FailPoint) -> None:
    """Let a process die over a job, and the next one take the job over."""
    batch = clinic.batch()
    images = clinic.images(batch.id, 6)
    (acknowledged,) = die(clinic, "analyse", batch.id, point)
    clinic.clinic.close()
    with open_house(clinic.folder, clinic.url) as again:
        before = {row.id: row.model_dump() for row in again.rows(Analysis)}
        assert acknowledged in before
        (job,) = again.rows(Job)
        assert job.state == JobState.RUNNING
        again.services.job_runs.recover(system(), is_alone=True)
        assert again.services.job_runs.run(system("worker"), job.id) is JobState.DONE
        rows = {row.id: row.model_dump() for row in again.rows(Analysis)}
        assert {each: rows[each] for each in before} == before
        assert sorted(str(row["image_id"]) for row in rows.values()) == sorted(map(str, ids(images)))
        sweep(again)


@pytest.mark.parametrize("point", LOADING)
def test_an_import_that_dies_anywhere_is_finished_by_sending_it_again(
    open_clinic: Opens, point: FailPoint
) -> None:
    clinic = open_clinic()
    batch = clinic.batch(clinic.patient(external_id="1"))
    (acknowledged,) = die(clinic, "load", batch.id, point)
    clinic.clinic.close()
    with open_house(clinic.folder) as again:
        assert acknowledged in {row.id for row in again.rows(Analysis)}
        sweep(again)
        given = [record(number, 1) for number in range(3)]
        outcomes = [each.outcome for each in again.services.past_records.load(system(), given).records]
        assert outcomes[0] == "already_there"
        assert set(outcomes) <= {"already_there", "imported"}
        assert (len(again.rows(Analysis)), len(again.rows(Image))) == (3, 3)
        sweep(again)
