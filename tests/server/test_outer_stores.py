"""The REST interface of a server whose rows are in PostgreSQL and whose pictures are in S3."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.imaging.pictures import every_format
from tests.server.visits import ADMIN, PASSWORD, WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("seaweedfs")

FILES = {f"photo.{kind}": every_format()[kind] for kind in ("jpeg", "heic", "tiff")}


@pytest.fixture(scope="module")
def server(outer_stores: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImgcoreServer]:
    """A server that keeps nothing on its own disk but its key."""
    folder = tmp_path_factory.mktemp("server")
    with ImgcoreServer(folder, kind="serve", env=WITH_ADMIN | outer_stores) as server:
        yield server
    assert not list(folder.glob("data/**/*.sqlite3"))
    assert not list(folder.glob("data/objects/**/*"))


@pytest.fixture
def program(server: ImgcoreServer) -> Iterator[httpx2.Client]:
    """A program that has signed in with a token."""
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        fields = {"username": ADMIN, "password": PASSWORD}
        answer = client.post("/api/v1/auth/token", data=fields).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def test_images_go_in_and_come_out_again(program: httpx2.Client, server: ImgcoreServer) -> None:
    batch = add_batch(program, mrn="1")
    files = [("images", each) for each in [*FILES.items(), ("none.jpg", b"no picture")]]
    answer = program.post(f"/api/images/batches/{batch}/upload/", files=files)
    assert answer.status_code == 201
    assert [each["name"] for each in answer.json()["failed"]] == ["none.jpg"]
    server.stop()
    server.start()
    listed = images(program, batch)
    assert [each["original_name"] for each in listed] == list(FILES)
    for image, content in zip(listed, FILES.values(), strict=True):
        with Image.open(io.BytesIO(get(program, image["urls"]["thumbnail"]))) as thumbnail:
            assert max(thumbnail.size) <= 400
        assert get(program, f"/api/images/{image['id']}/download/") == content
        link = program.post(f"/api/images/{image['id']}/url/", json={"kind": "original"}).json()["url"]
        assert httpx2.get(server.url + link, timeout=60).content == content
    archive = zipfile.ZipFile(io.BytesIO(get(program, f"/api/images/batches/{batch}/download/")))
    assert archive.testzip() is None
    assert set(FILES.values()) <= {archive.read(name) for name in archive.namelist()}


def test_a_batch_goes_to_the_trash_and_comes_back(program: httpx2.Client) -> None:
    batch = add_batch(program, mrn="2")
    sent = program.post(
        f"/api/images/batches/{batch}/upload/", files=[("images", each) for each in FILES.items()]
    )
    before = images(program, batch)
    assert sent.status_code == 201 and len(before) == len(FILES)
    first = before[0]["id"]
    assert program.delete(f"/api/images/{first}/").status_code == 204
    assert program.delete(f"/api/images/batches/{batch}/").status_code == 204
    assert program.get(f"/api/images/{before[1]['id']}/download/").status_code == 404
    program.post(f"/api/images/batches/{batch}/restore/").raise_for_status()
    assert [each["id"] for each in images(program, batch)] == [each["id"] for each in before[1:]]
    program.post(f"/api/images/{first}/restore/").raise_for_status()
    contents = [get(program, f"/api/images/{each['id']}/download/") for each in images(program, batch)]
    assert contents == list(FILES.values())


def add_batch(program: httpx2.Client, mrn: str) -> str:
    """Add a patient with a batch, and return the id of the batch."""
    patient = program.post("/api/patients/", json={"name": "Mary Kowalski", "mrn": mrn}).raise_for_status()
    new = {"taken_on": "2025-11-06", "patient_id": patient.json()["id"]}
    path = "/api/images/batches/"
    return str(program.post(path, json=new).raise_for_status().json()["id"])


def images(program: httpx2.Client, batch: str) -> list[dict[str, Any]]:
    """Return the images of a batch in their order."""
    content = program.get("/api/images/", params={"batch_id": batch}).raise_for_status().json()
    return list(content["items"])


def get(program: httpx2.Client, path: str) -> bytes:
    """Return what is at an address."""
    return program.get(path).raise_for_status().content
