"""Figures are what anybody would count in the tables of the same clinic, whatever was done to it."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas
import pytest
from sqlmodel import col, select

from imgcore.db.tables import Analysis, Batch, Image
from imgcore.domain.access import Action, Actor, Role, system
from imgcore.domain.datasets import NAMES, Name, Part
from imgcore.domain.records import Patient
from imgcore.domain.statistics import Asked, Figure, Step
from imgcore.domain.values import ImageFields
from tests.services.clinics import House, Opens, ids, photo
from tests.services.databases import on_both

Frame = pandas.DataFrame
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Apia", "Africa/Cairo")
# Around the days on which clocks are changed, the turn of months and years, and a leap day.
TURNS = ("2024-02-29", "2024-12-31", "2025-03-09", "2025-03-30", "2025-04-24", "2025-10-31", "2025-11-02")
CODES = ("casts", "l_anterior", "other")
SPANS = ((None, None), ("2025-03-01", "2025-04-30"), ("2024-12-31", None), (None, "2025-03-09"))


@dataclass
class Story:
    """A clinic to which things happen by chance."""

    house: House
    chance: random.Random
    people: list[Actor] = field(default_factory=list)
    patients: list[Patient] = field(default_factory=list)
    images: dict[UUID, int] = field(default_factory=dict)  # and which of the people may change them

    def begin(self) -> None:
        """Add people, patients, and pictures that were uploaded long ago and just now."""
        self.people = [self.house.admin, self.house.person(Role.CLINICIAN)]
        for number in range(4):
            self.patients.append(self.house.patient(f"Patient {number % 3}", self.people[number % 2]))
            for _batch in range(2):
                self.add(number)

    def add(self, number: int) -> None:
        """Upload some pictures, and let models look at them."""
        patient, who = self.patients[number], self.people[number % 2]
        batch = self.house.batch(patient, who)
        seeds = [self.chance.randrange(10_000) for _image in range(self.chance.randrange(1, 4))]
        kinds = self.chance.choices(("JPEG", "PNG"), k=len(seeds))
        contents = [photo(seed, kind=kind) for seed, kind in zip(seeds, kinds, strict=True)]
        received = self.house.upload(batch.id, *contents, b"no picture", actor=who, keep_duplicates=True)
        found = ids([each.image for each in received.uploaded])
        self.images |= dict.fromkeys(found, number % 2)
        with self.house.clinic.database.write() as session:
            for image in session.exec(select(Image).where(col(Image.id).in_(found))):
                image.uploaded_at, image.category = self.moment(), self.chance.choice(CODES)
                session.get_one(Batch, batch.id).created_at = image.uploaded_at
                session.add_all(self.results(patient.id, image.id))
            session.add_all(self.results(patient.id, None))

    def results(self, patient_id: UUID, image_id: UUID | None) -> Iterator[Analysis]:
        """Make some results up, among them failures and the photograph's quality."""
        for _result in range(self.chance.randrange(3)):
            at, score = self.moment(ahead=300), self.chance.choice((0.0, 0.29, 0.3, 0.55, 0.7, 1.0))
            fails = self.chance.random() < 0.2
            about: dict[str, Any] = {
                "analyser": self.chance.choice(("skin", "skin", "capture-quality")),
                "analyser_version": self.chance.choice("12"), "input_sha256": "0" * 64,
                "predictions": None if fails else {"a": score, "b": 0.3},
                "risk_level": None if fails else self.chance.choice(("low", "high", "Sehr hoch", None)),
            }  # fmt: skip
            yield Analysis(patient_id=patient_id, image_id=image_id, created_at=at, updated_at=at, **about)

    def moment(self, ahead: int = 0) -> datetime:
        """Return a moment near to one at which counting may go wrong; seldom one that lies ``ahead``."""
        if self.chance.random() < 0.1:
            return self.house.clock() + timedelta(days=self.chance.randrange(ahead + 1))
        day = datetime.fromisoformat(self.chance.choice(TURNS)).replace(tzinfo=UTC)
        return day + timedelta(minutes=self.chance.choice((-1, 0, 1)) + 15 * self.chance.randrange(-56, 56))

    def go_on(self) -> None:
        """Let something happen that figures must follow."""
        services = self.house.services
        kept = {row.id for row in self.house.rows(Image) if row.trashed_at is None}
        one = self.chance.choice([each for each in self.images if each in kept])
        number = self.images[one]
        who, other = self.people[number], self.patients[number + 2]
        batch_id = services.images.get(who, one).batch_id
        happens: Callable[[], object] = self.chance.choice((
            lambda: services.trash.images(who, [one]),
            lambda: services.trash.batch(who, batch_id),
            lambda: services.images.edit(who, one, ImageFields(category=self.chance.choice(CODES))),
            lambda: services.images.move(who, [one], self.house.batch(other, who).id, "The wrong patient."),
            lambda: self.add(number),
            lambda: services.history.undo(who, services.trash.batch(who, batch_id)),
        ))  # fmt: skip
        happens()


