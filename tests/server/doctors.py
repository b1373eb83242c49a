"""Clinicians who keep something of everything, and what they send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from starlette.testclient import TestClient

from imgcore.config import SESSION_COOKIE
from imgcore.db.tables import Analysis
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.values import NewUser
from tests.api.desks import PASSWORD, Desk, Json, picture
from tests.api.guarded import OURS
from tests.server.operations import Request

TOKENS = "/api/v1/auth/tokens/"
VISITS = "/api/v1/consultations/"


@dataclass(frozen=True)
class Doctor:
    """Somebody with a team of their own, and what they keep."""

    client: TestClient
    folder: dict[str, list[str]]
    secrets: tuple[str, ...]


def browser(desk: Desk, role: Role, **fields: Any) -> tuple[TestClient, str]:
    """Sign a new person in as a browser does; return their client and the id of the session."""
    email = f"{role}-{uuid4().hex}@clinic.example"
    new = NewUser.model_validate({"email": email, "name": role, "role": role, "password": PASSWORD} | fields)
    desk.clinic.services.accounts.create(system(), new)
    opened = desk.clinic.services.sign_in.open(visitor(), email, PASSWORD)
    client = TestClient(desk.app, cookies={SESSION_COOKIE: opened.token}, headers=OURS)
    return client, str(opened.actor.session_id)


def _made(client: TestClient, path: str, **sent: Any) -> Json:
    answer = client.post(path, **sent)
    assert answer.status_code == 201, answer.text
    return cast("Json", answer.json())


def make_doctor(desk: Desk, name: str) -> Doctor:
    """Let a clinician make something of everything."""
    client, session_id = browser(desk, Role.CLINICIAN)
    new = {"name": f"{name} Berg", "mrn": f"mrn-{name}", "external_id": f"his-{name}",
           "consent_record": {"given_on": "2025-11-06"}}  # fmt: skip
    patient = _made(client, "/api/patients/", json=new)
    gone = _made(client, "/api/patients/", json={"name": f"{name} Gone"})
    folder, along = _pictures(client, patient["id"], name)
    result = _analysis(desk, client.get(f"/api/images/{folder['image'][0]}/").json())
    assert client.delete(f"/api/patients/{gone['id']}/").status_code == 204
    token = _made(client, TOKENS, json={"name": f"{name}'s robot", "scopes": ["read"]})["token"]
    folder |= {
        "patient": [patient["id"], f"his-{name}", gone["id"]],
        "result": [result],
        "token": [token["id"]],
        "session": [session_id],
    }
    ids = [each for kind in folder.values() for each in kind]
    return Doctor(client, folder, (name, *ids, *along))


def _pictures(client: TestClient, patient_id: str, name: str) -> tuple[dict[str, list[str]], list[str]]:
    """Make a visit, batches, images and a set; return their ids by kind, and those that went along."""
    visit = _made(client, VISITS, json={"patient_id": patient_id, "note": f"{name} fell"})
    new = {"patient_id": patient_id, "name": f"{name} feet"}
    batch = _made(client, "/api/images/batches/", json=new | {"visit_id": visit["id"]})
    old = _made(client, "/api/images/batches/", json=new)
    seen, changed, trashed, along = (
        _upload(client, f"/api/images/batches/{owner['id']}/upload/", name, seed)["uploaded"][0]
        for seed, owner in enumerate((batch, batch, batch, old))
    )
    taken = _made(client, f"{VISITS}{visit['id']}/images", files={"file": (f"{name}.jpg", picture(9))})
    for path in (f"images/{trashed['id']}", f"images/batches/{old['id']}"):
        assert client.delete(f"/api/{path}/").status_code == 204
    change = client.patch(f"/api/images/{changed['id']}/", json={"caption": f"{name}'s toe"})
    wanted = {"name": f"{name} set", "purpose": "record", "image_ids": [seen["id"]]}
    image_set = _made(client, "/api/image-sets/", json=wanted)
    share = _made(client, f"/api/image-sets/{image_set['id']}/shares/", json={"label": f"{name} friend"})
    folder = {
        "batch": [batch["id"], old["id"]],
        "image": [seen["id"], taken["id"], trashed["id"]],
        "visit": [visit["id"]],
        "set": [image_set["id"]],
        "share": [share["share"]["id"]],
        "change": [change.headers["X-Change-ID"]],
    }
    return folder, [changed["id"], along["id"]]


def _upload(client: TestClient, path: str, name: str, seed: int) -> Json:
    return _made(client, path, files={"images": (f"{name}.jpg", picture(seed))})


def _analysis(desk: Desk, image: Json) -> str:
    row = Analysis.model_validate(
        {"patient_id": image["patient_id"], "image_id": image["id"], "analyser": "Skin check",
         "analyser_version": "1", "input_sha256": image["sha256"], "predictions": {"naevus": 0.9},
         "created_at": image["uploaded_at"], "updated_at": image["uploaded_at"]}
    )  # fmt: skip
    with desk.clinic.database.write() as session:
        session.add(row)
        session.flush()
        return str(row.id)


def send(client: TestClient, request: Request) -> Any:
    """Send a request, with a picture where it takes a file."""
    operation = request.operation
    sent: Json = {"params": request.query}
    if operation.file_field:
        sent["files"] = {operation.file_field: ("foot.jpg", picture(77))}
    elif request.body is not None:
        sent["json"] = request.body
    return client.request(operation.method, request.url, **sent)
