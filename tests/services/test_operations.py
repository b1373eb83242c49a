from __future__ import annotations

import hashlib
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from imgcore.domain.access import Role, system
from imgcore.errors import Forbidden
from imgcore.services.checks import Options
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


@on_both
def test_everything_is_counted_once_a_minute(clinic: House) -> None:
    batch = clinic.batch()
    images = clinic.images(batch.id, 3)
    clinic.services.trash.images(clinic.admin, [images[0].id])
    counts = clinic.services.operations.standing(clinic.admin).counts
    assert counts is not None
    assert dict(counts.images) == {"kept": 2, "trashed": 1, "unfinished": 0, "leaving": 0, "damaged": 0}
    assert (counts.patients, counts.batches) == (1, 1)
    assert counts.image_bytes == sum(each.file_size for each in images)
    assert counts.oldest_unsealed is not None
    clinic.services.seals.run(system())
    clinic.images(batch.id, 1, first=9)
    assert clinic.services.operations.standing(clinic.admin).counts == counts
    clinic.clock.forward(minutes=1)
    again = clinic.services.operations.standing(clinic.admin).counts
    assert again is not None
    assert again.images["kept"] == 3


def test_nothing_is_overdue_in_the_first_week(clinic: House, tmp_path: Path) -> None:
    operations = clinic.services.operations
    clinic.clock.forward(days=30)
    assert not operations.overdue(clinic.admin)
    clinic.image()
    clinic.clock.forward(days=6)
    assert not operations.overdue(clinic.admin)
    clinic.clock.forward(days=2)
    found = operations.overdue(clinic.admin)
    assert (found.check, found.backup, found.damage) == (True, True, 0)
    clinic.services.backups.make(system(), tmp_path / "backup.tar")
    found = operations.overdue(clinic.admin)
    assert (found.check, found.backup) == (True, False)
    clinic.services.seals.run(system())
    clinic.services.checks.run(system(), Options(quick=True))
    assert not operations.overdue(clinic.admin)
    clinic.clock.forward(days=8)
    assert operations.overdue(clinic.admin).check


def test_damage_that_a_check_found_stays_in_sight(clinic: House) -> None:
    image = clinic.image()
    (clinic.folder / "objects" / image.key).unlink()
    clinic.services.checks.run(system())
    assert clinic.services.operations.overdue(clinic.admin).damage == 1
    counts = clinic.services.operations.standing(clinic.admin).counts
    assert counts is not None
    assert counts.images["damaged"] == 1


def test_while_the_store_is_away_the_rest_is_told(clinic: House) -> None:
    clinic.image()
    (clinic.folder / "objects").rename(clinic.folder / "unplugged")
    standing = clinic.services.operations.standing(clinic.admin)
    assert standing.readiness.store
    assert standing.counts is not None
    assert 0 < standing.disk_free < standing.disk_total


def test_a_backup_job_writes_where_the_settings_say(open_clinic: Opens, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    clinic = open_clinic(backup_folder=folder)
    image = clinic.image()
    job = run(clinic, "backup")
    (made,) = folder.iterdir()
    assert job == {"file": made.name, "images": 1, "damaged": 0}
    assert image.sha256 == hashlib.sha256(part(made, image.sha256)).hexdigest()


def test_a_check_job_names_what_it_found_by_ids_alone(clinic: House) -> None:
    patient = clinic.patient("Ada Novak")
    image = clinic.image(clinic.batch(patient).id)
    (clinic.folder / "objects" / image.key).unlink()
    result = run(clinic, "check")
    assert (result["images"], result["found"], result["mended"]) == (1, 1, 0)
    (finding,) = result["findings"]
    assert str(image.id) in finding
    assert "Novak" not in finding


def test_a_purge_job_empties_the_trash(clinic: House) -> None:
    image = clinic.image()
    clinic.services.trash.images(clinic.admin, [image.id])
    assert run(clinic, "purge") == {"images": 1, "batches": 0, "patients": 0}
    assert clinic.stored_keys() == set()


def test_only_administrators_begin_upkeep(clinic: House) -> None:
    doctor = clinic.person(Role.CLINICIAN)
    for kind in ("check", "backup", "purge"):
        with pytest.raises(Forbidden):
            clinic.services.jobs.start(doctor, kind, {})


def run(clinic: House, kind: str, **options: object) -> dict[str, Any]:
    """Do a job here and now, and return what came of it."""
    job = clinic.services.jobs.start(clinic.admin, kind, options)
    clinic.services.job_runs.run(system(), job.id, threading.Event())
    ended = clinic.services.jobs.get(clinic.admin, job.id)
    assert ended.state == "done", ended.error
    return dict(ended.result or {})


def part(tar: Path, sha256: str) -> bytes:
    """Return the file of a backup that has this digest."""
    with tarfile.open(tar) as opened:
        files = (opened.extractfile(each) for each in opened if each.isfile())
        contents = (each.read() for each in files if each is not None)
        return next(each for each in contents if hashlib.sha256(each).hexdigest() == sha256)
