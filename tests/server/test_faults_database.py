"""F6: a PostgreSQL whose connections break or that is away is told, and found again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.faults.backends import own_outside
from tests.faults.programs import Program, picture
from tests.faults.proxy import Proxy
from tests.faults.verdicts import eventually, judge
from tests.server.conftest import EVERYWHERE
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

SENT = 12


def test_connections_that_break_under_uploads_lose_nothing(
    program: Program, database: Proxy, broken: ImgcoreServer
) -> None:
    batch = program.batch()
    stop = threading.Event()

    def break_them() -> None:
        while not stop.wait(0.15):
            with database.doing("cut_answer", 1_500, times=1):
                stop.wait(0.15)

    breaking = threading.Thread(target=break_them)
    breaking.start()
    answers = [program.send(batch, [picture(seed)], key=f"{batch} {seed}") for seed in range(SENT)]
    stop.set()
    breaking.join()
    assert {each.status_code for each in answers} <= {201, 503}, [each.text for each in answers]
    assert all("retry-after" in each.headers for each in answers if each.status_code == 503)
    for seed in range(SENT):
        program.send(batch, [picture(seed)], key=f"{batch} {seed}").raise_for_status()
    assert len(judge(broken.folder, broken.env, program.kept, batch)) == SENT


def test_a_database_that_is_away_is_told_and_found_again(
    program: Program, database: Proxy, broken: ImgcoreServer
) -> None:
    batch = program.batch()
    database.drop()
    program.send(batch, [picture(1)]).raise_for_status()
    with database.doing("refuse"):
        for answer in (program.send(batch, [picture(2)]), program.client.get("/api/patients/")):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
        assert "database" in answer.json()["error"]["message"]
        eventually(program.ready, lambda found: found.status_code == 503)
        assert program.client.get("/healthz").status_code == 200
    eventually(program.ready, lambda found: found.status_code == 200)
    program.send(batch, [picture(2)]).raise_for_status()
    assert len(judge(broken.folder, broken.env, program.kept, batch)) == 2


if EVERYWHERE:

    def test_a_server_that_is_stopped_and_started_again_is_found_again(tmp_path: Path) -> None:
        with (
            own_outside() as outside,
            outside.backend("postgresql-folder") as backend,
            ImgcoreServer(tmp_path, "serve", WITH_ADMIN | backend.env) as server,
        ):
            _restart_under(server, outside.postgres())


def _restart_under(server: ImgcoreServer, postgres: Postgres) -> None:
    with Program(server.url) as program:
        batch = program.sign_in().batch()
        program.send(batch, [picture(1)]).raise_for_status()
        postgres.stop()
        answer = program.send(batch, [picture(2)])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
        postgres.start()
        eventually(program.ready, lambda found: found.status_code == 200)
        program.send(batch, [picture(2)]).raise_for_status()
        assert len(judge(server.folder, server.env, program.kept, batch)) == 2
