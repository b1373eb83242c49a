"""How the databases go about the lists: along an index, never through a whole table."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgcore.db.engine import Database
from imgcore.domain.access import Actor, Role
from imgcore.services import sight
from tests.benchmarks import large_clinics, lists, plans
from tests.benchmarks.large_clinics import Size
from tests.benchmarks.lists import Desk
from tests.services.clinics import House, Opens
from tests.services.databases import on_both

SIZE = Size(4_000)
LARGE = "image|batch|rendition|event|visit|change|care_team"
WHOLE = {
    True: re.compile(rf"SCAN (?:{LARGE})\b(?! USING)|\(trashed_at=\?\)"),
    False: re.compile(rf"Seq Scan on (?:{LARGE})\b"),
}
ALONG = {
    "images of all": "ix_image_uploaded_at_id",
    "images of all, category": "ix_image_category_uploaded_at_id",
    "images of all, place": "ix_image_body_location_uploaded_at_id",
    "images of all, type": "ix_image_image_type_uploaded_at_id",
    "images of all, a week": "ix_image_date_taken_id",
    "images of all, by cursor": "ix_image_uploaded_at_id",
    "images of all, category, by cursor": "ix_image_category_uploaded_at_id",
    "images of a patient": "ix_image_batch_id_order_id",
    "images of a patient, category": "ix_image_batch_id_order_id",
    "images of a patient, place": "ix_image_batch_id_order_id",
    "images of a batch, category": "ix_image_batch_id_order_id",
    "badge of a patient": "ix_image_batch_id_order_id",
    "patients": "ix_patient_search_text_id",
    "patients, name": "ix_patient_search_text_id",
    "visits of all": "ix_visit_visited_on_id_patient_id",
    "trash, image": "ix_image_trashed_at_id_change_id",
    "same bytes elsewhere": "ix_image_sha256",
    "audit, action": "ix_event_action_at",
    "audit, refused": "ix_event_outcome_at",
    "trash, batch": "ix_batch_trashed_at_id",
    "looks at a patient": "event_image USING PRIMARY KEY (image_id=?)",
    "looks at an image": "event_image USING PRIMARY KEY (image_id=?)",
    "sweep": "ix_image_unfinished",
}


def explained(database: Database, case: lists.Case, desk: Desk) -> dict[str, str]:
    """Return what a list asks, with how the database goes about it."""
    with plans.caught(database) as asked:
        case(desk)
    return {each.statement: plans.plan(database, each) for each in asked if each.has_plan}


@pytest.fixture
def desk(clinic: House) -> Desk:
    """An administrator at work in a clinic of some thousand images."""
    database = clinic.clinic.database
    large_clinics.fill(database, SIZE)
    if not database.on_sqlite:
        # So few rows are read whole because that is quicker; what is asked here is whether they must be.
        sa.event.listen(
            database.engine, "begin", lambda each: each.exec_driver_sql("SET enable_seqscan = off")
        )
    return Desk(clinic.clinic, SIZE, Actor(UUID(large_clinics.user_id(0)), Role.ADMIN))


@on_both
@pytest.mark.parametrize("knows", ["nothing", "the counts of rows"])
def test_no_list_reads_a_table_to_its_end(desk: Desk, knows: str) -> None:
    database = desk.clinic.database
    if knows != "nothing":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    for name, case in lists.cases().items():
        found = explained(database, case, desk)
        whole = {asked: how for asked, how in found.items() if WHOLE[database.on_sqlite].search(how)}
        assert whole == {}, name
        if database.on_sqlite and name in ALONG:
            assert any(ALONG[name] in how for how in found.values()), (name, found)


@on_both
def test_a_large_team_is_looked_up_row_by_row(open_clinic: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list of the team's batches or patients is made, which are thousands."""
    monkeypatch.setattr(sight, "FEW_BATCHES", 10)
    house = open_clinic(access="care_team")
    large_clinics.fill(house.clinic.database, SIZE)
    desk = Desk(house.clinic, SIZE, Actor(UUID(large_clinics.user_id(0)), Role.ADMIN))
    for name in (
        "images of all",
        "images of all, category",
        "images of all, a year",
        "images of all, by cursor",
    ):
        found = explained(house.clinic.database, lists.cases()[name], desk)
        pages = {asked: how for asked, how in found.items() if "image.batch_id" in asked and "LIMIT" in asked}
        assert pages, name
        for asked, how in pages.items():
            assert "EXISTS (SELECT 1" in asked, name
            assert not house.clinic.database.on_sqlite or ALONG.get(name, "ix_image_date_taken_id") in how, (
                name
            )


@on_both
def test_a_place_in_the_list_is_gone_to_at_once(desk: Desk) -> None:
    """SQLite goes by the first condition on a key, which must be the place, not the first or last day."""
    asked = explained(desk.clinic.database, lists.cases()["images of all, a year, by cursor"], desk)
    if desk.clinic.database.on_sqlite:
        assert any("(date_taken>? AND (date_taken,id)<(?,?))" in how for how in asked.values()), asked


@pytest.mark.parametrize("access", ["clinic", "care_team"])
def test_words_are_looked_up_by_their_trigrams(open_clinic: Opens, access: str) -> None:
    house = open_clinic(access=access)
    large_clinics.fill(house.clinic.database, SIZE)
    desk = Desk(house.clinic, SIZE, Actor(UUID(large_clinics.user_id(0)), Role.ADMIN))
    found = explained(house.clinic.database, lists.images(text=large_clinics.RARE), desk)
    used = [how for how in found.values() if "image_words VIRTUAL TABLE" in how]
    assert len(used) == 1
    assert all("SCAN image\n" not in f"{how}\n" for how in found.values())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_words_are_looked_up_by_pg_trgm(desk: Desk) -> None:
    found = explained(desk.clinic.database, lists.images(text=large_clinics.RARE), desk)
    assert any("Bitmap Index Scan on ix_image_words" in how for how in found.values())
