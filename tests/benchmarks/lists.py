"""Lists at a million images beside ten thousand: ``python -m tests.benchmarks.lists``.

Every page, badge and filter, by the product's own services; the promise is at most twice the time.
``--explain`` shows how the databases go about each, ``--only WORD`` those whose name holds a word,
``--keep FOLDER`` keeps the clinics that were made for the next run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from sqlmodel import col, select

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.db.tables import Batch, Image
from imgcore.domain.access import Actor, Role, system
from imgcore.domain.records import Page
from imgcore.services import Services, arrivals
from imgcore.services.audit import Asked
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.benchmarks import large_clinics, plans
from tests.benchmarks.large_clinics import FREQUENT, RARE, Size
from tests.benchmarks.processes import load
from tests.servers.postgres import Postgres

SMALL, LARGE = 10_000, 1_000_000
SHORT = 10  # a page that the small clinic can fill, too
ROUNDS = 15
PROMISED = 2.0


@dataclass
class Desk:
    """Somebody at work in one clinic, who turns to another patient with every round."""

    clinic: Clinic
    size: Size
    actor: Actor
    round: int = 0
    cursors: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """All services of the clinic."""
        return self.clinic.services

    @property
    def number(self) -> int:
        """The patient of this round; the person is on the team of each."""
        return self.round * 12 * 7 % max(12, self.size.patients // 12 * 12)

    @property
    def patient(self) -> UUID:
        """The id of the patient of this round."""
        return UUID(large_clinics.patient_id(self.number))

    @property
    def batch(self) -> UUID:
        """The id of a batch of the patient."""
        return UUID(large_clinics.batch_id(self.number * large_clinics.BATCHES_A_PATIENT + 2))

    @property
    def image(self) -> UUID:
        """The id of an image of that batch."""
        batch = self.number * large_clinics.BATCHES_A_PATIENT + 2
        return UUID(large_clinics.image_id(batch * large_clinics.IMAGES_A_BATCH + 3))


Case = Callable[[Desk], Any]


def images(**asked: Any) -> Case:
    """Return the list of images with some filters; ``patient_ref`` may be True, for that of the round."""

    def run(desk: Desk, turn: Turn | None = None) -> Page[Any]:
        about = dict(asked)
        for name, value in (("patient_ref", str(desk.patient)), ("batch_id", desk.batch)):
            if about.get(name) is True:
                about[name] = value
        return desk.services.images.list(desk.actor, Filter(**about), turn)

    return run


def visit_images(desk: Desk) -> Page[Any]:
    """List the images of a visit."""
    visit = UUID(large_clinics.visit_id(desk.number * large_clinics.BATCHES_A_PATIENT))
    return desk.services.images.list(desk.actor, Filter(visit_id=visit))


def all_visits(desk: Desk, turn: Turn | None = None) -> Page[Any]:
    """List the visits of all patients."""
    return desk.services.visits.list(desk.actor, None, turn)


def found(text: str) -> Case:
    """Return the search for a patient."""

    def run(desk: Desk, turn: Turn | None = None) -> Page[Any]:
        return desk.services.patients.find(desk.actor, text, turn)

    return run


def audit(**asked: Any) -> Case:
    """Return the list of audit lines with some filters."""

    def run(desk: Desk, turn: Turn | None = None) -> Page[Any]:
        about = dict(asked)
        for name, value in (("patient_ref", str(desk.patient)), ("person_id", desk.actor.user_id)):
            if about.get(name) is True:
                about[name] = value
        return desk.services.audit.list(desk.actor, Asked(**about), turn)

    return run


def few(count: int, **asked: Any) -> Case:
    """Return the list of images with some filters, by pages as short as those of the small clinic."""
    return lambda desk: images(**asked)(desk, Turn(page_size=count))  # type: ignore[call-arg]


def deep(case: Callable[..., Page[Any]], pages: int = 3, page_size: int = 50) -> Case:
    """Return the same list by the cursor that its first pages end with."""

    def run(desk: Desk) -> Page[Any] | None:
        key = str(id(case))
        if key not in desk.cursors:
            cursor: str | None = None
            for _page in range(pages):
                following = case(desk, Turn(page_size=page_size, cursor=cursor)).next_cursor
                if following is None:
                    break
                cursor = following
            desk.cursors[key] = cursor or ""
        cursor = desk.cursors[key]
        return case(desk, Turn(page_size=page_size, cursor=cursor)) if cursor else None

    return run


def elsewhere(desk: Desk) -> object:
    """Look for the same bytes elsewhere, as every upload does."""
    with desk.services.images._ledger.read(desk.actor) as work:
        batch = work.session.get_one(Batch, desk.batch)
        sha256 = work.session.exec(select(Image.sha256).where(col(Image.id) == desk.image)).one()
        return arrivals._elsewhere(work, batch, sha256)


def sweep(desk: Desk) -> object:
    """Sweep, when there is nothing to do."""
    return desk.services.sweeps.run(system("sweeper"))


def _span(days: int, back: int) -> dict[str, Any]:
    last = (large_clinics.today() - timedelta(days=back)).date()
    return {"taken_from": last - timedelta(days=days), "taken_to": last}


INSIDE: dict[str, dict[str, Any]] = {
    "": {},
    ", category": {"category": "cmo"},
    ", a year": _span(365, 700),
    ", place": {"body_location": "left heel"},
    ", type": {"image_type": "x-ray"},
    ", text": {"text": FREQUENT},
    ", no such text": {"text": "qqqqq"},
}
ACROSS = INSIDE | {
    ", a week": _span(7, 900),
    ", 2 words": {"text": f"{FREQUENT} week"},
    ", 2 letters": {"text": "ee"},
    ", 2 letters, none": {"text": "qq"},
}


def cases() -> dict[str, Case]:
    """Return every list that is measured, by name."""
    lists = {f"patients{name}": found(text) for name, text in _TEXTS.items()}
    lists |= {f"images of all{name}": images(**asked) for name, asked in ACROSS.items()}
    lists |= {f"audit{name}": audit(**asked) for name, asked in _AUDITS.items()}
    lists["visits of all"] = all_visits
    turned = {f"{name}, by cursor": deep(case) for name, case in lists.items() if "no" not in name.split()}
    turned["visits of all, by cursor"] = deep(all_visits, page_size=SHORT)
    inside = {
        f"images of a patient{name}": images(patient_ref=True, **asked) for name, asked in INSIDE.items()
    }
    return {
        **lists,
        **turned,
        **inside,
        "images of a batch": images(batch_id=True),
        "images of a batch, category": images(batch_id=True, category="cmo"),
        "images of all, rare text": few(SMALL // 2_000, text=RARE),
        "images of all, file name": few(SMALL // 10_000, text="IMG_1234"),
        "images of a visit": visit_images,
        "grid": lambda desk: images(batch_id=True)(desk, Turn(page_size=100)),  # type: ignore[call-arg]
        "ids of a batch": lambda desk: desk.services.images.ids(desk.actor, desk.batch),
        "recent patients": lambda desk: desk.services.patients.recent(desk.actor),
        "badge of a patient": lambda desk: desk.services.patients.counts(desk.actor, desk.patient),
        "batches": lambda desk: desk.services.batches.of_patient(desk.actor, desk.patient),
        "batches, filtered": lambda desk: desk.services.batches.of_patient(desk.actor, desk.patient, "up 3"),
        "visits of a patient": lambda desk: desk.services.visits.list(desk.actor, desk.patient),
        **{f"trash, {kind}": _trash(kind) for kind in ("patient", "batch", "image")},
        "trash of a patient": lambda desk: desk.services.trash.list(desk.actor, "image", str(desk.patient)),
        "looks at a patient": lambda desk: desk.services.looks.of_patient(desk.actor, desk.patient),
        "looks at an image": lambda desk: desk.services.looks.of_patient(
            desk.actor, desk.patient, image_id=desk.image
        ),
        "same bytes elsewhere": elsewhere,
        "sweep": sweep,
    }


_TEXTS = {
    "": "",
    ", name": "novak",
    ", MRN": "m000036",
    ", birth date": "1937",
    ", 2 letters": "ad",
    ", no such": "qqqqq",
}
_AUDITS: dict[str, dict[str, Any]] = {
    "": {},
    ", person": {"person_id": True},
    ", patient": {"patient_ref": True},
    ", action": {"action": "image.see"},
    ", rare action": {"action": "patient.create"},
    ", refused": {"outcome": "refused"},
    ", a week": {
        "from_at": large_clinics.today() - timedelta(days=400),
        "to_at": large_clinics.today() - timedelta(days=393),
    },
}


def _trash(kind: str) -> Case:
    return lambda desk: desk.services.trash.list(desk.actor, kind, turn=Turn(page_size=SHORT))


@contextmanager
def opened(url: str, size: Size, folder: Path, access: str) -> Iterator[Desk]:
    """Open a clinic, made first when its database is empty, with its administrator at work."""
    database = Database(url)
    if schema.current(database) is None:
        large_clinics.make(url, size)
    if schema.current(database) != schema.revisions()[-1]:
        schema.upgrade(database)
    database.close()
    clinic = bootstrap.build(load_settings(data_dir=folder, database_url=url, access=access))
    try:
        yield Desk(clinic, size, Actor(UUID(large_clinics.user_id(0)), Role.ADMIN, address="192.0.2.7"))
    finally:
        clinic.close()


@dataclass(frozen=True)
class Took:
    """Median milliseconds of a list, and how many rows it showed."""

    time: float
    rows: int


def compare(desks: Sequence[Desk], case: Case, rounds: int) -> tuple[Took, ...]:
    """Return what a case took for each desk, taken in turns; the first round is left out.

    Nothing when the list of one of them is too short for this.
    """
    taken: list[list[float]] = [[] for _desk in desks]
    shown: list[list[int]] = [[] for _desk in desks]
    for turn in range(rounds + 1):
        for desk, times, counts in zip(desks, taken, shown, strict=True):
            desk.round = turn
            began = time.perf_counter()
            answer = case(desk)
            times.append((time.perf_counter() - began) * 1000)
            if answer is None:
                return ()
            counts.append(_rows(answer))
    return tuple(
        Took(median(times[1:]), round(median(counts[1:]))) for times, counts in zip(taken, shown, strict=True)
    )


def _rows(answer: Any) -> int:
    """Return how many rows an answer shows: of a page its items, and one of what is no list."""
    items = answer.items if isinstance(answer, Page) else answer
    return len(items) if isinstance(items, Sized) else 1


def explain(desk: Desk, case: Case) -> None:
    """Print how the database goes about what the case asks."""
    database = desk.clinic.database
    with plans.caught(database) as asked:
        case(desk)
    for each in asked:
        if each.has_plan:
            print("   ", " ".join(each.statement.split())[:600])
            print("       " + plans.plan(database, each, measured=True).replace("\n", "\n       "))


@contextmanager
def urls(kind: str, folder: Path, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the addresses of some databases of one kind."""
    if kind == "sqlite":
        yield [f"sqlite:///{folder / name}.sqlite3" for name in names]
        return
    server = Postgres(folder / "postgres")
    server.start()
    try:
        for name in names:
            with suppress(psycopg.errors.DuplicateDatabase):
                server._execute(f"CREATE DATABASE {name}")
        yield [f"postgresql+psycopg://postgres@/{name}?host={server.folder}" for name in names]
    finally:
        server.stop()


