from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest

from imgcore.db.tables import Image
from imgcore.domain.values import ImageFields
from imgcore.errors import ImgcoreError, Stale
from imgcore.services import trash
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House, ids, photo
from tests.services.databases import on_both


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls in the same moment; return each one's answer, or the code of its error."""
    together = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        together.wait(timeout=30)
        try:
            return call()
        except ImgcoreError as error:
            return error.code

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


@on_both
def test_sixteen_people_upload_into_one_batch(clinic: House) -> None:
    batch = clinic.batch()
    received = at_once(
        *(partial(clinic.upload, batch.id, photo(2 * number), photo(2 * number + 1)) for number in range(16))
    )
    stored = {each.image.id for answer in received for each in answer.uploaded}
    images = clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id), Turn(page_size=100)).items
    assert set(ids(images)) == stored
    assert [image.order for image in images] == list(range(1, 33))
    assert clinic.services.batches.get(clinic.admin, batch.id).image_count == 32
    assert clinic.services.patients.counts(clinic.admin, batch.patient_id).images == 32
    assert clinic.stored_keys() == clinic.named_keys()


@on_both
def test_one_file_sent_by_many_at_once_is_one_image(clinic: House) -> None:
    batch = clinic.batch()
    received = at_once(*[partial(clinic.upload, batch.id, photo(1))] * 8)
    images = {each.image.id for answer in received for each in answer.uploaded}
    assert len(images) == 1
    assert ids(clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items) == list(images)
    clinic.services.sweeps.run(clinic.admin)
    assert clinic.stored_keys() == clinic.named_keys()
    assert len(clinic.rows(Image)) == 1


@on_both
def test_one_request_sent_twice_at_once_is_done_once(clinic: House) -> None:
    batch = clinic.batch()
    contents = [photo(seed) for seed in range(3)]
    received = at_once(*[partial(clinic.upload, batch.id, *contents, key="k", keep_duplicates=True)] * 4)
    answers = {tuple(each.image.id for each in answer.uploaded) for answer in received}
    assert len(answers) == 1
    assert len(clinic.rows(Image)) == 3


@on_both
def test_of_two_who_edit_one_version_one_wins(clinic: House) -> None:
    image = clinic.image()

    def edit(number: int) -> str:
        fields = ImageFields(caption=f"number {number}")
        clinic.services.images.edit(clinic.admin, image.id, fields, version=1)
        return fields.caption

    answers = at_once(*(partial(edit, number) for number in range(8)))
    assert answers.count(Stale.code) == 7
    now = clinic.services.images.get(clinic.admin, image.id)
    assert (now.version, now.caption in answers) == (2, True)


@on_both
def test_every_edit_of_many_at_once_is_kept(clinic: House) -> None:
    images = clinic.images(clinic.batch().id, 3)
    names = ("image_type", "body_location", "caption", "description")

    def edit(name: str) -> None:
        fields = ImageFields.model_validate({name: "x"})
        if name in ("image_type", "body_location"):
            clinic.services.images.edit_many(clinic.admin, ids(images[::-1]), fields)
        else:
            for image in images:
                clinic.services.images.edit(clinic.admin, image.id, fields)

    assert at_once(*(partial(edit, name) for name in names)) == [None] * 4
    for image in images:
        now = clinic.services.images.get(clinic.admin, image.id)
        assert (now.version, {getattr(now, name) for name in names}) == (5, {"x"})


@on_both
def test_places_and_the_primary_mark_stay_unique(clinic: House) -> None:
    batch = clinic.batch()
    images = clinic.images(batch.id, 6)

    def shuffle(number: int) -> None:
        fields = ImageFields(order=1 + number % 3, is_primary=True)
        clinic.services.images.edit(clinic.admin, images[number].id, fields)

    answers = at_once(
        *(partial(shuffle, number) for number in range(6)), partial(clinic.upload, batch.id, photo(50))
    )
    assert answers[:6] == [None] * 6
    assert len(answers[6].uploaded) == 1
    now = clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items
    assert sorted(image.order for image in now) == list(range(1, 8))
    assert sum(image.is_primary for image in now) == 1


@on_both
def test_nothing_stays_listed_in_a_batch_that_goes_to_the_trash(clinic: House) -> None:
    batch, other = clinic.batch(), clinic.batch()
    moved = clinic.images(other.id, 2, first=20)
    trashed = clinic.images(batch.id, 2)
    clinic.services.trash.images(clinic.admin, [trashed[0].id])
    bin_, move = clinic.services.trash, clinic.services.images.move
    at_once(
        partial(bin_.patient, clinic.admin, batch.patient_id),
        partial(clinic.upload, batch.id, photo(30), photo(31)),
        partial(move, clinic.admin, ids(moved), batch.id, "mixed up"),
        partial(bin_.restore_images, clinic.admin, [trashed[0].id]),
    )
    left = clinic.services.images.list(clinic.admin, Filter()).items
    assert {image.batch_id for image in left} <= {other.id}
    clinic.services.trash.restore_patient(clinic.admin, batch.patient_id)
    assert clinic.services.patients.counts(clinic.admin, batch.patient_id).batches == 1


@on_both
def test_a_restore_beats_the_purge_or_comes_too_late(clinic: House) -> None:
    images = clinic.images(clinic.batch().id, 6)
    clinic.services.trash.images(clinic.admin, ids(images))
    clinic.clock.forward(days=30)
    at_once(
        partial(clinic.services.sweeps.run, clinic.admin),
        partial(clinic.services.trash.restore_images, clinic.admin, ids(images)),
    )
    clinic.services.sweeps.run(clinic.admin)
    assert len(clinic.rows(Image)) in (0, 6)
    for row in clinic.rows(Image):
        assert clinic.services.images.get(clinic.admin, row.id).trashed_at is None
    assert clinic.stored_keys() == clinic.named_keys()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_purge_in_the_middle_of_a_restore_takes_nothing(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = clinic.images(clinic.batch().id, 2)
    clinic.services.trash.images(clinic.admin, ids(images))
    clinic.clock.forward(days=30)
    check_parents = trash.check_parents
    sweeper = Thread(target=clinic.services.sweeps.run, args=(clinic.admin,))

    def sweep_first(*arguments: Any) -> None:
        sweeper.start()
        sweeper.join(1)  # one that waits for this restore goes on after it
        check_parents(*arguments)

    monkeypatch.setattr(trash, "check_parents", sweep_first)
    clinic.services.trash.restore_images(clinic.admin, ids(images))
    sweeper.join(30)
    clinic.services.sweeps.run(clinic.admin)
    assert {row.state for row in clinic.rows(Image)} == {"ready"}
    assert len(clinic.rows(Image)) == 2
