"""F6: a disk that is full or read-only is told, what is stored can be read, and work goes on after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imgcore.services.intake import KEPT_FREE
from tests.faults.backends import Backend, Outside
from tests.faults.disks import SmallDisk, small_disk
from tests.faults.programs import Program, heavy, picture
from tests.faults.verdicts import eventually, judge
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def own(backend: Backend, outside: Outside) -> Iterator[Backend]:
    """A backend for these tests alone, since their disks go at the end."""
    with outside.backend(backend.name) as made:
        yield made


@pytest.fixture(scope="module")
def disk(own: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """The disk of the data folder."""
    with small_disk(tmp_path_factory.mktemp("d") / "data") as disk:
        yield disk


@pytest.fixture(scope="module")
def store_disk(own: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """The disk of the pictures, where they are in a folder."""
    with small_disk(tmp_path_factory.mktemp("d") / "objects") as disk:
        yield disk


@pytest.fixture(scope="module")
def broken(own: Backend, disk: SmallDisk, store_disk: SmallDisk) -> Iterator[ImgcoreServer]:
    """A server whose data folder is on one small disk, and whose pictures are on another one."""
    stored = {"IMGCORE_STORAGE_URL": str(store_disk.place)} if own.store is None else {}
    env = WITH_ADMIN | own.env | stored
    with ImgcoreServer(disk.place.parent, kind="serve", env=env) as server:
        yield server
        print(f"--- {own.name}\n{server.last_lines()}")


@pytest.fixture
def looked_at(program: Program) -> str:
    """A batch with two images that this person has just looked at: what they see is noted already."""
    batch = program.batch()
    program.send(batch, [picture(1), heavy(2, 300_000)]).raise_for_status()
    for each in program.listed(batch):
        program.original(each["id"]).raise_for_status()
    return batch


def look(program: Program, image_id: str) -> list[int]:
    """Look again at what was looked at before; return the answers' statuses."""
    kinds = ("thumbnail", "download")
    return [program.client.get(f"/api/images/{image_id}/{kind}/").status_code for kind in kinds]


def test_a_disk_that_is_nearly_full_is_kept_for_looking_and_typing(
    program: Program, looked_at: str, disk: SmallDisk, broken: ImgcoreServer
) -> None:
    disk.fill(leave=KEPT_FREE - 1_000_000)
    try:
        refused = program.send(looked_at, [picture(3), heavy(4, 2_000_000)])
        assert refused.status_code == 507, refused.text
        assert {each["can_retry"] for each in refused.json()["failed"]} == {True}
        first = program.listed(looked_at)[0]["id"]
        program.client.patch(f"/api/images/{first}/", json={"caption": "x" * 500}).raise_for_status()
        program.batch()
        told = eventually(program.ready, lambda found: found.status_code == 503)
        assert "no space left" in told.json()["error"]["message"]
    finally:
        disk.empty()
    eventually(program.ready, lambda found: found.status_code == 200)
    program.send(looked_at, [picture(3), heavy(4, 2_000_000)]).raise_for_status()
    assert len(judge(broken.folder, broken.env, program.kept, looked_at)) == 4


def test_a_disk_that_others_have_filled_shows_what_was_looked_at(
    program: Program, looked_at: str, disk: SmallDisk, backend: Backend, broken: ImgcoreServer
) -> None:
    first = program.listed(looked_at)[0]["id"]
    disk.fill()
    try:
        assert program.send(looked_at, [picture(3)]).status_code == 507
        assert look(program, first) == [200, 200]
        if backend.database is None:  # the log of the database may have some room of its own left
            captions = iter(f"{number:04}" * 400 for number in range(1_000))
            path = f"/api/images/{first}/"
            edit = eventually(
                lambda: program.client.patch(path, json={"caption": next(captions)}),
                lambda answer: answer.status_code != 200,
            )
            assert edit.status_code == 507, edit.text
    finally:
        disk.empty()
    eventually(program.ready, lambda found: found.status_code == 200)
    program.client.patch(f"/api/images/{first}/", json={"caption": "y"}).raise_for_status()
    program.send(looked_at, [picture(3)]).raise_for_status()
    assert len(judge(broken.folder, broken.env, program.kept, looked_at)) == 3


@pytest.fixture
def folder(backend: Backend, store_disk: SmallDisk) -> SmallDisk:
    """The disk of the pictures, of a backend that has them in a folder."""
    assert backend.store is None
    return store_disk


def test_a_store_that_is_read_only_refuses_uploads_and_shows_what_is_there(
    program: Program, looked_at: str, folder: SmallDisk, broken: ImgcoreServer
) -> None:
    first = program.listed(looked_at)[0]["id"]
    with folder.read_only():
        refused = program.send(looked_at, [picture(3)])
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), refused.text
        assert look(program, first) == [200, 200]
        eventually(program.ready, lambda found: found.status_code == 503)
    eventually(program.ready, lambda found: found.status_code == 200)
    program.send(looked_at, [picture(3)]).raise_for_status()
    judge(broken.folder, broken.env, program.kept, looked_at)