def measure(
    kind: str, folder: Path, sizes: Sequence[int], access: str, only: str, rounds: int, explained: bool
) -> dict[str, tuple[Took, ...]]:
    """Print what each list takes in each size, and return it."""
    names = [f"clinic_{size}" for size in sizes]
    wanted = {name: case for name, case in cases().items() if only in name}
    with ExitStack() as stack:
        places = stack.enter_context(urls(kind, folder, names))
        desks = [
            stack.enter_context(opened(url, Size(size), folder / str(size), access))
            for url, size in zip(places, sizes, strict=True)
        ]
        found = {}
        for name, case in wanted.items():
            times = compare(desks, case, rounds)
            if not times:
                continue
            found[name] = times
            ratio = times[-1].time / times[0].time
            mark = "" if ratio <= PROMISED else "  <--"
            print(
                f"{kind:10} {access:9} {name:40} "
                + "".join(f"{each.time:9.2f} of {each.rows:4}" for each in times),
                f"{ratio:7.2f}{mark}",
            )
            if explained:
                explain(desks[-1], case)
        return found


def main() -> None:
    """Print median milliseconds in both sizes with the rows of the answer, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--images", type=int, default=LARGE)
    parser.add_argument("--access", nargs="*", default=["clinic", "care_team"])
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        folder = given.keep or Path(name)
        print(f"median milliseconds of {given.rounds} rounds in turns; {load()}")
        for kind in given.kinds:
            for access in given.access:
                sizes = (SMALL, given.images)
                measure(kind, folder, sizes, access, given.only, given.rounds, given.explain)


if __name__ == "__main__":
    main()
