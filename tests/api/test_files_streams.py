"""Large answers: sent piece by piece, and their source let go of, however they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, cast
from zipfile import ZipFile

import anyio
import httpx2
import pytest
from starlette.types import Message, Scope

from imgcore.errors import StoreUnavailable
from imgcore.storage import Chunks
from tests.api.desks import Desk, Json, open_desk, picture, problem
from tests.api.serving import serving

SIDE = 1600


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A clinic that takes files of several megabytes."""
    with open_desk(tmp_path_factory.mktemp("large")) as opened:
        yield opened


@pytest.fixture(scope="module")
def batch(large: Desk) -> Json:
    """A batch of two uncompressed pictures of 7.7 MB each, which are sent in several pieces."""
    batch = large.batch(name="Füße: links/rechts", taken_on="2025-11-06")
    files = [(f"{seed}.bmp", picture(seed, "BMP", (SIDE, SIDE))) for seed in (1, 2)]
    assert len(large.upload(batch["id"], files).json()["uploaded"]) == 2
    return batch


def images_of(desk: Desk, batch: Json) -> list[Json]:
    listed = desk.client.get("/api/images/", params={"batch_id": batch["id"]}).json()["items"]
    return cast("list[Json]", listed)


def test_a_zip_holds_the_originals_and_says_how_long_it_is(large: Desk, batch: Json) -> None:
    answer = large.client.get(f"/api/images/batches/{batch['id']}/download/")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        contents = {archive.read(name) for name in archive.namelist() if name.endswith(".bmp")}
    assert contents == {picture(seed, "BMP", (SIDE, SIDE)) for seed in (1, 2)}


def test_a_zip_of_some_images_holds_only_those(large: Desk, batch: Json) -> None:
    path = f"/api/images/batches/{batch['id']}/download/"
    one = images_of(large, batch)[0]["id"]
    answer = large.client.get(path, params={"image_ids": [one]})
    assert len([name for name in ZipFile(BytesIO(answer.content)).namelist() if name.endswith(".bmp")]) == 1
    foreign = large.image()["id"]
    assert problem(large.client.get(path, params={"image_ids": [one, foreign]}))["code"] == "not_found"
    assert large.client.get(path, params={"image_ids": ["x"]}).status_code == 422
    empty = large.client.get(f"/api/images/batches/{large.batch()['id']}/download/")
    assert empty.status_code == 404


def test_large_files_come_in_pieces_and_in_parts(large: Desk, batch: Json) -> None:
    image = images_of(large, batch)[0]
    whole = picture(1, "BMP", (SIDE, SIDE))
    assert large.client.get(image["urls"]["download"]).content == whole
    part = large.client.get(image["urls"]["download"], headers={"Range": "bytes=1000-5000000"})
    assert (part.status_code, part.content) == (206, whole[1000:5000001])


class Caller:
    """Calls the interface as a server does, and keeps what was sent until it goes away."""

    def __init__(self, desk: Desk, path: str, leaves_after: int = 10**9) -> None:
        self._app = desk.app
        self._left = leaves_after
        self._gone = anyio.Event()
        self.start: Message = {}
        self.size = 0
        token = desk.client.headers["authorization"].encode()
        self._scope: Scope = {
            "type": "http", "method": "GET", "path": path, "query_string": b"", "http_version": "1.1",
            "headers": [(b"authorization", token)], "client": ("127.0.0.1", 1), "scheme": "http",
            "server": ("testserver", 80), "asgi": {"version": "3.0", "spec_version": "2.3"},
        }  # fmt: skip

    async def call(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        self.size += len(message.get("body", b""))
        if self.size > self._left:
            self._gone.set()
            await anyio.sleep(0.01)


def call(desk: Desk, path: str, leaves_after: int = 10**9) -> Caller:
    async def run() -> Caller:
        caller = Caller(desk, path, leaves_after)
        with anyio.fail_after(30):
            await caller.call()
        return caller

    return anyio.run(run)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Chunks]:
    """What the store has opened to be read."""
    found: list[Chunks] = []
    begin = Chunks.__init__

    def noted(self: Chunks, *args: Any) -> None:
        begin(self, *args)
        found.append(self)

    monkeypatch.setattr(Chunks, "__init__", noted)
    return found


def is_closed(chunks: Chunks) -> bool:
    return bool(cast("Any", chunks)._source.closed)


@pytest.mark.parametrize("kind", ["zip", "original"])
def test_whoever_goes_away_leaves_nothing_open(
    large: Desk, batch: Json, opened: list[Chunks], kind: str
) -> None:
    zipped = f"/api/images/batches/{batch['id']}/download/"
    path = zipped if kind == "zip" else images_of(large, batch)[0]["urls"]["download"]
    caller = call(large, path, leaves_after=1_500_000)
    assert caller.start["status"] == 200
    assert caller.size < 6_000_000
    assert opened and all(map(is_closed, opened))


def _fails_after(count: int) -> Callable[[Chunks], bytes]:
    take = Chunks.__next__

    def next_or_fail(self: Chunks) -> bytes:
        nonlocal count
        count -= 1
        if count < 0:
            self.close()
            raise StoreUnavailable("The store broke off.")
        return take(self)

    return next_or_fail


@pytest.mark.parametrize("kind", ["zip", "original"])
def test_a_fault_in_the_middle_cuts_the_answer(
    large: Desk, batch: Json, opened: list[Chunks], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    zipped = f"/api/images/batches/{batch['id']}/download/"
    path = zipped if kind == "zip" else images_of(large, batch)[0]["urls"]["download"]
    monkeypatch.setattr(Chunks, "__next__", _fails_after(3))

    async def run() -> Caller:
        caller = Caller(large, path)
        with pytest.raises((StoreUnavailable, RuntimeError)):
            await caller.call()
        return caller

    caller = anyio.run(run)
    declared = dict(caller.start["headers"])[b"content-length"]
    assert 0 < caller.size < int(declared)
    assert all(map(is_closed, opened))


def test_a_fault_at_the_first_piece_is_told_and_not_begun(
    large: Desk, batch: Json, opened: list[Chunks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Chunks, "__next__", _fails_after(0))
    answer = large.client.get(images_of(large, batch)[0]["urls"]["download"])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert problem(answer)["code"] == "store_unavailable"
    assert opened and all(map(is_closed, opened))


def test_over_a_real_connection_a_cut_answer_is_short_and_the_next_one_whole(
    large: Desk, batch: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/images/batches/{batch['id']}/download/"
    token = {"Authorization": large.client.headers["authorization"]}
    with serving(large.app) as url, httpx2.Client(base_url=url, headers=token, timeout=30) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Chunks, "__next__", _fails_after(3))
            with pytest.raises(httpx2.RemoteProtocolError, match="closed connection"):
                client.get(path)
        assert len(client.get(path).content) > 2 * 3 * SIDE * SIDE
