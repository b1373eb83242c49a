"""F2 and F3: a store that fails, hangs up or is away costs one file, or a while, and never a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest

from imgcore.domain.access import system
from imgcore.errors import StoreUnavailable
from tests.faults.backends import Backend
from tests.faults.programs import Program, heavy, picture
from tests.faults.proxy import Harm, Proxy
from tests.faults.verdicts import eventually, judge, opened
from tests.server.conftest import EVERYWHERE
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("faults")

TRIES = 3
# So far the server has only said "HTTP/1.1 100 Continue": it cuts the answer after that.
AFTER_CONTINUE = 30


@pytest.fixture(autouse=True)
def _in_order(backend: Backend, broken: ImgcoreServer, program: Program) -> Iterator[None]:
    """Judge after every test, beside the running server."""
    yield
    judge(broken.folder, backend.env, program.kept)


@pytest.mark.parametrize(("harm", "amount"), [("status", 503), ("reset", 0), ("cut_request", 2_000)])
def test_a_store_that_fails_for_one_file_costs_that_file_alone(
    program: Program, store: Proxy, harm: Harm, amount: int
) -> None:
    batch = program.batch()
    files = [heavy(seed, 30_000) for seed in range(3)]
    with store.doing(harm, amount, of="PUT", times=TRIES, drop=False) as fault:
        answer = program.send(batch, files)
    assert fault.met == TRIES
    assert answer.status_code == 201, answer.text
    assert [(each["name"], each["can_retry"]) for each in answer.json()["failed"]] == [("photo-0.jpg", True)]
    assert "does not answer" in (said := answer.json()["failed"][0]["message"]) or "fault" in said
    assert [each["original_name"] for each in program.listed(batch)] == ["photo-1.jpg", "photo-2.jpg"]
    assert program.send(batch, files[:1]).status_code == 201
    assert len(program.listed(batch)) == 3


def test_an_answer_that_gets_lost_costs_nothing(program: Program, store: Proxy) -> None:
    batch = program.batch()
    with store.doing("cut_answer", AFTER_CONTINUE, of="PUT", times=1, drop=False) as fault:
        answer = program.send(batch, [picture(1), picture(2)])
    assert (fault.met, answer.json()["failed"]) == (1, [])
    assert len(program.listed(batch)) == 2


def test_a_slow_store_is_waited_for(program: Program, store: Proxy) -> None:
    batch = program.batch()
    with store.doing("slow", 20_000, drop=False):
        assert program.send(batch, [heavy(1, 30_000)]).json()["failed"] == []
    assert len(program.listed(batch)) == 1


def test_a_picture_that_is_cut_off_on_its_way_out_is_short_or_refused_and_then_whole(
    program: Program, store: Proxy
) -> None:
    batch = program.batch()
    files = [heavy(1, 300_000), heavy(2, 2_500_000)]
    program.send(batch, files).raise_for_status()
    small, large = (each["id"] for each in program.listed(batch))
    with store.doing("cut_answer", 200_000, of="GET", drop=False):
        refused = program.original(small)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    with store.doing("cut_answer", 1_000_000, of="GET", drop=False):
        with pytest.raises(httpx2.RemoteProtocolError):
            program.original(large)
        with pytest.raises(httpx2.RemoteProtocolError):
            program.client.get(f"/api/images/batches/{batch}/download/")
    assert [program.original(each).content for each in (small, large)] == files
    program.client.get(f"/api/images/batches/{batch}/download/").raise_for_status()


def test_a_store_that_is_away_is_told_and_found_again(program: Program, store: Proxy) -> None:
    batch = program.batch()
    program.send(batch, [picture(1)]).raise_for_status()
    with store.doing("refuse"):
        answer = program.send(batch, [picture(2), picture(3)])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert {each["can_retry"] for each in answer.json()["failed"]} == {True}
        assert len(program.listed(batch)) == 1
        told = eventually(program.ready, lambda found: found.status_code == 503)
        assert "store" in told.json()["error"]["message"]
    eventually(program.ready, lambda found: found.status_code == 200)
    assert program.send(batch, [picture(2), picture(3)]).status_code == 201


def test_a_purge_while_the_store_is_away_hides_at_once_and_is_finished_later(
    program: Program, store: Proxy, backend: Backend, broken: ImgcoreServer
) -> None:
    batch = program.batch()
    program.send(batch, [picture(1), picture(2)]).raise_for_status()
    gone, kept = (each["id"] for each in program.listed(batch))
    program.client.delete(f"/api/images/{gone}/").raise_for_status()
    later = datetime.now(UTC) + timedelta(days=31)
    with opened(broken.folder, backend.env, clock=lambda: later) as clinic:
        with store.doing("refuse"), pytest.raises(StoreUnavailable):
            clinic.services.sweeps.run(system())
        assert program.client.get("/api/trash/", params={"kind": "image"}).json()["items"] == []
        assert program.client.post(f"/api/images/{gone}/restore/").status_code == 404
        clinic.services.sweeps.run(system())
    program.kept.pop(gone)
    assert judge(broken.folder, backend.env, program.kept, batch) == [UUID(kept)]


if EVERYWHERE:

    def test_a_store_that_hangs_for_one_file_costs_that_file_alone(program: Program, store: Proxy) -> None:
        batch, began = program.batch(), time.monotonic()
        with store.doing("hole", of="PUT", times=1, drop=False):
            answer = program.send(batch, [picture(seed) for seed in range(3)])
        assert time.monotonic() - began < 30
        failed = answer.json()["failed"]
        assert [(each["name"], each["can_retry"]) for each in failed] == [("photo-0.jpg", True)]
        assert len(program.listed(batch)) == 2

    def test_a_store_that_hangs_for_all_is_not_waited_for_anew_with_every_file(
        program: Program, store: Proxy
    ) -> None:
        batch, began = program.batch(), time.monotonic()
        with store.doing("hole"):
            answer = program.send(batch, [picture(seed) for seed in range(8)])
        assert time.monotonic() - began < 60
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert {each["can_retry"] for each in answer.json()["failed"]} == {True}
        assert len(answer.json()["failed"]) == 8
        program.send(batch, [picture(seed) for seed in range(8)]).raise_for_status()