@dataclass
class Count:
    """Counts what tables hold, row by row and in no clever way."""

    tables: Mapping[str, Frame]
    asked: Asked
    step: Step | None

    def part(self, name: Name, moment: str) -> Frame:
        """Return the rows of a table within the days that are asked for, each with its day."""
        table = self.tables[name].copy()
        zone = ZoneInfo(self.asked.zone)
        table["on"] = [each.to_pydatetime().astimezone(zone).date() for each in table[moment]]
        if self.asked.patient_ref is not None:
            table = table[table["patient_id"] == self.asked.patient_ref]
        if self.asked.from_on is not None:
            table = table[table["on"] >= self.asked.from_on]
        if self.asked.to_on is not None:
            table = table[table["on"] <= self.asked.to_on]
        return table

    def start(self, day: date) -> date:
        """Return where the bar begins that a day belongs to."""
        if self.step is Step.MONTH:
            return day.replace(day=1)
        return day - timedelta(days=day.weekday()) if self.step is Step.WEEK else day

    def growth(self) -> list[tuple[Any, ...]]:
        images, batches = self.part("images", "uploaded_at"), self.part("batches", "created_at")
        every: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
        for on, category in zip(images["on"], images["category"], strict=True):
            every[self.start(on)][0] += 1
            every[self.start(on)][1] += category == "other"
        for on in batches["on"]:
            every[self.start(on)][2] += 1
        return sorted((start, *counts) for start, counts in every.items())

    def images_by(self, column: str, *, size: bool = True) -> list[tuple[Any, ...]]:
        images = self.part("images", "uploaded_at")
        groups = images.groupby(column, observed=True)["file_size"].agg(["count", "sum"])
        rows = [(name, int(count), int(total)) for name, count, total in groups.itertuples()]
        return sorted(row if size else row[:2] for row in rows)

    def risks(self) -> list[tuple[Any, ...]]:
        results = self.part("analyses", "created_at").dropna(subset=["risk_level"])
        counted = Counter(zip(map(self.start, results["on"]), results["risk_level"], strict=True))
        return sorted((*key, count) for key, count in counted.items())

    def quality(self) -> list[tuple[Any, ...]]:
        results = self.part("analyses", "created_at")
        results = results[results["analyser"] == "capture-quality"]
        results = results.dropna(subset=["image_id", "predictions"])
        counted: Counter[tuple[str, float]] = Counter()
        for told in results["predictions"]:
            for score, value in json.loads(told).items():
                counted[score, min(9, int(value * 10)) / 10] += 1
        return sorted((*key, count) for key, count in counted.items())

    def agreement(self) -> list[tuple[Any, ...]]:
        results = self.part("analyses", "created_at").dropna(subset=["image_id", "label"])
        results = results[results["analyser"] != "capture-quality"]
        said: dict[str, dict[str, str]] = defaultdict(dict)
        for row in results.itertuples():  # the table is in the order of time
            said[str(row.image_id)][f"{row.analyser} {row.analyser_version}"] = str(row.label)
        pairs: dict[tuple[str, str], list[bool]] = defaultdict(list)
        for labels in said.values():
            for first, second in combinations(sorted(labels), 2):
                pairs[first, second].append(labels[first] == labels[second])
        return sorted((*pair, len(same), sum(same)) for pair, same in pairs.items())

    def failures(self) -> list[tuple[Any, ...]]:
        lines = self.part("events", "at")
        lines = lines[(lines["action"] == Action.IMAGE_UPLOAD) & (lines["outcome"] == "refused")]
        counted: Counter[tuple[date, str]] = Counter()
        for on, files in zip(lines["on"], lines["count"], strict=True):
            counted[self.start(on), "refused"] += files
        return sorted((*key, count) for key, count in counted.items())


