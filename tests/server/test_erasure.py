"""A running server forgets an erased patient: in its files while it goes on, and in its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx2
import pytest

from tests.server.visits import ADMIN, PASSWORD, WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer
from tests.services.remains import EMAIL, EXTERNAL, MRN, NAME, PIECE, found_below, found_in, noise

PICTURE = noise(3)
PIECES = [PICTURE[at : at + PIECE] for at in range(1000, len(PICTURE) - PIECE, 997)]


@pytest.fixture
def program(server: ImgcoreServer) -> Iterator[httpx2.Client]:
    """An administrator's program at the server."""
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        fields = {"username": ADMIN, "password": PASSWORD}
        token = client.post("/api/v1/auth/token", data=fields).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        yield client


@pytest.fixture
def server(tmp_path: Any) -> Iterator[ImgcoreServer]:
    """A server that writes down everything it can."""
    with ImgcoreServer(tmp_path, kind="serve", env=WITH_ADMIN) as server:
        yield server


def send(client: httpx2.Client, method: str, path: str, **body: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", client.request(method, path, json=body).raise_for_status().json())


def keep_much_of(client: httpx2.Client) -> str:
    """Keep something of everything of a patient; return their id."""
    about = {"name": NAME, "mrn": MRN, "external_id": EXTERNAL, "notes": "noteszzqx",
             "consent_record": {"given_on": "2025-11-06"}}  # fmt: skip
    patient = send(client, "POST", "/api/patients/", **about)["id"]
    visit = send(client, "POST", "/api/v1/consultations/", patient_id=patient, note="visitzzqx")["id"]
    new = {"name": "batchzzqx", "patient_id": patient, "visit_id": visit}
    batch = send(client, "POST", "/api/images/batches/", **new)["id"]
    path = f"/api/images/batches/{batch}/upload/"
    files = [("images", (f"{NAME} filezzqx.jpg", PICTURE)), ("images", (f"{NAME}.jpg", b"no picture"))]
    stored = client.post(path, files=files, data={"captions": ["captionzzqx", ""]}).raise_for_status()
    image = stored.json()["uploaded"][0]["id"]
    send(client, "PATCH", f"/api/images/{image}/", caption="oldcaptionzzqx", description=NAME)
    for kind in ("display", "compressed", "download"):
        client.get(f"/api/images/{image}/{kind}/").raise_for_status()
    chosen = {"name": NAME, "purpose": "record", "note": "setnotezzqx", "image_ids": [image]}
    image_set = send(client, "POST", "/api/image-sets/", **chosen)["id"]
    send(client, "POST", f"/api/image-sets/{image_set}/shares/", label=f"labelzzqx {NAME}")
    account = {"email": EMAIL, "name": NAME, "role": "patient", "patient_id": patient}
    send(client, "POST", "/api/users/", **account)
    client.get("/api/patients/", params={"q": NAME}).raise_for_status()
    assert client.get(f"/api/patients/{NAME}/").status_code == 404
    assert client.post("/api/patients/", json={"name": NAME, "mrn": MRN}).status_code == 409
    client.post("/api/v1/auth/token", data={"username": EMAIL, "password": NAME})
    return str(patient)


def test_the_files_and_the_log_of_a_running_server_forget_an_erased_patient(
    server: ImgcoreServer, program: httpx2.Client
) -> None:
    patient = keep_much_of(program)
    assert any(name.startswith("imgcore.sqlite3") for name in found_below(server.folder / "data", PIECES))
    erased = send(program, "POST", f"/api/patients/{patient}/erase/", confirmation=NAME, reason="asked")
    assert erased == {"patient_id": patient, "images": 1, "is_finished": True}
    assert found_below(server.folder / "data", PIECES) == {}
    server.stop()
    assert found_below(server.folder / "data", PIECES) == {}
    told = [line for line in server.log.read_bytes().splitlines() if found_in(line, PIECES)]
    assert told == []
