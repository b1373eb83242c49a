"""A random walk of several people through the services, in both access modes, with its audit checked.

Each action says which lines it must leave, and leaves these and no others. At the end the chain holds,
and on copies of the database every line that is removed or altered is found and named.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

from argon2 import PasswordHasher

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.db.journal import Event
from imgcore.domain.access import system
from imgcore.domain.chains import COLUMNS, Verdict
from imgcore.services import credentials
from tests.long.walkers import Told, Walkers
from tests.services.clinics import House, ImagingHere, open_house

ACTIONS = 5_000
TAMPERED = 60  # copies of each database, one line removed or altered in each
SEED = 20251106
# What is written over a column, in the way in which SQLite keeps it; never what stood there.
FORGED = {
    "at": "2001-02-03 04:05:06.000000",
    "actor_id": "0" * 32,
    "action": "patient.forged",
    "outcome": "forged",
    "patient_id": "1" * 32,
    "entity": "forged",
    "entity_ids": '["forged"]',
    "field_names": '["forged"]',
    "count": -1,
    "address": "forged",
    "request_id": "forged",
    "chain": "0" * 64,
}


def run(actions: int) -> str:
    """Walk in both modes, half of the actions each; return what was seen."""
    facts = []
    for mode in ("clinic", "care_team"):
        with tempfile.TemporaryDirectory(prefix="walk") as name:
            lines, kinds = _walk(Path(name) / "clinic", mode, actions // 2)
            found = _tamper(Path(name), random.Random(SEED))
        facts.append(
            f"{mode}: {lines:,} lines of {kinds} actions match, {found} of {TAMPERED} forgeries named"
        )
    return "; ".join(facts)


@contextmanager
def _quick() -> Iterator[None]:
    """Spare the walk what is slow on purpose: password hashes, and worker processes for pictures."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with (
        patch.object(credentials, "_hasher", lambda: hasher),
        patch.object(bootstrap, "ImagingPool", ImagingHere),
    ):
        yield


def _walk(folder: Path, mode: str, actions: int) -> tuple[int, int]:
    with _quick(), open_house(folder, access=mode) as house:
        walkers = Walkers(house, random.Random(SEED))
        last, kinds = _newest_id(house), Counter[str]()
        for number in range(actions):
            house.clock.forward(minutes=11)  # a look is noted anew after ten minutes
            name, expected = walkers.act()
            new = _told_after(house, last)
            if Counter(new) != Counter(expected):
                raise AssertionError(f"{mode}, action {number}, {name}: {new} instead of {expected}")
            last += len(new)
            kinds[name] += 1
            if number % 100 == 99:
                house.services.seals.run(system("sealer"))
        house.services.seals.run(system("sealer"))
        verdict = house.services.audit.verify(system())
        if not verdict.holds:
            raise AssertionError(f"{mode}: {verdict}")
        return verdict.lines, len(kinds)


def _newest_id(house: House) -> int:
    return max((line.id or 0 for line in house.events()), default=0)


def _told_after(house: House, last: int) -> list[Told]:
    lines = house.events(Event.id > last)  # type: ignore[operator]
    return [Told(line.actor_id, line.action, line.outcome, line.patient_id, line.count) for line in lines]


def _tamper(folder: Path, chance: random.Random) -> int:
    """Forge one line in each of several copies; return how many forgeries were found by their number."""
    with closing(sqlite3.connect(folder / "clinic" / "imgcore.sqlite3")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        last = int(database.execute("SELECT max(seal) FROM event").fetchone()[0])
    seals = [1, last, *(chance.randint(1, last) for _ in range(TAMPERED - 2))]
    columns = ["", *FORGED]  # without a name the line is removed
    for number, seal in enumerate(seals):
        column = columns[number % len(columns)] if number > 1 else ""
        verdict = _forged(folder, seal, column)
        named = [(each.first, each.last) for each in verdict.findings]
        if (seal, seal) not in named or verdict.found > 2:
            raise AssertionError(f"line {seal}, {column or 'removed'}: {verdict}")
    if set(FORGED) != set(COLUMNS) - {"id"} | {"chain"}:
        raise AssertionError("the forgeries do not cover every column")
    return len(seals)


def _forged(folder: Path, seal: int, column: str) -> Verdict:
    copy = folder / "copy"
    shutil.copytree(folder / "clinic", copy, ignore=shutil.ignore_patterns("objects"))
    try:
        with closing(sqlite3.connect(copy / "imgcore.sqlite3")) as database, database:
            for trigger in ("event_is_for_ever", "event_is_unchanged"):
                database.execute(f"DROP TRIGGER {trigger}")
            if column:
                change = f"UPDATE event SET {column} = ? WHERE seal = ?"
                database.execute(change, (FORGED[column], seal))
            else:
                database.execute("DELETE FROM event WHERE seal = ?", (seal,))
        with _quick(), closing(bootstrap.build(load_settings(data_dir=copy))) as clinic:
            return clinic.services.audit.verify(system())
    finally:
        shutil.rmtree(copy)
