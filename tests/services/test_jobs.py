from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from imgcore.db.journal import Event, Job
from imgcore.domain.access import Action, Actor, Role, system
from imgcore.domain.jobs import JobState
from imgcore.domain.progress import Progress
from imgcore.domain.values import UserFields, Value
from imgcore.errors import Conflict, Forbidden, Invalid, NotFound, StorageFull, StoreUnavailable
from imgcore.services import job_watches
from imgcore.services.job_runs import MOST_RUNS, PAUSE_SECONDS
from imgcore.services.kinds import Kind
from tests.services.clinics import House, Opens
from tests.services.databases import on_both

Work = Callable[[Actor, dict[str, Any], Progress], dict[str, Any]]


class Options(Value):
    """What the jobs of these tests are told."""

    place: str = ""


def teach(clinic: House, work: Work, action: Action = Action.DATA_CHECK) -> None:
    """Let the clinic know a kind of job, named ``test``."""
    kind = Kind(action, lambda: "A test", Options, lambda _actor, options: options.model_dump(), work)
    clinic.services.jobs._kinds["test"] = kind  # type: ignore[index]


def start(clinic: House, actor: Actor | None = None) -> UUID:
    return clinic.services.jobs.start(actor or clinic.admin, "test", {"place": "2025"}).id


def run(clinic: House, job_id: UUID, ending: threading.Event | None = None) -> JobState | None:
    return clinic.services.job_runs.run(system("worker"), job_id, ending)


def row(clinic: House, job_id: UUID) -> Job:
    return clinic.rows(Job, Job.id == job_id)[0]


def told(clinic: House, job_id: UUID) -> list[tuple[str, str]]:
    """Return what the audit says of a job: what happened, and how that ended."""
    lines = clinic.events(Event.action == Action.JOB_MANAGE, Event.entity == "job")
    return [(line.field_names[1], line.outcome) for line in lines if line.entity_ids == [str(job_id)]]


@contextmanager
def under_way(clinic: House, job_id: UUID) -> Iterator[list[JobState | None]]:
    """Let a worker do a job meanwhile; at the end, wait until it has let go."""
    ended: list[JobState | None] = []
    thread = threading.Thread(target=lambda: ended.append(run(clinic, job_id)))
    thread.start()
    try:
        yield ended
    finally:
        thread.join(timeout=30)
    assert not thread.is_alive()


