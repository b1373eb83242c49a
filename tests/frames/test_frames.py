"""DataFrames of a clinic, beside its server or without one."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pandas
import pytest
import sqlalchemy as sa
from PIL import Image as Picture

import imgcore.frames
from imgcore import frames
from imgcore.bootstrap import build
from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import Action, Actor, Role, Scope
from imgcore.domain.accounts import NewToken
from imgcore.domain.datasets import DATASETS, NAMES, Name, Part
from imgcore.domain.sets import NewImageSet
from imgcore.errors import ConfigError, Forbidden, Invalid, NotFound, Unauthenticated
from imgcore.frames import Frames
from tests.services.clinics import House, ids
from tests.services.databases import on_both
from tests.structure.data_doc import TYPES

TURNED = 6  # the camera's value for a picture that is to be turned by a quarter


def opened(house: House, **options: str) -> Frames:
    """Open the clinic beside the one that has it open."""
    return frames.open(data_dir=house.folder, database_url=house.url, **options)


def token(house: House, actor: Actor) -> str:
    return house.services.account.add_token(actor, NewToken(name="notebook", scopes=frozenset({Scope.READ})))[
        1
    ]


def turned_photo() -> bytes:
    picture = Picture.new("RGB", (40, 20), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 0, 20, 20))
    exif = Picture.Exif()
    exif[0x0112] = TURNED
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    return file.getvalue()


@on_both
def test_each_frame_has_the_documented_columns_and_types(clinic: House) -> None:
    clinic.image()
    with opened(clinic) as frames:
        for name in NAMES:
            found = getattr(frames, name)()
            told = {column.name: TYPES[column.kind] for column in DATASETS[name].columns}
            assert {column: str(kind) for column, kind in found.dtypes.items()} == told
        assert len(frames.images()) == len(frames.batches()) == len(frames.patients()) == 1
        assert len(frames.analyses()) == 0
        events = frames.events(from_on=pandas.Timestamp.now("UTC"))
    taken = events[events["action"] == Action.TABLE_DOWNLOAD]
    assert taken["request_id"].unique().tolist() == ["frames"]
    assert taken["actor_id"].isna().all()


def test_a_part_is_named_by_ids_days_and_columns(clinic: House) -> None:
    batch = clinic.batch()
    first, second = clinic.images(batch.id, 2)
    with opened(clinic) as frames:
        chosen = frames.images(batch=str(batch.id), patient=batch.patient_id, columns=["image_id", "width"])
        assert chosen["image_id"].tolist() == [str(first.id), str(second.id)]
        assert list(chosen.columns) == ["image_id", "width"]
        assert len(frames.batches(to_on="2000-01-31")) == 0
        for mistake in ({"from_on": "yesterday"}, {"batch": "first"}, {"colour": "red"}):
            with pytest.raises(Invalid):
                frames.images(**mistake)
        with pytest.raises(Invalid):
            frames.patients(category="casts")


@pytest.mark.parametrize(
    "mistake",
    [{"batch": 7}, {"image_set": "first"}, {"from_on": 2026}, {"to_on": pandas.NaT}, {"category": "cast"},
     {"from_on": "2026-02-01", "to_on": "2026-01-31"}, {"columns": "key"}],
)  # fmt: skip
def test_what_is_no_filter_is_said(clinic: House, mistake: dict[str, Any]) -> None:
    with opened(clinic) as frames, pytest.raises(Invalid):
        frames.images(**mistake)


def test_columns_are_named_as_one_text_or_as_pandas_has_them(clinic: House) -> None:
    clinic.image()
    with opened(clinic) as frames:
        assert list(frames.images(columns="width")) == ["width"]
        every = frames.images()
        assert list(frames.images(columns=every.columns)) == list(every)


def test_categories_of_many_lots_are_told_right(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgcore.services.dataset_readings.LOT", 2)
    codes = ["casts", "other", "l_anterior", "casts", "other"]
    batch = clinic.batch()
    for seed, code in enumerate(codes):
        clinic.image(batch.id, seed, category=code)
    with opened(clinic) as frames:
        images = frames.images()
    assert images["category"].tolist() == codes
    assert str(images.dtypes["category"]) == "category"
    assert pandas.read_parquet(parquet_of(clinic))["category"].tolist() == codes


def parquet_of(house: House) -> io.BytesIO:
    extract = house.services.datasets.extract(house.admin, "images", Part(), "parquet")
    return io.BytesIO(b"".join(extract.sheet("parquet").chunks))


def test_a_table_comes_in_parts(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgcore.services.dataset_readings.LOT", 2)
    monkeypatch.setattr("imgcore.frames.PART_ROWS", 4)
    images = clinic.images(clinic.batch().id, 7)
    with opened(clinic) as frames:
        parts = list(frames.parts("images"))
        for name, wanted in (("image", {}), ("images", {"patients": 1}), ("patients", {"category": "casts"})):
            with pytest.raises(Invalid):  # at once, and not when the first part is read
                frames.parts(cast("Name", name), **wanted)
    assert [len(part) for part in parts] == [4, 3]
    assert pandas.concat(parts)["image_id"].tolist() == [str(each.id) for each in images]


def test_a_picture_is_upright_and_holds_nothing_else(clinic: House) -> None:
    batch = clinic.batch()
    clinic.upload(batch.id, turned_photo())
    with opened(clinic) as frames:
        row = frames.images().iloc[0]
        picture = frames.load(row)
        small = frames.load(row["image_id"], kind="thumbnail")
        with pytest.raises(Invalid):
            frames.load(frames.patients().iloc[0])
    assert (picture.mode, picture.size, picture.size) == ("RGB", (20, 40), (row["width"], row["height"]))
    assert (picture.getpixel((10, 5)), picture.getpixel((10, 35))) == ((0, 0, 255), (255, 0, 0))
    assert (picture.info, small.size) == ({}, (20, 40))
    assert clinic.waiting_files() == []
    assert [line.action for line in clinic.events()].count(Action.IMAGE_DOWNLOAD) == 1


def test_a_picture_is_loaded_by_a_row_in_every_form(clinic: House) -> None:
    clinic.image()
    with opened(clinic) as frames:
        images = frames.images()
        row, image_id = images.iloc[0], images["image_id"][0]
        rows = [row, *images.itertuples(), images.convert_dtypes().iloc[0], row.to_dict()]
        rows += [each for _place, each in images.iterrows()]
        rows += [image_id, UUID(image_id), {"image_id": UUID(image_id)}]
        assert {frames.load(row).size for row in rows} == {(64, 48)}
        for no_row in (images, None, 7, frames.events().iloc[0], {"set_id": image_id}):
            with pytest.raises((Invalid, NotFound)):
                frames.load(no_row)
        with pytest.raises(Invalid):
            frames.load(row, cast("Any", "display"))


def test_a_token_is_the_person_whom_it_belongs_to(clinic: House) -> None:
    reviewer = clinic.person(Role.REVIEWER)
    assert reviewer.user_id is not None
    patient = clinic.patient("Ada Novak", consent_record={"given_on": "2025-11-06"})
    images = clinic.images(clinic.batch(patient).id, 2)
    new = NewImageSet(name="Heels", purpose="record", image_ids=ids(images[:1]))
    image_set = clinic.services.image_sets.create(clinic.admin, new).image_set
    clinic.services.image_sets.give(clinic.admin, image_set.id, reviewer.user_id)
    with opened(clinic, token=token(clinic, reviewer)) as frames:
        found = frames.images()
        assert found["place"].tolist() == [1]
        assert found["image_id"].isna().all()
        assert frames.load(found.iloc[0]).size == frames.load(found.iloc[0], "thumbnail").size == (64, 48)
        with pytest.raises(Forbidden):
            frames.patients()
        clinic.services.account.end_everything(reviewer)
        with pytest.raises(Unauthenticated):
            frames.images()


def test_nothing_is_made_where_there_is_no_clinic(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        frames.open(data_dir=tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_an_older_database_is_left_as_it_is(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'imgcore.sqlite3'}")
    schema.upgrade(database, schema.revisions()[0])
    with pytest.raises(ConfigError, match="older version"):
        imgcore.frames.open(data_dir=tmp_path)
    assert schema.current(database) == schema.revisions()[0]
    database.close()


def test_of_an_older_postgresql_the_right_next_step_is_named(tmp_path: Path, copied_url: str) -> None:
    with closing(Database(copied_url)) as database, database.write() as session:
        older = {"older": schema.revisions()[0]}
        session.execute(sa.text("UPDATE alembic_version SET version_num = :older"), older)
    with pytest.raises(ConfigError, match="older version") as found:
        imgcore.frames.open(data_dir=tmp_path, database_url=copied_url)
    assert "imgcore db upgrade" in found.value.hint


def test_a_clinic_is_read_when_no_server_runs(tmp_path: Path) -> None:
    build(load_settings(data_dir=tmp_path)).close()
    with frames.open(data_dir=tmp_path) as opened:
        assert opened.images().empty
