"""F4: a ZIP of what is missing, changed, or removed under way, and one whose reader goes away."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx2
import psutil
import pytest

from imgcore.bootstrap import Clinic
from imgcore.db.tables import Image
from tests.faults.backends import Backend
from tests.faults.programs import Program, heavy
from tests.faults.verdicts import eventually, opened
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("faults")

SIZE = 1_500_000
COUNT = 8


@pytest.fixture
def batch(program: Program) -> str:
    """A batch of files that are too many for what is held between server and reader."""
    batch = program.batch()
    program.send(batch, [heavy(seed, SIZE) for seed in range(COUNT)]).raise_for_status()
    return batch


class Objects:
    """The store of a running server, for a test to reach into."""

    def __init__(self, clinic: Clinic, draft: Path) -> None:
        self._clinic = clinic
        self._draft = draft

    def take(self, image_id: str) -> None:
        """Remove an original behind the back of the database."""
        self._clinic.store.delete([self._key(image_id)])

    def put(self, image_id: str, content: bytes) -> None:
        """Store other bytes in its place, or the same again."""
        self._draft.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self._clinic.store.put(self._key(image_id), self._draft, content_type="image/jpeg", sha256=digest)

    def _key(self, image_id: str) -> str:
        with self._clinic.database.read() as session:
            return session.get_one(Image, UUID(image_id)).key


@pytest.fixture
def objects(broken: ImgcoreServer, backend: Backend, tmp_path: Path) -> Iterator[Objects]:
    """What the server has stored."""
    with opened(broken.folder, backend.env) as clinic:
        yield Objects(clinic, tmp_path / "draft")


def path_of(batch: str) -> str:
    return f"/api/images/batches/{batch}/download/"


def test_what_is_missing_is_left_out_and_what_has_changed_is_named(
    program: Program, batch: str, objects: Objects
) -> None:
    gone, changed, *_rest = (each["id"] for each in program.listed(batch))
    content = heavy(1, SIZE)
    objects.take(gone)
    objects.take(changed)
    objects.put(changed, content[:-1_000] + b"!" + content[-999:])
    answer = program.client.get(path_of(batch)).raise_for_status()
    assert len(answer.content) == int(answer.headers["content-length"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        left_out, _, altered = archive.read("REPORT.txt").decode().partition("Files that have changed")
        pictures = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert len(pictures) == COUNT - 1
    assert "_01.jpg: its file is missing in the store" in left_out
    assert "_02.jpg" in altered
    objects.take(changed)
    objects.put(gone, heavy(0, SIZE))
    objects.put(changed, content)


def test_what_is_removed_under_way_cuts_the_archive_short(
    program: Program, batch: str, objects: Objects
) -> None:
    last = program.listed(batch)[-1]["id"]
    with program.client.stream("GET", path_of(batch)) as answer:
        chunks = answer.iter_bytes(64 * 1024)
        taken = len(next(chunks))
        objects.take(last)
        with pytest.raises(httpx2.RemoteProtocolError):
            for chunk in chunks:
                taken += len(chunk)
    assert taken < int(answer.headers["content-length"])
    objects.put(last, heavy(COUNT - 1, SIZE))


def test_a_reader_who_goes_away_leaves_nothing_open(
    program: Program, batch: str, broken: ImgcoreServer
) -> None:
    process = psutil.Process(broken.pid)
    program.client.get(path_of(batch)).raise_for_status()
    before, memory = process.num_fds(), process.memory_info().rss
    for _turn in range(10):
        with program.client.stream("GET", path_of(batch)) as answer:
            next(answer.iter_bytes(64 * 1024))
    eventually(process.num_fds, lambda found: found <= before + 2)
    assert process.memory_info().rss - memory < 32 * 1024 * 1024
