from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from imgcore.db.tables import Image
from imgcore.domain import records
from imgcore.domain.access import system
from imgcore.domain.failpoints import FailPoint
from imgcore.services.images import Filter
from tests.servers.imgcore_server import ROOT
from tests.services.clinics import House, Opens, ids, open_house, photo
from tests.services.databases import on_both
from tests.services.interrupted import KEY

UPLOADING = [point for point in FailPoint if point.startswith(("upload.", "object."))]
PURGING = [point for point in FailPoint if point.startswith("purge.")]


def die(clinic: House, work: str, named: UUID, point: str) -> list[UUID]:
    """Let a process die at ``point``; return the ids that it acknowledged before."""
    arguments = [str(clinic.folder), clinic.url, work, str(named), point]
    command = [sys.executable, "-m", "tests.services.interrupted", *arguments]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 86, ended.stderr
    return [UUID(line) for line in ended.stdout.split()]


def listed(clinic: House, batch_id: UUID) -> list[records.Image]:
    """Return what the batch shows; every image of it must have its bytes."""
    images = clinic.services.images.list(system(), Filter(batch_id=batch_id)).items
    for image in images:
        with clinic.clinic.store.read(image.key) as chunks:
            assert hashlib.sha256(b"".join(chunks)).hexdigest() == image.sha256
        with clinic.clinic.store.read(image.thumbnail_key) as chunks:
            assert len(b"".join(chunks)) == image.thumbnail_size
    return list(images)


def sweep(clinic: House) -> None:
    """Sweep as a server does that has just been started again; nothing stray may be left."""
    clinic.services.sweeps.run(system(), started_at=clinic.clinic.built_at)
    assert clinic.stored_keys() == clinic.named_keys()
    assert {row.state for row in clinic.rows(Image)} <= {"ready"}
    assert clinic.waiting_files() == []


def send_again(clinic: House, batch_id: UUID) -> list[UUID]:
    again = [clinic.offered(photo(seed)) for seed in (1, 2)]
    received = clinic.services.uploads.store(system(), batch_id, again, key=KEY)
    assert not received.failed
    return [each.image.id for each in received.uploaded]


@pytest.mark.parametrize("point", UPLOADING)
def test_an_upload_cut_off_anywhere_loses_and_leaves_nothing(
    open_clinic: Opens, tmp_path: Path, point: FailPoint
) -> None:
    clinic = open_clinic()
    batch = clinic.batch()
    acknowledged = die(clinic, "upload", batch.id, point)
    copy = tmp_path / "copy"
    clinic.clinic.close()
    shutil.copytree(clinic.folder, copy)

    with open_house(clinic.folder) as swept_first:
        before = ids(listed(swept_first, batch.id))
        assert before[:1] == acknowledged
        sweep(swept_first)
        assert ids(listed(swept_first, batch.id)) == before
        sent = send_again(swept_first, batch.id)
        assert set(before) <= {*acknowledged, *sent}
        assert ids(listed(swept_first, batch.id)) == [*acknowledged, *sent]
        assert send_again(swept_first, batch.id) == sent
        sweep(swept_first)

    with open_house(copy) as sent_first:
        sent = send_again(sent_first, batch.id)
        sweep(sent_first)
        assert ids(listed(sent_first, batch.id)) == [*acknowledged, *sent]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_upload_cut_off_on_postgresql(clinic: House) -> None:
    batch = clinic.batch()
    acknowledged = die(clinic, "upload", batch.id, FailPoint.UPLOAD_THUMBNAIL_PUT)
    with open_house(clinic.folder, clinic.url) as again:
        assert ids(listed(again, batch.id)) == acknowledged
        sent = send_again(again, batch.id)
        sweep(again)
        assert ids(listed(again, batch.id)) == [*acknowledged, *sent]


@pytest.mark.parametrize("point", PURGING)
def test_a_purge_cut_off_anywhere_is_finished_later(clinic: House, point: FailPoint) -> None:
    batch = clinic.batch()
    a, b = clinic.images(batch.id, 2)
    clinic.services.trash.images(clinic.admin, [a.id])
    die(clinic, "purge", batch.id, point)
    assert clinic.services.trash.list(clinic.admin, "image").items == ()
    assert ids(listed(clinic, batch.id)) == [b.id]
    sweep(clinic)
    assert [row.id for row in clinic.rows(Image)] == [b.id]
    assert clinic.stored_keys() == {b.key, b.thumbnail_key}


@on_both
def test_a_change_cut_off_before_its_commit_is_none(clinic: House) -> None:
    image = clinic.image()
    lines, changes = len(clinic.events()), len(clinic.changes())
    die(clinic, "edit", image.id, FailPoint.CHANGE_WRITTEN)
    assert (len(clinic.events()), len(clinic.changes())) == (lines, changes)
    assert clinic.services.images.get(clinic.admin, image.id) == image