class Endless:
    """Work that ends only when it is stopped."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.steps = 0

    def __call__(self, _actor: Actor, _ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        while True:
            self.steps += 1
            progress(self.steps, 0)
            self.has_begun.set()
            time.sleep(0.01)


@on_both
def test_a_job_is_done_as_the_person_who_started_it_and_says_what_came_of_it(clinic: House) -> None:
    seen: list[tuple[Actor, dict[str, Any]]] = []

    def work(actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        seen.append((actor, ids))
        progress(3, 4)
        return {"found": 3}

    teach(clinic, work)
    job_id = start(clinic)
    waiting = clinic.services.jobs.get(clinic.admin, job_id)
    assert (waiting.state, waiting.title, waiting.attempts) == (JobState.WAITING, "A test", 0)
    assert run(clinic, job_id) is JobState.DONE
    done = clinic.services.jobs.get(clinic.admin, job_id)
    assert (done.state, done.result, done.error) == (JobState.DONE, {"found": 3}, None)
    assert (done.progress, done.total, done.attempts) == (3, 4, 1)
    assert done.created_by_name == "Some admin"
    assert done.started_at is not None and done.ended_at is not None and done.started_at <= done.ended_at
    assert [(who.user_id, who.request_id, ids) for who, ids in seen] == [
        (clinic.admin.user_id, str(job_id), {"place": "2025"})
    ]
    assert told(clinic, job_id) == [("started", "done"), ("done", "done")]
    assert run(clinic, job_id) is None


def test_a_kind_that_is_none_and_options_that_are_none_start_nothing(clinic: House) -> None:
    with pytest.raises(Invalid, match="renditions"):
        clinic.services.jobs.start(clinic.admin, "nonsense", {})
    with pytest.raises(Invalid, match="Colour"):
        clinic.services.jobs.start(clinic.admin, "renditions", {"colour": "red"})
    assert clinic.rows(Job) == []


def test_only_who_may_do_a_thing_may_start_a_job_of_it(clinic: House) -> None:
    teach(clinic, lambda *_: {})
    with pytest.raises(Forbidden):
        start(clinic, clinic.person(Role.CLINICIAN))
    assert clinic.rows(Job) == []
    assert clinic.events()[-1].outcome == "refused"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (UserFields(is_active=False), "The account of the person who started this job is closed."),
        (UserFields(role=Role.CLINICIAN), "Your role does not allow this. Ask an administrator"),
    ],
)
def test_who_may_no_more_when_the_job_runs_finds_it_failed(
    clinic: House, fields: UserFields, reason: str
) -> None:
    done: list[str] = []

    def work(*_: object) -> dict[str, Any]:
        done.append("done")
        return {}

    teach(clinic, work)
    other = clinic.person(Role.ADMIN)
    job_id = start(clinic, other)
    assert other.user_id is not None
    clinic.services.accounts.edit(clinic.admin, other.user_id, fields)
    assert run(clinic, job_id) is JobState.FAILED
    assert (row(clinic, job_id).error or "").startswith(reason)
    assert done == []


def test_clinicians_see_their_own_jobs_and_administrators_all(clinic: House) -> None:
    teach(clinic, lambda *_: {}, Action.IMAGE_EDIT)
    one, other = clinic.person(Role.CLINICIAN), clinic.person(Role.CLINICIAN)
    first, second = start(clinic, one), start(clinic, other)
    jobs = clinic.services.jobs
    assert [each.id for each in jobs.list(one).items] == [first]
    assert [each.id for each in jobs.list(clinic.admin).items] == [second, first]
    for act in (jobs.get, jobs.cancel, jobs.retry):
        with pytest.raises(NotFound):
            act(other, first)
    assert jobs.cancel(clinic.admin, first).state is JobState.CANCELLED


def test_in_a_clinic_of_teams_nobody_else_sees_what_a_job_is_about(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    teach(clinic, lambda *_: {"folder": "Novak"}, Action.IMAGE_EDIT)
    doctor = clinic.person(Role.CLINICIAN)
    job_id = start(clinic, doctor)
    run(clinic, job_id)
    jobs = clinic.services.jobs
    own, others = jobs.get(doctor, job_id), jobs.list(clinic.admin).items[0]
    assert (own.ids, own.result) == ({"place": "2025"}, {"folder": "Novak"})
    assert (others.state, others.ids, others.result) == (JobState.DONE, {}, None)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (StorageFull("The disk is full.", hint="Make room."), "The disk is full. Make room."),
        (ZeroDivisionError("secret"), "Something unexpected went wrong; see the server's log."),
    ],
)
def test_a_fault_becomes_a_sentence(
    clinic: House, fault: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def work(*_: object) -> dict[str, Any]:
        raise fault

    teach(clinic, work)
    job_id = start(clinic)
    assert run(clinic, job_id) is JobState.FAILED
    assert row(clinic, job_id).error == said
    assert told(clinic, job_id)[-1] == ("failed", "failed")
    assert ("ZeroDivisionError" in caplog.text) is isinstance(fault, ZeroDivisionError)


@on_both
def test_a_store_that_is_away_is_tried_three_times_with_pauses(clinic: House) -> None:
    def work(*_: object) -> dict[str, Any]:
        raise StoreUnavailable("The store does not answer.")

    teach(clinic, work)
    job_id = start(clinic)
    for attempt in (1, 2):
        assert run(clinic, job_id) is JobState.WAITING
        assert row(clinic, job_id).error == "The store does not answer."
        assert run(clinic, job_id) is None
        clinic.clock.forward(seconds=PAUSE_SECONDS * attempt)
    assert run(clinic, job_id) is JobState.FAILED
    assert row(clinic, job_id).attempts == 3
    assert clinic.services.jobs.retry(clinic.admin, job_id).attempts == 0
    assert run(clinic, job_id) is JobState.WAITING


@on_both
def test_two_who_take_the_same_job_at_once_do_not_both_have_it(clinic: House) -> None:
    runs: list[str] = []

    def work(*_: object) -> dict[str, Any]:
        runs.append("run")
        time.sleep(0.05)
        return {}

    teach(clinic, work)
    jobs = [start(clinic) for _ in range(5)]
    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(lambda job_id: run(clinic, job_id), jobs * 4))
    assert len(runs) == 5
    assert sorted(map(str, ended)) == ["None"] * 15 + ["done"] * 5


@on_both
def test_a_running_job_is_cancelled_within_two_seconds(clinic: House) -> None:
    endless = Endless()
    teach(clinic, endless)
    job_id = start(clinic)
    with under_way(clinic, job_id) as ended:
        assert endless.has_begun.wait(10)
        asked = clinic.services.jobs.cancel(clinic.admin, job_id)
        assert (asked.state, asked.is_cancelling) == (JobState.RUNNING, True)
        deadline = time.monotonic() + 2
        while not ended and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ended == [JobState.CANCELLED]
    assert told(clinic, job_id) == [("started", "done"), ("cancelled", "done"), ("cancelled", "done")]
    with pytest.raises(Conflict):
        clinic.services.jobs.cancel(clinic.admin, job_id)


def test_a_cancelled_job_runs_when_it_is_tried_again(clinic: House) -> None:
    teach(clinic, lambda *_: {"found": 1})
    job_id = start(clinic)
    assert clinic.services.jobs.cancel(clinic.admin, job_id).state is JobState.CANCELLED
    assert run(clinic, job_id) is None
    clinic.services.jobs.retry(clinic.admin, job_id)
    assert run(clinic, job_id) is JobState.DONE
    with pytest.raises(Conflict):
        clinic.services.jobs.retry(clinic.admin, job_id)
    told_of = [what for what, _outcome in told(clinic, job_id)]
    assert told_of == ["started", "cancelled", "retried", "done"]


@on_both
def test_a_job_whose_worker_died_runs_again_when_its_lease_is_over(clinic: House) -> None:
    teach(clinic, lambda *_: {})
    job_id = start(clinic)
    dead = clinic.services.job_runs._claim(system(), job_id)
    assert dead is not None
    assert run(clinic, job_id) is None
    clinic.clock.forward(seconds=job_watches.LEASE_SECONDS)
    clinic.clinic.queue._opened()._ids.storage.flush_queue()
    assert clinic.services.job_runs.recover(system()) == 1
    assert run(clinic, job_id) is JobState.DONE
    assert row(clinic, job_id).attempts == 2


def test_whoever_starts_alone_takes_over_at_once(clinic: House) -> None:
    teach(clinic, lambda *_: {})
    job_id = start(clinic)
    clinic.services.job_runs._claim(system(), job_id)
    assert clinic.services.job_runs.recover(system()) == 0
    assert clinic.services.job_runs.recover(system(), is_alone=True) == 1
    assert run(clinic, job_id) is JobState.DONE


@on_both
def test_who_lost_a_job_to_another_worker_stops_and_writes_nothing(clinic: House) -> None:
    endless = Endless()
    teach(clinic, endless)
    job_id = start(clinic)
    with under_way(clinic, job_id) as ended:
        assert endless.has_begun.wait(10)
        clinic.services.job_runs.recover(system(), is_alone=True)
        assert clinic.services.job_runs._claim(system(), job_id) is not None
    assert ended == [None]
    held = row(clinic, job_id)
    assert (held.state, held.attempts, held.ended_at) == ("running", 2, None)


def test_a_lease_is_renewed_while_the_work_makes_no_step(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watches, "RENEW_SECONDS", 0)
    begun, may_end = threading.Event(), threading.Event()

    def work(*_: object) -> dict[str, Any]:
        begun.set()
        may_end.wait(20)
        return {}

    teach(clinic, work)
    job_id = start(clinic)
    with under_way(clinic, job_id) as ended:
        assert begun.wait(10)
        first = row(clinic, job_id).leased_until
        clinic.clock.forward(seconds=10)
        deadline = time.monotonic() + 10
        while row(clinic, job_id).leased_until == first and time.monotonic() < deadline:
            time.sleep(0.05)
        renewed = row(clinic, job_id).leased_until
        may_end.set()
    assert first is not None and renewed is not None and renewed > first
    assert ended == [JobState.DONE]


def test_a_worker_that_ends_gives_its_job_back_and_no_try_is_counted(clinic: House) -> None:
    endless, ending = Endless(), threading.Event()
    teach(clinic, endless)
    job_id = start(clinic)
    threading.Timer(0.1, ending.set).start()
    assert run(clinic, job_id, ending) is JobState.WAITING
    given_back = row(clinic, job_id)
    assert (given_back.attempts, given_back.leased_until, given_back.error) == (0, None, None)
    teach(clinic, lambda *_: {})
    assert run(clinic, job_id) is JobState.DONE


def test_a_job_that_kills_its_worker_again_and_again_is_given_up(clinic: House) -> None:
    teach(clinic, lambda *_: {})
    job_id = start(clinic)
    for _ in range(MOST_RUNS):
        assert clinic.services.job_runs._claim(system(), job_id) is not None
        clinic.clock.forward(seconds=job_watches.LEASE_SECONDS)
    assert run(clinic, job_id) is JobState.FAILED
    assert "too often" in (row(clinic, job_id).error or "")


def test_progress_is_written_at_most_twice_a_second(clinic: House) -> None:
    def work(_actor: Actor, _ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            progress(int(time.monotonic() * 1000), 0)
        return {}

    teach(clinic, work)
    job_id = start(clinic)
    with clinic.statements() as asked:
        run(clinic, job_id)
    written = [each for each in asked if each.startswith("UPDATE job") and "progress" in each]
    assert 1 <= len(written) <= 4


def test_a_lost_queue_loses_no_job(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(clinic, lambda *_: {})
    job_id = start(clinic)
    queue = clinic.clinic.queue
    assert not queue.is_empty()
    queue._opened().close()
    monkeypatch.setattr(queue, "_line", None)  # as in a server that is started again
    for file in clinic.folder.glob("queue.sqlite3*"):
        file.unlink()
    assert queue.is_empty()
    assert clinic.services.job_runs.recover(system()) == 1
    taken: list[UUID] = []
    workers = queue.work(taken.append, 1)
    deadline = time.monotonic() + 10
    while not taken and time.monotonic() < deadline:
        time.sleep(0.02)
    workers.stop()
    assert taken == [job_id]


def test_a_queue_that_does_not_answer_lets_the_job_wait(
    clinic: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    teach(clinic, lambda *_: {})
    monkeypatch.setattr(clinic.clinic.queue, "_url", "postgresql+psycopg://nobody@/none?host=/nowhere")
    job_id = start(clinic)
    assert "did not take" in caplog.text
    assert row(clinic, job_id).state == "waiting"