def tables(house: House, actor: Actor) -> dict[str, Frame]:
    """Return the tables that programs get, as DataFrames; of the audit what is of the same patients."""
    found: dict[str, Frame] = {}
    datasets = house.services.datasets
    for name in NAMES:
        if name == "events":
            extract = datasets.events(system(), Part(), "frame")
        else:
            extract = datasets.extract(actor, name, Part(), "frame")
        rows = [row for lot in extract.lots for row in zip(*lot, strict=True)]
        found[name] = Frame(rows, columns=[column.name for column in extract.columns])
    found["events"] = found["events"][found["events"]["patient_id"].isin(found["patients"]["patient_id"])]
    return found


def agree(house: House, actor: Actor, asked: Asked) -> None:
    """Compare every figure with what the tables hold."""
    house.clock.forward(minutes=2)
    found = {figure: house.services.statistics.table(actor, figure, asked) for figure in Figure}
    label, held = house.services.categories.label, tables(house, actor)
    names = dict(zip(held["patients"]["patient_id"], held["patients"]["name"], strict=True))

    def rows(figure: Figure) -> list[tuple[Any, ...]]:
        return sorted(row for row in found[figure].rows)

    def count(figure: Figure) -> Count:
        return Count(held, asked, found[figure].step)

    assert [row for row in rows(Figure.GROWTH) if any(row[1:])] == count(Figure.GROWTH).growth()
    categories = count(Figure.CATEGORIES).images_by("category", size=False)
    assert rows(Figure.CATEGORIES) == sorted((label(code), number) for code, number in categories)
    assert rows(Figure.CLINICIANS) == count(Figure.CLINICIANS).images_by("uploaded_by_name")
    formats = count(Figure.FORMATS).images_by("mime_type")
    assert rows(Figure.FORMATS) == [(kind.removeprefix("image/").upper(), *rest) for kind, *rest in formats]
    patients = count(Figure.PATIENTS).images_by("patient_id")
    assert rows(Figure.PATIENTS) == sorted((names[each], *rest) for each, *rest in patients)
    assert rows(Figure.RISKS) == count(Figure.RISKS).risks()
    assert [row for row in rows(Figure.QUALITY) if row[2]] == count(Figure.QUALITY).quality()
    assert rows(Figure.AGREEMENT) == count(Figure.AGREEMENT).agreement()
    assert rows(Figure.FAILURES) == count(Figure.FAILURES).failures()


@on_both
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("access", ["clinic", "care_team"])
def test_figures_are_what_the_tables_hold(open_clinic: Opens, seed: int, access: str) -> None:
    house, chance = open_clinic(access=access), random.Random(seed)
    story = Story(house, chance)
    story.begin()
    for step in range(4):
        story.go_on()
        first, last = (None if day is None else date.fromisoformat(day) for day in SPANS[step % len(SPANS)])
        zone = chance.choice(ZONES)
        for actor in story.people:
            agree(house, actor, Asked(None, None, first, last, zone))
        mine = str(story.patients[0].id)
        agree(house, house.admin, Asked(mine, None, first, last, zone))
