"""What the demo clinic consists of, read from its file: patients, batches, and how each picture is drawn."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from imgcore.domain.categories import DEFAULT_CODE
from imgcore.domain.values import ImageFields, NewBatch, NewPatient, parse
from imgcore.imaging.drawings import WITHOUT_EXIF, Drawing, Shot, photograph

FILE = Path(__file__).parent / "clinic.toml"
WORD = re.compile(r"(?P<category>\w+)(=(?P<motif>\w+))?(/(?P<side>[LR]))?(\.(?P<format>\w+))?")
COMMON, LARGE, SMALL = (1600, 1200), (4032, 3024), (1024, 768)
UNCOMPRESSED = ("bmp", "tiff")
# Every so many pictures one has all the pixels of a phone.
LARGE_EVERY = 20
# What is taken with the camera held upright, now and then.
TALL = {"from_above", "from_below", "anterior", "posterior", "brace"}
TALL_SHARE, CAPTIONED = 0.5, 0.35
PLACES = ("Heel", "Plantar forefoot", "Medial arch", "Big toe")


@dataclass(frozen=True)
class Picture:
    """One file to be: its name, how to draw it, and what a person would say of it."""

    name: str
    drawing: Drawing
    shot: Shot
    format: str
    fields: ImageFields

    def draw(self) -> bytes:
        """Return the file."""
        return photograph(self.drawing, self.shot, self.format)


@dataclass(frozen=True)
class PlannedBatch:
    """One batch to be, with its pictures in the order in which they were taken.

    One with a ``note`` was taken at a visit.
    """

    new: NewBatch
    taken_on: date
    pictures: tuple[Picture, ...]
    note: str = ""


@dataclass(frozen=True)
class PlannedPatient:
    """One patient to be, known by the external id."""

    external_id: str
    new: NewPatient
    batches: tuple[PlannedBatch, ...]


@cache
def clinic() -> tuple[PlannedPatient, ...]:
    """Return the patients of the demo clinic; the same ones every time."""
    return tuple(_Plan(tomllib.loads(FILE.read_text(encoding="utf-8"))).patients())


class _Plan:
    """The content of the file, and how many pictures were read from it so far."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self._number = 0

    def patients(self) -> Iterator[PlannedPatient]:
        for place, raw in enumerate(self._content["patient"], start=1):
            batches = tuple(self._batch(raw, each) for each in raw["batch"])
            new = parse(
                NewPatient,
                **{name: raw[name] for name in ("name", "mrn", "birth_on", "sex")},
                external_id=f"demo-{place}",
                notes="Invented for the demo clinic; every picture is drawn.",
                consent_record={"given_on": min(batch.taken_on for batch in batches)},
            )
            yield PlannedPatient(f"demo-{place}", new, batches)

    def _batch(self, patient: dict[str, Any], raw: dict[str, Any]) -> PlannedBatch:
        day = raw["taken_on"]
        chance = Random(f"{patient['mrn']} {day}")
        zone = timezone(timedelta(hours=raw["zone"]))
        at = datetime.combine(day, time(chance.randint(9, 15), chance.randint(0, 59)), zone)
        pictures: list[Picture] = []
        for word in raw["pictures"].split():
            at += timedelta(seconds=chance.randint(9, 75))
            pictures.append(self._picture(patient, raw, word, at, is_primary=not pictures))
        new = parse(NewBatch, name=raw.get("name"), taken_on=day)
        return PlannedBatch(new, day, tuple(pictures), raw.get("note", "").strip())

    def _picture(
        self, patient: dict[str, Any], batch: dict[str, Any], word: str, at: datetime, *, is_primary: bool
    ) -> Picture:
        self._number += 1
        name = f"IMG_{4000 + self._number}"
        chance = Random(f"{patient['mrn']} {name}")
        category, motif, side, format = self._read(word, chance)
        size, orientation = self._held(motif, format, chance)
        camera = self._content["cameras"]["x_rays" if motif.startswith("x_ray") else batch["camera"]]
        given: dict[str, Any] = {"is_primary": True} if is_primary else {}
        if category != DEFAULT_CODE:
            given["category"] = category
        if motif in self._content["captions"] and chance.random() < CAPTIONED:
            given["caption"] = chance.choice(self._content["captions"][motif])
        if motif == "skin":
            given |= {"image_type": "Close-up", "body_location": chance.choice(PLACES)}
        if format in WITHOUT_EXIF:
            given["date_taken"] = batch["taken_on"]
        return Picture(
            f"{name}.{format}",
            Drawing(motif, name, side, patient["tone"], patient["growth"], size),
            Shot(camera["make"], camera["model"], at, orientation),
            format,
            parse(ImageFields, **given),
        )

    def _read(self, word: str, chance: Random) -> tuple[str, str, str, str]:
        """Return the category, motif, side and format that a word means."""
        found = WORD.fullmatch(word)
        if found is None:
            raise ValueError(word)
        usual, _slash, its_side = self._content["motifs"].get(found["category"], "").partition("/")
        side = found["side"] or its_side or chance.choice("LR")
        return found["category"], found["motif"] or usual, side, found["format"] or "jpg"

    def _held(self, motif: str, format: str, chance: Random) -> tuple[tuple[int, int], int]:
        """Return the size of the upright picture and the EXIF orientation that the camera wrote."""
        size = SMALL if format in UNCOMPRESSED else COMMON
        if format != "jpg" or motif.startswith("x_ray"):
            return size, 1
        size = LARGE if self._number % LARGE_EVERY == 0 else size
        if motif in TALL and chance.random() < TALL_SHARE:
            return size[::-1], chance.choice((6, 6, 8))
        return size, chance.choice((1, 1, 1, 3))
