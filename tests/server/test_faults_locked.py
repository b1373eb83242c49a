"""F6: a SQLite file that another program has locked is waited for, then told; reading goes on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.backends import Backend
from tests.faults.programs import Program, picture
from tests.faults.verdicts import judge
from tests.server.conftest import EVERYWHERE
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("faults")


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Lock the file as another program does that writes to it for so long."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    release = threading.Timer(seconds, connection.rollback)
    release.start()
    try:
        yield
    finally:
        release.join()
        connection.close()


@pytest.mark.parametrize("seconds", [2, 5] if EVERYWHERE else [2])
def test_a_lock_of_a_moment_is_waited_for(
    program: Program, broken: ImgcoreServer, backend: Backend, database_file: Path, seconds: float
) -> None:
    batch = program.batch()
    with locked(database_file, seconds):
        program.send(batch, [picture(1)]).raise_for_status()
    judge(broken.folder, backend.env, program.kept, batch)


if EVERYWHERE:

    def test_a_long_lock_is_told_while_reading_goes_on(
        program: Program, broken: ImgcoreServer, backend: Backend, database_file: Path
    ) -> None:
        batch = program.batch()
        program.send(batch, [picture(1)]).raise_for_status()
        (image,) = program.listed(batch)
        program.original(image["id"]).raise_for_status()
        with locked(database_file, 20):
            edit = program.client.patch(f"/api/images/{image['id']}/", json={"caption": "x"})
            assert (edit.status_code, edit.headers["retry-after"]) == (503, "5"), edit.text
            assert program.original(image["id"]).status_code == 200
            assert program.client.get(f"/api/images/{image['id']}/thumbnail/").status_code == 200
        program.client.patch(f"/api/images/{image['id']}/", json={"caption": "x"}).raise_for_status()
        program.send(batch, [picture(2)]).raise_for_status()
        assert len(judge(broken.folder, backend.env, program.kept, batch)) == 2
