"""A person at a browser: signed in at a running clinic, with one patient's batch open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID, uuid4

from playwright.sync_api import FilePayload, Locator, Page, expect

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Actor, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewBatch, NewPatient
from tests.browser.photos import tiny
from tests.server.visits import WITH_ADMIN, Visits, beside
from tests.servers.browser import Watch
from tests.servers.imgcore_server import ImgcoreServer

# The first drawing of a screen on a busy machine.
SLOW = 40_000
# What a device prefers; a page that is open changes with it.
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# The filmstrip's package asks for a font that the page's policy does not let it have.
FILMSTRIP_FONT = r"fonts\.googleapis\.com"
FOUND = {"name": "Mary Kowalski", "birth_on": "1961-05-12"}


@dataclass(frozen=True)
class Desk:
    """A running clinic, a session of its administrator, and a way to put images into it."""

    visits: Visits
    token: str

    @property
    def actor(self) -> Actor:
        """Who is signed in."""
        return self.visits.actor(self.token)

    def patient(self, **fields: Any) -> Patient:
        """Add a patient, with a number that nobody else has."""
        new = NewPatient(**(FOUND | {"mrn": uuid4().hex[:12]} | fields))
        return self.visits.clinic.services.patients.create(system(), new)

    def batch(self, patient: Patient, images: int = 0, **fields: Any) -> Batch:
        """Add a batch with small images in it."""
        services = self.visits.clinic.services
        new = NewBatch(**({"taken_on": "2025-11-06"} | fields))
        batch = services.batches.create(system(), patient.id, new)
        if images:
            self.send(batch, {f"photo-{number}.png": tiny(number) for number in range(1, images + 1)})
        return services.batches.get(self.actor, batch.id)

    def send(self, batch: Batch, files: dict[str, bytes]) -> None:
        """Upload files as a program does, many in one request."""
        names = list(files)
        with self.visits.client(self.token) as client:
            for start in range(0, len(names), 50):
                part = [("images", (name, files[name])) for name in names[start : start + 50]]
                answer = client.post(f"/api/images/batches/{batch.id}/upload/", files=part)
                assert answer.status_code in (200, 201), answer.text

    def images(self, batch: Batch) -> list[dict[str, Any]]:
        """Return the images of a batch in their order, as the REST API tells them."""
        with self.visits.client(self.token) as client:
            found: list[dict[str, Any]] = []
            for number in range(1, 100):
                query: dict[str, str | int] = {"batch_id": str(batch.id), "page": number, "page_size": 100}
                content = client.get("/api/images/", params=query).json()
                found += content["items"]
                if len(found) >= content["total"]:
                    break
        return found

    def sign_in(self, page: Page) -> None:
        """Give the browser the session."""
        page.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": self.token, "url": self.visits.server.url}]
        )

    def address(self, batch: Batch, image: UUID | str | None = None) -> str:
        """Return the deep link of a batch, or of an image in it."""
        query = {"patient": str(batch.patient_id), "batch": str(batch.id)}
        if image:
            query["image"] = str(image)
        return f"{self.visits.server.url}/?{urlencode(query)}"

    def open(self, page: Page, batch: Batch, image: UUID | str | None = None) -> None:
        """Open a batch, or an image in it, and wait until it is drawn."""
        self.sign_in(page)
        page.goto(self.address(batch, image))
        expect(page.locator(".imgcore-banner:visible").first).to_be_visible(timeout=SLOW)
        if image:
            expect(page.locator(".viewer .place")).to_have_text(re.compile(r"\d+ of \d+"), timeout=SLOW)
        elif batch.image_count:
            page.locator(".field .tile:not(.empty)").first.wait_for(timeout=SLOW)
        else:
            page.locator(".zone").wait_for(timeout=SLOW)


@contextmanager
def open_desk(folder: Path, stores: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Start a clinic with an administrator who is signed in; ``stores`` says where it keeps things."""
    with ImgcoreServer(folder, env=WITH_ADMIN | dict(stores or {})) as server, beside(server) as visits:
        try:
            yield Desk(visits, visits.session())
        finally:
            print(server.last_lines())


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=SLOW)


def tiles(page: Page) -> Locator:
    """Return the tiles of the grid that exist, in no order."""
    return page.locator(".field .tile")


def tile(page: Page, number: int) -> Locator:
    """Return the tile of an image by its number from 1."""
    return page.locator(f'.field .tile[aria-posinset="{number}"]')


def choose_files(page: Page, *files: Path | FilePayload) -> None:
    """Choose files for the dropzone, as the browser's own dialog does."""
    page.locator(".zone input[type=file]").first.set_input_files(list(files))  # type: ignore[arg-type]


def expect_banner(page: Page, text: str) -> None:
    """Wait until one banner is in sight and says this: while a page is drawn there may be a second."""
    expect(page.locator(".imgcore-banner:visible").filter(has_text=text)).to_have_count(1, timeout=SLOW)


def expect_badge(page: Page, text: str) -> None:
    """Wait until the banner counts this."""
    badge = page.locator(".imgcore-banner:visible .imgcore-badge").get_by_text(text, exact=True)
    expect(badge).to_have_count(1, timeout=SLOW)


def allow_filmstrip(watch: Watch) -> None:
    """Let the filmstrip be refused its font."""
    watch.allow(FILMSTRIP_FONT)
