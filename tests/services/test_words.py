"""What is looked for among all images is found by trigrams; it is what reading every text would find."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col

from imgcore.db import rewriting, schema, words
from imgcore.db.tables import Image
from imgcore.domain.values import ImageFields
from imgcore.services import images, pages
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens
from tests.services.databases import on_both

LETTERS = "aAbBßẞéÉİıΣσςЖж日本%_/'\"*^(){}:-+\\.🦶e\u0301 "
TEXTS = st.text(LETTERS, max_size=8)
FIXED = (
    "heel", "HEEL ulcer", 'a "b" c', "100%_x", "İstanbul", "a/b\\c", "日本語の足", "e\u0301te", "NEAR OR AND",
    "🦶🦶🦶",
)  # fmt: skip
STRANGE = ["h", "he", "hee", "heel", "HEEL", "%", "_x", '"b"', "OR", "x*", "'", "🦶", "本語"]


def row(batch_id: UUID, **texts: str) -> Image:
    at = datetime(2025, 11, 6, tzinfo=UTC)
    facts: dict[str, Any] = {"width": 1, "height": 1, "file_size": 1, "crc32": 1, "sha256": "x"}
    facts |= {"mime_type": "image/jpeg", "state": "ready", "uploaded_at": at, "updated_at": at}
    return Image(batch_id=batch_id, key=str(uuid4()), **facts | {"original_name": "foot.jpg"} | texts)


def found(clinic: House, text: str, **asked: str) -> set[UUID]:
    page = clinic.services.images.list(clinic.admin, Filter(text=text, **asked), Turn(page_size=100))  # type: ignore[arg-type]
    assert page.total == len(page.items) and page.total_is_exact
    return {image.id for image in page.items}


@on_both
def test_among_all_images_the_same_is_found_as_in_their_patient(clinic: House) -> None:
    """Inside of a patient every text is read; there the trigrams have no say."""
    batch = clinic.batch()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(words.FIELDS), st.data())
    def check(texts: list[str], field: str, data: st.DataObject) -> None:
        with clinic.clinic.database.write() as session:
            session.execute(sa.delete(Image))
            session.add_all(row(batch.id, **{field: each}) for each in (*texts, *FIXED))
        text = data.draw(st.sampled_from([*texts, *FIXED, "zzz"]))
        first = data.draw(st.integers(0, max(0, len(text) - 1)))
        part = text[first : first + data.draw(st.integers(1, 6))]
        for looked_for in (part, part.swapcase(), f"{part} {texts[0][:2]}"):
            assert found(clinic, looked_for) == found(clinic, looked_for, patient_ref=str(batch.patient_id))

    check()


@on_both
@pytest.mark.parametrize("looked_for", STRANGE)
def test_short_and_strange_words_are_found(clinic: House, looked_for: str) -> None:
    batch = clinic.batch()
    rows = [row(batch.id, caption=each) for each in (*FIXED, "x*y", "it's")]
    wanted = {each.id for each in rows if looked_for.lower() in each.caption.lower()}
    with clinic.clinic.database.write() as session:
        session.add_all(rows)
    assert found(clinic, looked_for) == wanted != set()


@on_both
def test_what_changes_is_found_as_it_is_now(clinic: House) -> None:
    image = clinic.image(caption="left heel")
    assert found(clinic, "heel") == {image.id} == found(clinic, "foot.jpg")
    clinic.services.images.edit(clinic.admin, image.id, ImageFields(caption="right toe"))
    assert (found(clinic, "heel"), found(clinic, "right toe")) == (set(), {image.id})
    clinic.services.trash.images(clinic.admin, [image.id])
    assert found(clinic, "right toe") == set()
    clinic.services.trash.restore_images(clinic.admin, [image.id])
    assert found(clinic, "right toe") == {image.id}


def test_a_file_written_anew_finds_the_same_and_forgets_what_was_removed(clinic: House) -> None:
    batch = clinic.batch()
    kept, gone = (clinic.image(batch.id, seed, caption=text) for seed, text in enumerate(("heel", "wzqxj")))
    database, file = clinic.clinic.database, clinic.folder / "imgcore.sqlite3"
    with database.write() as session:
        session.execute(sa.text("DELETE FROM rendition"))
        session.execute(sa.delete(Image).where(col(Image.id) == gone.id))
        session.execute(sa.text("UPDATE change SET rows = '[]'"))
    assert rewriting.rewrite(database)
    assert b"zqx" not in file.read_bytes()
    with database.write() as session:
        session.execute(sa.text("INSERT INTO image_words(image_words) VALUES ('integrity-check')"))
    assert (found(clinic, "heel"), found(clinic, "zqx")) == ({kept.id}, set())


def test_many_are_not_counted_one_by_one(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = clinic.batch()
    with clinic.clinic.database.write() as session:
        session.add_all(row(batch.id, caption="heel") for _ in range(4))
    monkeypatch.setattr(images, "COUNTED_UP_TO", 3)
    page = clinic.services.images.list(clinic.admin, Filter(text="heel"), Turn(page_size=2))
    assert (len(page.items), page.total_is_exact) == (2, False)
    narrower = clinic.services.images.list(clinic.admin, Filter(text="heel", category="casts"))
    assert (narrower.items, narrower.total) == ((), 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("frequent", "is_exact"), [(2, False), (3, True)])
def test_words_that_most_images_have_are_all_found(
    clinic: House, monkeypatch: pytest.MonkeyPatch, frequent: int, is_exact: bool
) -> None:
    batch = clinic.batch()
    with clinic.clinic.database.write() as session:
        session.add_all(row(batch.id, caption="left heel") for _ in range(4))
    monkeypatch.setattr(pages, "LOOKED_AT", 2)
    monkeypatch.setattr(images, "_FREQUENT", frequent)
    page = clinic.services.images.list(clinic.admin, Filter(text="heel"))
    assert (len(page.items), page.total, page.total_is_exact) == (4, 4, is_exact)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_pg_trgm_the_same_is_found(clinic: House) -> None:
    image = clinic.image(caption="left heel")
    with clinic.clinic.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE")
    assert found(clinic, "heel") == {image.id}
    assert schema.differences(clinic.clinic.database) == []


def test_a_small_team_finds_its_own(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    own, other = house.image(caption="left heel"), house.image(seed=5, caption="right heel")
    with house.clinic.database.write() as session:
        session.execute(sa.text("DELETE FROM care_team WHERE patient_id = :id"), {"id": other.patient_id.hex})
    assert found(house, "heel") == {own.id} == found(house, "")
