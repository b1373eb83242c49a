"""Every write is stopped at every gap between two of its steps; nothing may be half done after it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgcore.config import SECRET_FILE, load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.db.tables import Image, Rendition
from imgcore.domain import failpoints
from imgcore.domain.access import system
from imgcore.domain.chains import Head
from imgcore.domain.failpoints import FailPoint, InjectedFault
from imgcore.errors import ImgcoreError
from imgcore.services.images import Filter
from imgcore.services.seals import Heads
from tests.services.clinics import Clock, House
from tests.services.databases import on_both
from tests.services.other_calls import OTHERS
from tests.services.patient_calls import CHANGING
from tests.services.scenes import Call, Scene, make_scene
from tests.services.test_interruptions import listed

WRITES: dict[str, Call] = {name: call for name, (call, _changes) in CHANGING.items()} | OTHERS
# What commits more than once, besides the audit line of a look; each must hold after every commit.
IN_STEPS = ("uploads.store", "visit_images.store", "sign_in.open", "guests.open")


@contextmanager
def stopping(monkeypatch: pytest.MonkeyPatch, point: FailPoint, turn: int = 1) -> Iterator[None]:
    """Raise at a fail point, at its ``turn``-th time."""
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "_passed", Counter())
        patch.setenv("IMGCORE_FAILPOINT", f"{point}#{turn}:raise")
        yield


def rows_of(house: House) -> dict[str, list[Any]]:
    """Return everything that the database holds."""
    with house.clinic.database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in schema.METADATA.sorted_tables
        }


def tried(call: Call, scene: Scene) -> str:
    """Call something that may be refused; return how it ended."""
    try:
        call(scene, scene.actor)
    except InjectedFault:
        return "stopped"
    except ImgcoreError as error:
        return error.code
    return "done"


@on_both
def test_whatever_is_stopped_before_its_commit_has_changed_nothing(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(clinic)
    before, stopped = rows_of(clinic), []
    for name, call in WRITES.items():
        with stopping(monkeypatch, FailPoint.CHANGE_WRITTEN):
            if tried(call, scene) == "stopped":
                stopped.append(name)
        assert rows_of(clinic) == before, name
    assert set(CHANGING) <= set(stopped)
    assert clinic.stored_keys() == clinic.named_keys()


@pytest.mark.parametrize("name", IN_STEPS)
def test_whatever_is_stopped_between_two_commits_can_be_done_again(
    clinic: House, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scene = make_scene(clinic)
    call = WRITES[name]
    turn = 0
    while True:
        turn += 1
        with stopping(monkeypatch, FailPoint.CHANGE_COMMITTED, turn):
            ended = tried(call, scene)
        check(clinic, scene)
        assert tried(call, scene) == "done"
        check(clinic, scene)
        if ended == "done":
            break
    assert turn > 2


def check(clinic: House, scene: Scene) -> None:
    """Let the time pass after which a sweep takes back what is half done; then look for that."""
    clinic.clock.forward(minutes=16)
    clinic.services.sweeps.run(system())
    assert {row.state for row in clinic.rows(Image)} == {"ready"}
    assert clinic.stored_keys() == clinic.named_keys()
    assert clinic.waiting_files() == []
    assert listed(clinic, scene.batch.id)


@on_both
def test_a_sweep_that_is_stopped_after_any_of_its_steps_is_finished_by_the_next(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, ended = 0, False
    while not ended:
        turn += 1
        batch = clinic.batch()
        clinic.images(batch.id, 2, first=2 * turn)
        clinic.services.trash.patient(clinic.admin, batch.patient_id)
        clinic.clock.forward(days=31)
        with stopping(monkeypatch, FailPoint.CHANGE_COMMITTED, turn):
            try:
                clinic.services.sweeps.run(system())
                ended = True
            except InjectedFault:
                pass
        assert clinic.services.images.list(system(), Filter()).items == ()
        clinic.services.sweeps.run(system())
        assert (clinic.rows(Image), clinic.stored_keys()) == ([], set())
        assert clinic.services.patients.find(system()).items == ()
    assert turn > 5


@pytest.mark.parametrize(
    "point", [FailPoint.RENDITION_MADE, FailPoint.RENDITION_REMOVED, FailPoint.RENDITION_PUT]
)
def test_a_copy_that_was_stopped_while_it_was_made_is_made_when_it_is_wanted(
    clinic: House, monkeypatch: pytest.MonkeyPatch, point: FailPoint
) -> None:
    image = clinic.image()
    if point is FailPoint.RENDITION_REMOVED:  # another version of the program made other bytes of it
        _make_otherwise(clinic, monkeypatch, image.id)
    with stopping(monkeypatch, point), pytest.raises(InjectedFault):
        clinic.services.files.compressed(clinic.admin, image.id)
    copy = clinic.services.files.compressed(clinic.admin, image.id)
    assert len(b"".join(copy.read())) == copy.size
    assert clinic.stored_keys() == clinic.named_keys()
    assert clinic.waiting_files() == []
    clinic.services.trash.images(clinic.admin, [image.id])
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())
    assert clinic.stored_keys() == set()


@pytest.mark.parametrize("point", [FailPoint.RENDITION_MADE, FailPoint.RENDITION_PUT, FailPoint.OBJECT_NAMED])
def test_a_copy_that_nobody_wants_again_goes_with_its_image(
    clinic: House, monkeypatch: pytest.MonkeyPatch, point: FailPoint
) -> None:
    image = clinic.image()
    with stopping(monkeypatch, point), pytest.raises(InjectedFault):
        clinic.services.files.compressed(clinic.admin, image.id)
    clinic.services.trash.images(clinic.admin, [image.id])
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())
    assert clinic.stored_keys() == set()


def _make_otherwise(clinic: House, monkeypatch: pytest.MonkeyPatch, image_id: Any) -> None:
    """Leave an object with other bytes where the copy goes, as a version before may have."""
    with stopping(monkeypatch, FailPoint.RENDITION_MADE), pytest.raises(InjectedFault):
        clinic.services.files.compressed(clinic.admin, image_id)
    key = clinic.services.files.compressed(clinic.admin, image_id).key
    path = Path(clinic.folder) / "objects" / key
    path.write_bytes(b"other bytes")
    with clinic.clinic.database.write() as session:
        for row in session.exec(select(Rendition).where(Rendition.key == key)):
            session.delete(row)


@pytest.mark.parametrize("point", [FailPoint.MIGRATION_COPIED, FailPoint.MIGRATION_WRITTEN])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_upgrade_that_is_stopped_leaves_the_old_schema_whole(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    point: FailPoint,
) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    database = Database(request.getfixturevalue("postgres_url") if kind == "postgresql" else url)
    first, *_between, last = schema.revisions()
    schema.upgrade(database, first)
    before = _shape(database)
    with stopping(monkeypatch, point), pytest.raises(InjectedFault):
        schema.upgrade(database)
    assert (schema.current(database), _shape(database)) == (first, before)
    schema.upgrade(database)
    assert (schema.current(database), schema.differences(database)) == (last, [])
    database.close()


def _shape(database: Database) -> dict[str, list[str]]:
    found = sa.inspect(database.engine)
    return {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}


@pytest.mark.parametrize("gets", ["written", "named"])
def test_a_start_that_is_stopped_while_it_makes_the_key_leaves_one_key_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gets: str
) -> None:
    link = os.link

    def stop(source: Path, target: Path) -> None:
        if gets == "named":
            link(source, target)
        raise InjectedFault

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", stop)
        with pytest.raises(InjectedFault):
            load_settings(data_dir=tmp_path / "data")
    named = (tmp_path / "data" / SECRET_FILE).read_text() if gets == "named" else ""
    settings = load_settings(data_dir=tmp_path / "data")
    assert named in ("", settings.secret_key.get_secret_value())
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["incoming", SECRET_FILE]
    (draft,) = settings.temporary_dir.iterdir()
    assert draft.stat().st_mode & 0o777 == 0o600, "the sweep removes it; until then nobody else reads it"


def test_half_a_line_of_the_kept_hashes_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads, now = Heads(tmp_path / "heads.txt"), Clock()
    heads.keep(Head(1, "a" * 64), now())
    whole, write = heads.path.read_bytes(), os.write

    def write_half(file: int, content: bytes) -> int:
        return write(file, content[: len(content) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_half)
        with pytest.raises(OSError, match="No space"):
            heads.keep(Head(2, "b" * 64), now())
    assert heads.path.read_bytes() == whole
    heads.keep(Head(2, "b" * 64), now())
    assert [each.seal for each in heads.read() if isinstance(each, Head)] == [1, 2]
    assert len(list(heads.read())) == 2
