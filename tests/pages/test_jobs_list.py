"""The list of jobs, drawn by itself: other screens show it as a part of theirs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from streamlit.testing.v1 import AppTest

from imgcore.db.journal import Job
from imgcore.domain.access import Role, system
from tests.pages.desks import SECONDS, Desk, click, keyed, texts


def draw(_desk: Desk) -> AppTest:
    def screen() -> None:
        from imgcore.ui import jobs_list

        jobs_list.draw()

    app = AppTest.from_function(screen, default_timeout=SECONDS)
    app.context = {"timezone": "Europe/Berlin", "url": "http://clinic.example/"}
    app.run()
    assert not app.exception
    return app


def start(desk: Desk, **changes: Any) -> UUID:
    """Start a job as who sits at the desk, and let it stand as a test wants it."""
    from imgcore.ui import identity

    job_id = desk.services.jobs.start(identity.current_actor(), "renditions", {}).id
    with desk.clinic.database.write() as session:
        row = session.get_one(Job, job_id)
        for name, value in changes.items():
            setattr(row, name, value)
    return job_id


def test_without_jobs_it_says_so(desk: Desk) -> None:
    assert "Nothing has been done in the background yet." in texts(draw(desk))


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(desk: Desk) -> None:
    now = desk.clinic.built_at
    job_id = start(desk, state="running", progress=12, total=40, leased_until=now.replace(year=now.year + 1))
    app = draw(desk)
    assert "**Thumbnails and display copies** is being done" in texts(app)
    bar = app.get("progress")[0].proto
    assert (bar.value, bar.text) == (30, "12 of 40")
    click(app, f"job-cancel-{job_id}")
    assert "is being cancelled" in texts(app)
    assert keyed(app, "job-cancel-") == []


def test_a_waiting_job_is_cancelled_and_tried_again(desk: Desk) -> None:
    job_id = start(desk)
    app = click(draw(desk), f"job-cancel-{job_id}")
    assert "cancelled" in texts(app)
    click(app, f"job-retry-{job_id}")
    assert "waits" in texts(app)
    assert desk.services.jobs.get(system(), job_id).state == "waiting"


def test_what_came_of_a_job_is_told(desk: Desk) -> None:
    refused = [{"path": "left/notes.jpg", "message": "This is text, not a photograph."}]
    start(desk, state="done", result={"stored": 3, "not_stored": 1, "refused": refused})
    start(desk, state="failed", error="The disk is full.")
    shown = texts(draw(desk)).replace("\\", "")
    assert "stored: 3, not stored: 1" in shown
    assert "left/notes.jpg: This is text, not a photograph." in shown
    assert "The disk is full." in shown


def test_what_has_ended_meanwhile_is_said_and_not_done(desk: Desk) -> None:
    job_id = start(desk)
    app = draw(desk)
    desk.services.jobs.cancel(system(), job_id)
    click(app, f"job-cancel-{job_id}")
    assert "already ended" in "".join(each.value for each in app.error)


def test_a_clinician_sees_no_jobs_of_others(desk: Desk) -> None:
    start(desk)
    desk.as_(desk.sign_in(Role.ADMIN))
    assert "Thumbnails" in texts(draw(desk))
    desk.services.jobs.start(system(), "renditions", {})
    other = desk.clinic.services.jobs.list(system())
    assert other.total == 2
