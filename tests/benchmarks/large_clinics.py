"""Clinics of up to a million images, made in minutes: rows without bytes, for what is measured on lists.

The rows are those of the first release, so that every upgrade since can be tried on them. The same
size always gives the same clinic.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
import sqlalchemy as sa

from imgcore.db import schema
from imgcore.db.engine import Database

FIRST = "0001_first"
IMAGES_A_PATIENT, IMAGES_A_BATCH, BATCHES_A_PATIENT = 200, 20, 10
PEOPLE, TEAM = 12, 3
DAYS = 5 * 365
RARE = "verrucous"  # in one caption of 2,000
FREQUENT = "heel"
TEXTS = ("", "", "after debridement", "heel, week {n}", "plantar view, heel ulcer", "toes", "dressing off")
PLACES = ("", "", "left heel", "right heel", "left hallux", "right hallux", "left sole", "right sole")
TYPES = ("", "", "", "clinical", "dermoscopy", "x-ray")
CATEGORIES = (
    "other",
    "other",
    "anterior",
    "r_anterior",
    "l_anterior",
    "posterior",
    "casts",
    "left_lat",
    "right_lat",
    "cmo",
)
Row = tuple[str | int | None, ...]


@dataclass(frozen=True)
class Size:
    """How much a clinic holds: 200 images a patient, in ten batches."""

    images: int

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return max(1, self.images // IMAGES_A_PATIENT)


@dataclass(frozen=True)
class Load:
    """Rows for one table, in the spelling that both databases read."""

    table: str
    columns: Sequence[str]
    rows: Iterable[Row]


def make(url: str, size: Size) -> None:
    """Fill an empty database as the first release would have, and leave it at that release's shape."""
    database = Database(url)
    schema.upgrade(database, FIRST)
    fill(database, size)
    database.close()


def fill(database: Database, size: Size) -> None:
    """Put the rows of a clinic into tables that are there, of any release."""
    loads = _Clinic(size).loads()
    if database.on_sqlite:
        _into_sqlite(str(database.engine.url.database), loads)
    else:
        _into_postgresql(database.engine.url, loads)


