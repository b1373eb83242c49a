"""A program that talks to a server under test over REST, and remembers what was acknowledged."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2
from PIL import Image

from tests.server.visits import ADMIN, PASSWORD

Json = dict[str, Any]
COMMENT = 65_000


def picture(seed: int, size: tuple[int, int] = (48, 32)) -> bytes:
    """Return a small JPEG that no other seed gives."""
    image = Image.new("RGB", size, (seed % 251, seed // 251 % 251, seed // 63_001 % 251))
    file = io.BytesIO()
    image.save(file, "JPEG", comment=f"number {seed}".encode())
    return file.getvalue()


def heavy(seed: int, size: int) -> bytes:
    """Return a JPEG of so many bytes, most of them comments, so that it is read as fast as a small one."""
    content = picture(seed)
    filling = hashlib.shake_128(content).digest(max(0, size - len(content)))
    parts = (filling[at : at + COMMENT] for at in range(0, len(filling), COMMENT))
    comments = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    return content[:2] + comments + content[2:]


class Program:
    """One client with a token; ``kept`` is the SHA-256 of each acknowledged image, by its id."""

    def __init__(self, url: str, timeout: float = 60) -> None:
        self.client = httpx2.Client(base_url=url, timeout=timeout)
        self.kept: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def sign_in(self) -> Self:
        """Get a token as the first administrator."""
        fields = {"username": ADMIN, "password": PASSWORD}
        answer = self.client.post("/api/v1/auth/token", data=fields).raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def batch(self, name: str = "Mary Kowalski") -> str:
        """Add a patient with a batch, and return the id of the batch."""
        patient = self.client.post("/api/patients/", json={"name": name}).raise_for_status().json()
        new = {"taken_on": "2025-11-06", "patient_id": patient["id"]}
        return str(self.client.post("/api/images/batches/", json=new).raise_for_status().json()["id"])

    def send(self, batch: str, contents: Sequence[bytes], key: str | None = None) -> httpx2.Response:
        """Upload files into a batch; what is acknowledged is kept in mind.

        With a key the same bytes may be stored again, so that nothing but the key keeps them from it.
        """
        files = [("images", (f"photo-{place}.jpg", content)) for place, content in enumerate(contents)]
        headers = {"Idempotency-Key": key} if key else {}
        path = f"/api/images/batches/{batch}/upload/"
        twice = {"on_duplicate": "keep" if key else "answer"}
        answer = self.client.post(path, files=files, headers=headers, params=twice)
        if answer.status_code == 201:
            self.kept |= acknowledged(answer.json(), contents)
        return answer

    def listed(self, batch: str) -> list[Json]:
        """Return all images of a batch, in their order."""
        found: list[Json] = []
        turn: dict[str, Any] = {"batch_id": batch, "page_size": 100}
        while True:
            page = self.client.get("/api/images/", params=turn).raise_for_status().json()
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            turn["cursor"] = page["next_cursor"]

    def original(self, image_id: str) -> httpx2.Response:
        """Ask for an image's bytes."""
        return self.client.get(f"/api/images/{image_id}/download/")

    def ready(self) -> httpx2.Response:
        """Ask whether all parts work."""
        return self.client.get("/readyz")


def acknowledged(answer: Mapping[str, Any], contents: Sequence[bytes]) -> dict[str, str]:
    """Return id and SHA-256 of what an answer says is stored, by the names that ``Program.send`` gave."""
    sums = {f"photo-{place}.jpg": hashlib.sha256(each).hexdigest() for place, each in enumerate(contents)}
    return {each["id"]: sums[each["original_name"]] for each in answer["uploaded"]}
