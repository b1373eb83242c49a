"""The screen for whoever runs the clinic: its parts, checks and backups, and what is overdue."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from imgcore.db.tables import Image
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch
from imgcore.services.checks import Options
from imgcore.services.work import utc_now
from tests.pages.desks import Desk, click, texts


@pytest.fixture
def admin(desk: Desk) -> Desk:
    """A desk with an administrator at it."""
    desk.sign_in(Role.ADMIN)
    return desk


def grow_old(desk: Desk) -> None:
    with desk.clinic.database.write() as session:
        session.execute(sa.update(Image).values(uploaded_at=utc_now() - timedelta(days=8)))


def test_the_parts_and_the_numbers_are_told(admin: Desk, batch: Batch) -> None:
    admin.send(batch, 1)
    shown = texts(admin.open("operations"))
    for words in ("**Database**", "SQLite", "**Image files**", "local folder", "**Disk**", "1 image"):
        assert words in shown
    assert "They were never checked." in shown
    assert "IMGCORE\\_BACKUP\\_FOLDER" in shown or "IMGCORE_BACKUP_FOLDER" in shown
    assert "Nothing has been done in the background yet." in shown


def test_a_check_is_begun_by_a_button_and_told_when_it_ended(admin: Desk, batch: Batch) -> None:
    admin.send(batch, 1)
    app = click(admin.open("operations"), "start-job-check")
    job = admin.services.jobs.list(system()).items[0]
    assert job.kind == "check"
    admin.services.job_runs.run(system(), job.id, threading.Event())
    app.run()
    assert "1 image, nothing wrong." in texts(app)


def test_what_is_overdue_stands_over_every_screen(admin: Desk, batch: Batch, tmp_path: Path) -> None:
    admin.send(batch, 1)
    assert not admin.open().warning
    grow_old(admin)
    said = admin.open("patients").warning[0].value
    assert "The last backup is more than a week old" in said
    assert "were not checked" in said
    admin.services.backups.make(system(), tmp_path / "backup.tar")
    admin.services.checks.run(system(), Options(quick=True))
    assert not admin.open().warning


def test_others_are_not_told(desk: Desk, batch: Batch) -> None:
    desk.send(batch, 1)
    grow_old(desk)
    assert not desk.open().warning
