"""A desk at which tests call the REST interface: a real clinic behind the real guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from PIL import Image, ImageDraw
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from imgcore import bootstrap
from imgcore.analysis import Analyser
from imgcore.api.guard import Guard
from imgcore.api.rest import build_api
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.values import NewUser
from tests.api.guarded import FakeTabs

PASSWORD = "correct horse battery"
Json = dict[str, Any]
Sent = tuple[str, bytes] | tuple[str, bytes, str]


def picture(seed: int = 0, kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """Return the bytes of a picture; another seed gives other bytes."""
    image = Image.new("RGB", size, (seed * 37 % 256, seed * 91 % 256, 120))
    ImageDraw.Draw(image).text((4, 4), str(seed), fill=(255, 255, 255))
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


@dataclass
class Desk:
    """The guarded interface, and clients that are signed in to it; ``client`` is a clinician's."""

    clinic: Clinic
    app: ASGIApp
    client: TestClient
    admin: TestClient
    visitor: TestClient

    @property
    def incoming(self) -> list[str]:
        """Names of the temporary files that uploads have left."""
        folder = self.clinic.services.settings.temporary_dir
        return sorted(path.name for path in folder.iterdir())

    def patient(self, **fields: object) -> Json:
        """Add a patient."""
        answer = self.client.post("/api/patients/", json={"name": "Ada Novak", **fields})
        assert answer.status_code == 201, answer.text
        return cast("Json", answer.json())

    def batch(self, patient_id: str | None = None, **fields: object) -> Json:
        """Add a batch, to a new patient when none is named."""
        owner = patient_id or self.patient()["id"]
        answer = self.client.post("/api/images/batches/", json={"patient_id": owner, **fields})
        assert answer.status_code == 201, answer.text
        return cast("Json", answer.json())

    def upload(self, batch_id: str, files: Sequence[Sent], **options: Any) -> Any:
        """Send files; ``data``, ``headers`` and ``params`` are those of the request."""
        sent = [("images", file) for file in files]
        return self.client.post(f"/api/images/batches/{batch_id}/upload/", files=sent, **options)

    def image(
        self, batch_id: str | None = None, content: bytes | None = None, name: str = "foot.jpg"
    ) -> Json:
        """Store one image, in a new batch when none is named."""
        answer = self.upload(batch_id or self.batch()["id"], [(name, content or picture(1))])
        assert answer.status_code == 201, answer.text
        return cast("Json", answer.json()["uploaded"][0])

    def signed_in(self, role: Role, **fields: object) -> TestClient:
        """Return a client of a new person."""
        email = f"{role}-{uuid4().hex}@clinic.example"
        new = NewUser.model_validate(
            {"email": email, "name": f"{role}", "role": role, "password": PASSWORD, **fields}
        )
        self.clinic.services.accounts.create(system(), new)
        token = self.clinic.services.sign_in.token(visitor(), email, PASSWORD)
        return TestClient(self.app, headers={"Authorization": f"Bearer {token}"})


@contextmanager
def open_desk(
    folder: Path, analysers: Mapping[str, Analyser] | None = None, **settings: object
) -> Iterator[Desk]:
    """Build a clinic in a folder, with an administrator and a clinician; ``analysers`` are all its models."""
    find = (lambda: analysers) if analysers is not None else None
    clinic = bootstrap.build(load_settings(data_dir=folder, **settings), analysers=find)
    try:
        app = Guard(build_api(lambda: clinic), clinic=lambda: clinic, tabs=FakeTabs())
        anyone = TestClient(app)
        desk = Desk(clinic, app, anyone, anyone, anyone)
        desk.client, desk.admin = desk.signed_in(Role.CLINICIAN), desk.signed_in(Role.ADMIN)
        yield desk
    finally:
        clinic.close()


def problem(answer: Any) -> Json:
    """Return the error of an answer, whose shape is the one shape."""
    assert answer.headers["content-type"] == "application/json", answer.text
    error = cast("Json", answer.json()["error"])
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"] != ""
    assert error["message"].endswith((".", "!", "?")), error
    assert "Traceback" not in answer.text
    return error
