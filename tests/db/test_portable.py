from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from imgcore.db import portable
from imgcore.db.engine import Database
from imgcore.db.journal import Setting
from imgcore.db.schema import METADATA
from imgcore.db.tables import Patient
from imgcore.errors import Invalid
from tests.db.both import on_both

# Whoever adds a table decides here whether backups and exports carry it.
CARRIED = {
    "access_token",
    "analysis",
    "batch",
    "care_team",
    "change",
    "event",
    "given_set",
    "image",
    "image_set",
    "image_set_item",
    "impression",
    "patient",
    "retention_rule",
    "share",
    "user",
    "visit",
}
NOW = datetime(2025, 11, 6, 12, 30, 15, 123456, tzinfo=UTC)


def test_every_table_is_carried_or_stays() -> None:
    assert set(portable.tables()) == CARRIED
    assert set(METADATA.tables) == CARRIED | portable.STAYS


def test_a_table_comes_after_those_that_it_refers_to() -> None:
    names = portable.tables()
    for name in names:
        parents = {key.column.table.name for key in METADATA.tables[name].foreign_keys}
        assert all(names.index(parent) < names.index(name) for parent in parents)


@on_both
def test_rows_are_plain_and_come_back_as_they_were(database: Database) -> None:
    with database.write() as session:
        session.add(Patient(name="Zoë\u2028 '\"\\ 王", birth_on=NOW.date(), created_at=NOW, updated_at=NOW))
    with database.read() as session:
        (row,) = portable.rows(session, "patient")
    assert row["created_at"] == NOW.isoformat() and row["birth_on"] == "2025-11-06"
    with database.write() as session:
        session.delete(session.get_one(Patient, UUID(row["id"])))
    with database.write() as session:
        assert portable.is_empty(session)
        portable.load(session, "patient", [row])
        portable.load(session, "patient", [row | {"name": "nobody overwrites it"}])
    with database.read() as session:
        assert list(portable.rows(session, "patient")) == [row]


@on_both
@pytest.mark.parametrize("name", ["setting", "session", "alembic_version", "nothing"])
def test_what_stays_at_home_is_not_loaded(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(Setting(name="kept", value=1, updated_at=NOW))
        with pytest.raises(Invalid):
            portable.load(session, name, [{"name": "x"}])
        assert portable.is_empty(session)