def _into_sqlite(path: str, loads: Iterable[Load]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-1000000")  # kB
        connection.execute("BEGIN")
        for load in loads:
            marks = ", ".join("?" * len(load.columns))
            connection.executemany(f"INSERT INTO {_named(load)} VALUES ({marks})", load.rows)
        connection.execute("COMMIT")


def _into_postgresql(url: sa.URL, loads: Iterable[Load]) -> None:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            for load in loads:
                with cursor.copy(f"COPY {_named(load)} FROM STDIN".encode()) as copy:
                    for row in load.rows:
                        copy.write_row(row)
        connection.execute("VACUUM ANALYZE")  # a server does it by itself within minutes


def _named(load: Load) -> str:
    return f'"{load.table}" (' + ", ".join(f'"{name}"' for name in load.columns) + ")"


MADE = ("version", "created_at", "updated_at")
PATIENT = ("id", "mrn", "external_id", "name", "birth_on", "sex", "notes", "search_text", *MADE)
USER = ("id", "email", "name", "role", "is_active", "token_version", "created_at", "updated_at")
VISIT = ("id", "patient_id", "clinician_id", "visited_on", "note", "images_taken", *MADE)
BATCH = ("id", "patient_id", "visit_id", "name", "taken_on", *MADE)
IMAGE = (
    "id", "batch_id", "original_name", "key", "mime_type", "file_size", "width", "height", "sha256", "crc32",
    "category", "caption", "image_type", "body_location", "laterality", "description", "is_primary", "order",
    "captured_at", "date_taken", "camera_make", "uploaded_at", "uploaded_by", "updated_at", "version",
    "state", "edit_revision", "browser_shows", "trashed_at", "trashed_by", "change_id",
)  # fmt: skip
RENDITION = ("image_id", "kind", "edit_revision", "key", "file_size", "width", "height", "crc32")
EVENT = (
    "at", "actor_id", "action", "outcome", "patient_id", "entity", "entity_ids", "field_names", "count",
    "address", "request_id", "seal", "chain",
)  # fmt: skip
CHANGE = ("id", "at", "actor_id", "action", "patient_id", "rows", "reason", "expires_at")
TEAM_MEMBER = ("patient_id", "user_id", "joined_at", "reason", "is_break_glass")


class _Clinic:
    """All rows of one clinic; each table's are dealt out anew from the same seed."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.now = today()
        self.people = [_id("user", n) for n in range(PEOPLE)]

    def loads(self) -> Iterator[Load]:
        """Yield what goes into each table, in the order of their references."""
        yield Load("patient", PATIENT, self._patients())
        yield Load("user", USER, self._users())
        yield Load("care_team", TEAM_MEMBER, self._teams())
        yield Load("visit", VISIT, self._visits())
        yield Load("batch", BATCH, self._batches())
        yield Load("image", IMAGE, self._images())
        yield Load("rendition", RENDITION, self._renditions())
        yield Load("change", CHANGE, self._changes())
        yield Load("event", EVENT, self._events())

    def _patients(self) -> Iterator[Row]:
        for n in range(self.size.patients):
            name, born = _name(n), date(1930, 1, 1) + timedelta(days=n * 17 % 30_000)
            text = f"{name.lower()} m{n:06} {born} {born.day} {born:%B} {born.year}".lower()
            yield (
                _id("patient", n), f"M{n:06}", None, name, str(born), "unknown", "", text,
                1, self._at(0), self._at(0),
            )  # fmt: skip

    def _users(self) -> Iterator[Row]:
        for n, user_id in enumerate(self.people):
            role = "admin" if n == 0 else "clinician"
            yield (user_id, f"person-{n}@clinic.example", f"Person {n}", role, 1, 1, self._at(0), self._at(0))

    def _teams(self) -> Iterator[Row]:
        for n in range(self.size.patients):
            for place in range(TEAM):
                yield (_id("patient", n), self.people[(n * 5 + place) % PEOPLE], self._at(0), "", 0)

    def _batch_numbers(self) -> range:
        return range(self.size.images // IMAGES_A_BATCH)

    def _day(self, batch: int) -> int:
        """Return on which day of the clinic's years a batch was taken."""
        return batch * 7_919 % DAYS

    def _visits(self) -> Iterator[Row]:
        for n in self._batch_numbers()[::2]:
            at = self._at(self._day(n))
            yield (
                _id("visit", n), _id("patient", n // BATCHES_A_PATIENT), self.people[n % PEOPLE], at[:10],
                "Healing well.", 1, 1, at, at,
            )  # fmt: skip

    def _batches(self) -> Iterator[Row]:
        for n in self._batch_numbers():
            at = self._at(self._day(n))
            visit = _id("visit", n) if n % 2 == 0 else None
            patient = _id("patient", n // BATCHES_A_PATIENT)
            yield (_id("batch", n), patient, visit, f"Check-up {n % 97}", at[:10], 1, at, at)

    def _images(self) -> Iterator[Row]:
        chance = random.Random(7)
        for n in range(self.size.images):
            yield self._image(n, chance)

    def _image(self, n: int, chance: random.Random) -> Row:
        batch, place = divmod(n, IMAGES_A_BATCH)
        patient = batch // BATCHES_A_PATIENT
        at = self._at(self._day(batch), 9 * 3600 + n % 20_000)
        caption = RARE if n % 2_000 == 1 else chance.choice(TEXTS).format(n=n % 52)
        trashed = self._at(DAYS - n % 29) if n % 200 == 7 else None
        state = "pending" if n % 200_000 == 8 else "ready"
        image_id = _id("image", n)
        return (
            image_id, _id("batch", batch), f"IMG_{n % 10_000:04}.JPG",
            f"images/{_id('patient', patient)}/{_id('batch', batch)}/{image_id}.jpg",
            "image/jpeg", 3_500_000 + n % 1_000, 4000, 3000, f"{chance.getrandbits(256):064x}",
            chance.getrandbits(32), chance.choice(CATEGORIES), caption, chance.choice(TYPES),
            chance.choice(PLACES), "LR"[n % 2], "", int(place == 0), place + 1, at, at[:10], "Canon", at,
            self.people[n % PEOPLE], at, 1, state, 0, 1, trashed,
            self.people[0] if trashed else None, _id("change", n) if trashed else None,
        )  # fmt: skip

    def _renditions(self) -> Iterator[Row]:
        for n in range(self.size.images):
            image_id = _id("image", n)
            yield (image_id, "thumbnail", 0, f"thumbnails/{image_id}.jpg", 12_000, 300, 225, n)

    def _changes(self) -> Iterator[Row]:
        """Yield an undo entry for every hundredth image; nothing of it is over yet."""
        for n in range(0, self.size.images, 100):
            at = self._at(DAYS - 1 - n % 28, n % 80_000)
            rows = [{"table": "image", "id": _id("image", n), "before": {"category": "other"},
                     "after": {"category": "cmo"}}]  # fmt: skip
            patient = _id("patient", n // IMAGES_A_PATIENT)
            over = str(self.now + timedelta(days=1 + n % 29))[:19]
            yield (
                _id("edit", n),
                at,
                self.people[n % PEOPLE],
                "image.edit",
                patient,
                json.dumps(rows),
                "",
                over,
            )

    def _events(self) -> Iterator[Row]:
        """Yield a look at every second image, and one list across patients for every 500 images."""
        for n in range(0, self.size.images, 2):
            at = self._at(self._day(n // IMAGES_A_BATCH), 10 * 3600 + n % 30_000)
            across = n % 500 == 0
            ids = [_id("image", (n + step * 331) % self.size.images) for step in range(50 if across else 1)]
            patient = None if across else _id("patient", n // IMAGES_A_PATIENT)
            yield (
                at, self.people[n % PEOPLE], "image.see", "done", patient, "image", json.dumps(ids), "[]",
                len(ids), "192.0.2.7", "req", n // 2 + 1, "0" * 64,
            )  # fmt: skip

    def _at(self, day: int, second: int = 0) -> str:
        """Return a moment of the clinic's years; the last day was yesterday."""
        return f"{self.now - timedelta(days=DAYS - day, seconds=-second):%Y-%m-%d %H:%M:%S}.000000"


_KINDS = ("user", "patient", "visit", "batch", "image", "change", "edit")


def _id(kind: str, number: int) -> str:
    """Return an id that looks like chance, as every id of the program does, and is always the same."""
    mixed = ((number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 124)  # odd: no two are alike
    return f"{_KINDS.index(kind)}{mixed:031x}"


def _name(number: int) -> str:
    first = ("Ada", "Bela", "Cora", "Dan", "Edo", "Fay", "Gus", "Hana", "Ivo", "Jana")
    last = ("Novak", "Smith", "Weiss", "Okafor", "Rossi", "Larsen", "Tanaka", "Moreau", "Silva", "Kaya")
    return f"{first[number % 10]} {last[number // 10 % 10]}-{last[number // 100 % 10]} {number // 1000}"


def today() -> datetime:
    """Return midnight of the clinic's last day, so that every run on one day asks for the same."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def image_id(number: int) -> str:
    """Return the id of an image, in hexadecimal digits."""
    return _id("image", number)


def patient_id(number: int) -> str:
    """Return the id of a patient, in hexadecimal digits."""
    return _id("patient", number)


def batch_id(number: int) -> str:
    """Return the id of a batch, in hexadecimal digits."""
    return _id("batch", number)


def visit_id(number: int) -> str:
    """Return the id of a visit, in hexadecimal digits; every second batch has one."""
    return _id("visit", number)


def user_id(number: int) -> str:
    """Return the id of somebody who can sign in; the first is an administrator."""
    return _id("user", number)
