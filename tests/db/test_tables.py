from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from imgcore.db.engine import Database
from imgcore.db.journal import Event, Job
from imgcore.db.tables import Batch, Image, Patient, Rendition, User
from imgcore.errors import Conflict
from tests.db.both import on_both

NOW = datetime(2025, 11, 6, tzinfo=UTC)
MADE: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}


def image(batch: Batch, **fields: Any) -> Image:
    whole = {"width": 1, "height": 1, "file_size": 1, "state": "ready", "original_name": "a", "sha256": "x"}
    rest = {"key": str(uuid4()), "mime_type": "image/jpeg", "crc32": 2**32 - 1, "uploaded_at": NOW}
    return Image(batch_id=batch.id, updated_at=NOW, **whole | rest | fields)  # type: ignore[arg-type]


@on_both
def test_closed_lists_and_ranges_are_kept_by_the_database(database: Database) -> None:
    patient = Patient(name="Ada", **MADE)
    batch = Batch(patient_id=patient.id, name="B", taken_on=NOW.date(), **MADE)
    with database.write() as session:
        session.add(patient)
        session.flush()
        session.add(batch)
    whole = image(batch)
    with database.write() as session:
        session.add(whole)
    key = {"image_id": whole.id, "file_size": 1, "width": 1, "height": 1, "crc32": 1}
    for wrong in (
        Patient(name="Bo", sex="none", **MADE),
        User(email="a@b.c", name="A", role="visitor", **MADE),
        Job(kind="x", state="lost", **MADE),
        Batch(patient_id=uuid4(), name="B", taken_on=NOW.date(), **MADE),
        image(batch, state="gone"),
        image(batch, laterality="X"),
        image(batch, width=0),
        image(batch, file_size=0),
        image(batch, key=whole.key),
        Rendition(kind="huge", key="k", **key),  # type: ignore[arg-type]
    ):
        with pytest.raises(Conflict), database.write() as session:
            session.add(wrong)


@pytest.fixture
def line(database: Database) -> int:
    """The id of an audit line."""
    with database.write() as session:
        event = Event(at=NOW, action="patient.see", entity_ids=["a"], field_names=["name"], count=1)
        session.add(event)
        session.flush()
        assert event.id is not None
        return event.id


@contextmanager
def refused() -> Iterator[None]:
    """Expect the trigger to stop what is done in here."""
    with pytest.raises((Conflict, sa.exc.DBAPIError)) as caught:
        yield
    assert "audit lines are never" in str(caught.value.__cause__)


CHANGES = {
    "at": "'2020-01-01 00:00:00+00'",
    "actor_id": "'00000000000000000000000000000001'",
    "action": "'other'",
    "outcome": "'refused'",
    "patient_id": "'00000000000000000000000000000001'",
    "entity": "'image'",
    "entity_ids": "'[]'",
    "field_names": "'[]'",
    "count": "7",
    "address": "'elsewhere'",
    "request_id": "'other'",
    "id": "99",
}


@on_both
def test_no_part_of_an_audit_line_can_be_changed(database: Database, line: int) -> None:
    assert set(CHANGES) | {"seal", "chain"} == set(Event.model_fields)
    for name, value in CHANGES.items():
        with refused(), database.write() as session:
            session.execute(sa.text(f"UPDATE event SET {name} = {value}"))
    with refused(), database.write() as session:
        session.execute(sa.text("DELETE FROM event"))
    with database.read() as session:
        assert session.get_one(Event, line).action == "patient.see"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_audit_is_not_emptied_in_one_go(database: Database, line: int) -> None:
    with refused(), database.write() as session:
        session.execute(sa.text("TRUNCATE event"))
    with database.read() as session:
        assert session.get_one(Event, line).count == 1


@on_both
def test_an_audit_line_is_sealed_once(database: Database, line: int) -> None:
    with database.write() as session:
        session.execute(sa.text("UPDATE event SET seal = 1, chain = 'abc'"))
    for change in ("seal = 2", "chain = 'def'", "seal = NULL, chain = NULL"):
        with refused(), database.write() as session:
            session.execute(sa.text(f"UPDATE event SET {change}"))
    with database.read() as session:
        sealed = session.get_one(Event, line)
        assert (sealed.seal, sealed.chain) == (1, "abc")
