"""The demo clinic comes in through the same services as a person's photographs, and goes again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from imgcore import bootstrap, demo
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.journal import Event
from imgcore.demo.plans import Picture, PlannedPatient, clinic
from imgcore.domain import records
from imgcore.domain.access import system
from imgcore.domain.categories import load_category_set
from imgcore.domain.values import NewPatient, parse
from imgcore.errors import Unavailable
from imgcore.imaging.drawings import FORMATS, WITHOUT_EXIF, photograph
from imgcore.imaging.drawings.motifs import MOTIFS
from imgcore.services.images import Filter
from imgcore.services.pages import Turn

ACTOR = system("test")
PICTURES = [picture for patient in clinic() for batch in patient.batches for picture in batch.pictures]
# Two patients with a batch of 12 and of 10 stand for all where each load would be the same.
FEW = clinic()[3:]


def ignore(_done: int, _total: int) -> None: ...


def small(picture: Picture) -> bytes:
    """Draw with a tenth of the pixels, which is as good here and much quicker."""
    width, height = picture.drawing.size
    drawing = replace(picture.drawing, size=(width // 10, height // 10))
    return photograph(drawing, picture.shot, picture.format)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Picture, "draw", small)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "clinic", lambda: FEW)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Clinic]:
    built = bootstrap.build(load_settings(data_dir=tmp_path, decoders=1))
    yield built
    built.close()


def images(running: Clinic, planned: PlannedPatient) -> list[list[records.Image]]:
    """Return the images of each batch in the order of the plan."""
    services, found = running.services, []
    batches = {
        batch.taken_on: batch for batch in services.batches.of_patient(ACTOR, planned.external_id).items
    }
    assert len(batches) == len(planned.batches)
    for batch in planned.batches:
        asked = Filter(batch_id=batches[batch.taken_on].id)
        found.append(list(services.images.list(ACTOR, asked, Turn(page_size=100)).items))
    return found


def ids(running: Clinic) -> list[UUID]:
    return [image.id for planned in FEW for batch in images(running, planned) for image in batch]


def test_plan_has_what_a_clinic_has() -> None:
    batches = [batch for patient in clinic() for batch in patient.batches]
    assert (len(clinic()), len(batches), len(PICTURES)) == (5, 8, 120)
    days = sorted(batch.taken_on for batch in batches)
    assert timedelta(days=400) < days[-1] - days[0] < timedelta(days=440)
    assert sum("category" not in picture.fields.model_fields_set for picture in PICTURES) == 20
    assert all([each.fields.is_primary for each in batch.pictures].count(True) == 1 for batch in batches)
    assert sum(bool(picture.fields.caption) for picture in PICTURES) > 20
    assert {picture.drawing.motif for picture in PICTURES} == set(MOTIFS)
    assert {picture.format for picture in PICTURES} == set(FORMATS)
    assert {picture.shot.orientation for picture in PICTURES} == {1, 3, 6, 8}
    assert sum(max(picture.drawing.size) == 4032 for picture in PICTURES) == 6
    assert sum(bool(batch.note) for batch in batches) == 5


def test_every_picture_fits_its_category_and_its_day() -> None:
    categories = load_category_set("podiatry")
    for batch in (batch for patient in clinic() for batch in patient.batches):
        for picture in batch.pictures:
            category = categories.require_active(picture.fields.category)
            assert category.laterality in (None, picture.drawing.side)
            assert picture.shot.taken_at.date() == batch.taken_on
            assert (picture.format in WITHOUT_EXIF) == (picture.fields.date_taken is not None)
    used = {picture.fields.category for picture in PICTURES}
    assert used == {category.code for category in categories.active()}


def test_whole_demo_clinic_is_stored_as_planned(running: Clinic) -> None:
    told: list[tuple[int, int]] = []
    demo.load(running.services, ACTOR, lambda done, total: told.append((done, total)))
    assert told == [(done, 120) for done in range(121)]
    for planned in clinic():
        patient = running.services.patients.get(ACTOR, planned.external_id)
        assert (patient.name, patient.mrn, patient.birth_on) == (
            planned.new.name,
            planned.new.mrn,
            planned.new.birth_on,
        )
        for batch, stored in zip(planned.batches, images(running, planned), strict=True):
            assert [image.original_name for image in stored] == [each.name for each in batch.pictures]
            for picture, image in zip(batch.pictures, stored, strict=True):
                check(picture, image)
        visits = running.services.visits.list(ACTOR, patient.id).items
        told_of = {visit.visited_on: (visit.note, visit.image_count) for visit in visits}
        assert told_of == {
            each.taken_on: (each.note, len(each.pictures)) for each in planned.batches if each.note
        }


def check(picture: Picture, image: records.Image) -> None:
    """Compare what is stored with what was planned."""
    fields, drawing, shot = picture.fields, picture.drawing, picture.shot
    assert (image.width, image.height) == (drawing.size[0] // 10, drawing.size[1] // 10)
    assert image.mime_type == FORMATS[picture.format].mime_type
    assert (image.category, image.caption, image.is_primary) == (
        fields.category,
        fields.caption,
        fields.is_primary,
    )
    assert image.date_taken == shot.taken_at.date()
    if picture.format not in WITHOUT_EXIF:
        assert image.captured_at == shot.taken_at.replace(tzinfo=None)
        assert image.captured_offset == shot.taken_at.isoformat()[-6:]
        assert (image.camera_make, image.camera_model) == (shot.camera_make, shot.camera_model)


@pytest.mark.usefixtures("few")
def test_second_load_changes_nothing(running: Clinic) -> None:
    assert not demo.is_loaded(running.services, ACTOR)
    demo.load(running.services, ACTOR, ignore)
    assert demo.is_loaded(running.services, ACTOR)
    before, told = ids(running), []
    demo.load(running.services, ACTOR, lambda *each: told.append(each))
    assert (ids(running), told) == (before, [(22, 22)])


@pytest.mark.usefixtures("few")
def test_load_that_was_cut_off_goes_on_where_it_stopped(running: Clinic) -> None:
    def leave(done: int, _total: int) -> None:
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.load(running.services, ACTOR, leave)
    assert not demo.is_loaded(running.services, ACTOR)
    before = ids(running)
    demo.load(running.services, ACTOR, ignore)
    assert demo.is_loaded(running.services, ACTOR)
    assert (len(before), len(ids(running))) == (15, 22)
    assert ids(running)[:15] == before


@pytest.mark.usefixtures("few")
def test_what_was_removed_lies_in_the_trash_and_comes_back_with_the_next_load(running: Clinic) -> None:
    services = running.services
    demo.load(services, ACTOR, ignore)
    before = ids(running)
    demo.remove(services, ACTOR)
    demo.remove(services, ACTOR)
    assert not demo.is_loaded(services, ACTOR)
    assert services.patients.find(ACTOR, "demo").items == ()
    assert [item.image_count for item in services.trash.list(ACTOR, "patient").items] == [10, 12]
    demo.load(services, ACTOR, ignore)
    assert ids(running) == before


@pytest.mark.usefixtures("few")
def test_patients_of_the_clinic_itself_stay(running: Clinic) -> None:
    services = running.services
    own = services.patients.create(ACTOR, parse(NewPatient, name="Demo-1 Namesake", external_id="demo-10"))
    demo.load(services, ACTOR, ignore)
    demo.remove(services, ACTOR)
    assert [patient.id for patient in services.patients.find(ACTOR).items] == [own.id]


@pytest.mark.usefixtures("few")
def test_no_refusal_is_left_in_the_audit(running: Clinic) -> None:
    demo.is_loaded(running.services, ACTOR)
    demo.load(running.services, ACTOR, ignore)
    demo.remove(running.services, ACTOR)
    with running.database.read() as session:
        outcomes = set(session.exec(select(Event.outcome)))
    assert outcomes == {"done"}


@pytest.mark.usefixtures("few")
def test_clinic_with_other_categories_gets_the_pictures_without(tmp_path: Path) -> None:
    with closing(bootstrap.build(load_settings(data_dir=tmp_path, category_set="dermatology"))) as running:
        demo.load(running.services, ACTOR, ignore)
        stored = [image for planned in FEW for batch in images(running, planned) for image in batch]
    assert {image.category for image in stored} == {"other"}
    assert any(image.caption for image in stored)


@pytest.mark.usefixtures("few")
def test_refused_picture_ends_the_load_with_its_reason(tmp_path: Path) -> None:
    with closing(bootstrap.build(load_settings(data_dir=tmp_path, max_pixels=10_000))) as running:
        with pytest.raises(Unavailable, match="megapixels"):
            demo.load(running.services, ACTOR, ignore)
        assert not demo.is_loaded(running.services, ACTOR)
