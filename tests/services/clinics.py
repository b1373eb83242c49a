"""A clinic to try the services in: a real database, a real store, and short ways to fill them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from PIL import Image as Picture
from sqlmodel import SQLModel, select

from imgcore import bootstrap
from imgcore.analysis import Analyser
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.journal import Change, Event
from imgcore.db.tables import CareTeam, Rendition
from imgcore.db.tables import Image as ImageRow
from imgcore.domain import records
from imgcore.domain.access import Actor, Role, system, visitor
from imgcore.domain.records import Received
from imgcore.domain.values import ImageFields, NewBatch, NewPatient, NewUser
from imgcore.imaging import ImagingPool
from imgcore.services import Services
from imgcore.services.uploads import Offered

PASSWORD = "correct horse battery"
DESK = visitor(address="192.0.2.7", request_id="req-1")
Row = TypeVar("Row", bound=SQLModel)
Result = TypeVar("Result")


class Clock:
    """Time as a test wants it: it moves a little with every look, so that what follows is later."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def later(self, **by: float) -> datetime:
        """Return a moment to come."""
        return self._now + timedelta(**by)

    def forward(self, **by: float) -> None:
        """Let time pass: ``forward(minutes=15)``."""
        self._now += timedelta(**by)


class ImagingHere(ImagingPool):
    """The real checks and renditions, without the wait for worker processes."""

    def _run(self, task: Callable[..., Result], *arguments: object) -> Result:
        return task(*arguments)


def photo(seed: int = 0, size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    """Return the bytes of a picture; another seed gives other bytes."""
    colour = (seed * 37 % 256, seed // 7 * 53 % 256, seed * 11 % 256)
    picture = Picture.new("RGB", size, colour)
    picture.putpixel((seed % size[0], seed // size[0] % size[1]), (255, 255, 255))
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@dataclass
class House:
    """One clinic with its administrator, and what a test does there again and again."""

    clinic: Clinic
    clock: Clock
    url: str
    admin: Actor = field(default_factory=system)

    @property
    def services(self) -> Services:
        """All services of the clinic."""
        return self.clinic.services

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.services.settings.data_dir

    def person(self, role: Role, email: str = "", **fields: Any) -> Actor:
        """Add a person, let them sign in, and return them."""
        email = email or f"{role}-{self.clock().timestamp()}@clinic.example"
        about = {"email": email, "name": f"Some {role}", "role": role, "password": PASSWORD, **fields}
        new = NewUser.model_validate(about)
        self.services.accounts.create(system(), new)
        return self.services.sign_in.open(DESK, email, PASSWORD).actor

    def patient(self, name: str = "Ada Novak", actor: Actor | None = None, **fields: Any) -> records.Patient:
        """Add a patient."""
        return self.services.patients.create(actor or self.admin, NewPatient(name=name, **fields))

    def batch(self, patient: records.Patient | None = None, actor: Actor | None = None) -> records.Batch:
        """Add a batch, to a new patient when none is named."""
        who = actor or self.admin
        owner = patient or self.patient(actor=who)
        return self.services.batches.create(who, owner.id, NewBatch(name="Check-up"))

    def offered(self, content: bytes, name: str = "foot.jpg", **fields: Any) -> Offered:
        """Take a file in, as a request does."""
        intake = self.services.uploads.intake(self.admin, name)
        intake.write(content)
        return Offered(intake.finish(), ImageFields(**fields))

    def upload(
        self, batch_id: UUID, *contents: bytes, actor: Actor | None = None, **options: Any
    ) -> Received:
        """Store files in a batch; ``key`` and ``keep_duplicates`` as ``Uploads.store`` takes them."""
        files = [self.offered(content) for content in contents]
        return self.services.uploads.store(actor or self.admin, batch_id, files, **options)

    def images(
        self, batch_id: UUID, count: int = 1, actor: Actor | None = None, first: int = 0
    ) -> list[records.Image]:
        """Store some different photographs in a batch."""
        contents = [photo(first + seed) for seed in range(count)]
        received = self.upload(batch_id, *contents, actor=actor)
        assert not received.failed, received.failed
        return [each.image for each in received.uploaded]

    def image(self, batch_id: UUID | None = None, seed: int = 0, **fields: Any) -> records.Image:
        """Store one photograph, in a new batch when none is named."""
        target = batch_id or self.batch().id
        received = self.services.uploads.store(self.admin, target, [self.offered(photo(seed), **fields)])
        assert not received.failed, received.failed
        return received.uploaded[0].image

    def join(self, actor: Actor, patient_id: UUID, **fields: Any) -> None:
        """Make a person a member of a patient's care team."""
        assert actor.user_id is not None
        with self.clinic.database.write() as session:
            session.add(
                CareTeam(patient_id=patient_id, user_id=actor.user_id, joined_at=self.clock(), **fields)
            )

    def rows(self, table: type[Row], *conditions: Any) -> list[Row]:
        """Return the rows of a table as they are stored."""
        with self.clinic.database.read() as session:
            found = list(session.exec(select(table).where(*conditions)))
            session.expunge_all()
            return found

    def events(self, *conditions: Any) -> list[Event]:
        """Return the audit lines, oldest first."""
        return sorted(self.rows(Event, *conditions), key=lambda line: line.id or 0)

    def changes(self) -> list[Change]:
        """Return the undo entries, oldest first."""
        return sorted(self.rows(Change), key=lambda change: change.at)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect what the database is asked meanwhile."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        engine = self.clinic.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        yield asked
        sa.event.remove(engine, "before_cursor_execute", note)

    def stored_keys(self) -> set[str]:
        """Return the key of every object in the store."""
        return {info.key for info in self.clinic.store.walk()}

    def named_keys(self) -> set[str]:
        """Return the key of every object that the database names."""
        return {row.key for row in self.rows(ImageRow)} | {row.key for row in self.rows(Rendition)}

    def waiting_files(self) -> list[Path]:
        """Return the temporary files that are left."""
        return list(self.services.settings.temporary_dir.iterdir())


@contextmanager
def open_house(
    folder: Path, url: str = "", analysers: Mapping[str, Analyser] | None = None, **settings: Any
) -> Iterator[House]:
    """Build a clinic in a folder; the same folder again opens the same clinic.

    Its administrator is the program itself until somebody is made one. ``analysers`` are all its models.
    """
    clock = Clock()
    find = (lambda: analysers) if analysers is not None else None
    known = load_settings(data_dir=folder, database_url=url, **settings)
    clinic = bootstrap.build(known, clock=clock, analysers=find)
    try:
        yield House(clinic, clock, url)
    finally:
        clinic.close()


def ids(images: Sequence[records.Image]) -> list[UUID]:
    """Return the ids of images, in their order."""
    return [image.id for image in images]


Opens = Callable[..., House]
