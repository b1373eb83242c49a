from __future__ import annotations

from uuid import uuid4

import pytest

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Role
from imgcore.errors import Conflict, NotFound
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import House, ids, photo
from tests.services.databases import on_both


def in_trash(clinic: House) -> dict[str, int]:
    """Return how many rows of each kind lie in the trash."""
    rows: list[Patient | Batch | Image] = [
        *clinic.rows(Patient),
        *clinic.rows(Batch),
        *clinic.rows(Image),
    ]
    kinds = [str(row.__tablename__) for row in rows if row.trashed_at is not None]
    return {kind: kinds.count(kind) for kind in ("patient", "batch", "image")}


@on_both
def test_each_restore_brings_back_what_went_with_it(clinic: House) -> None:
    """An image, then its batch, then the patient go; the patient comes back, the others stay."""
    services, admin = clinic.services, clinic.admin
    patient = clinic.patient()
    first, second = clinic.batch(patient), clinic.batch(patient)
    a, b, c = clinic.images(first.id, 3)
    d = clinic.image(second.id, seed=9)
    bystander = clinic.image()
    services.trash.images(admin, [a.id])
    services.trash.batch(admin, first.id)
    services.trash.patient(admin, patient.id)
    assert in_trash(clinic) == {"patient": 1, "batch": 2, "image": 4}
    for call in (
        lambda: services.patients.get(admin, patient.id),
        lambda: services.batches.get(admin, second.id),
        lambda: services.images.get(admin, d.id),
        lambda: services.trash.patient(admin, patient.id),
        lambda: services.trash.batch(admin, second.id),
        lambda: services.trash.images(admin, [d.id]),
        lambda: clinic.upload(second.id, photo(20)),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Conflict):
        services.trash.restore_batch(admin, first.id)
    with pytest.raises(Conflict):
        services.trash.restore_images(admin, [a.id])

    services.trash.restore_patient(admin, patient.id)
    assert in_trash(clinic) == {"patient": 0, "batch": 1, "image": 3}
    assert ids(services.images.list(admin, Filter(patient_ref=str(patient.id))).items) == [d.id]
    with pytest.raises(Conflict):
        services.trash.restore_images(admin, [a.id])

    services.trash.restore_batch(admin, first.id)
    assert in_trash(clinic) == {"patient": 0, "batch": 0, "image": 1}
    assert ids(services.images.list(admin, Filter(batch_id=first.id)).items) == [b.id, c.id]
    services.trash.restore_images(admin, [a.id])
    assert ids(services.images.list(admin, Filter(batch_id=first.id)).items) == [a.id, b.id, c.id]
    assert services.images.get(admin, bystander.id) == bystander


@on_both
def test_the_trash_shows_what_was_put_there_and_what_went_along(clinic: House) -> None:
    services, admin = clinic.services, clinic.admin
    colleague = clinic.person(Role.CLINICIAN)
    patient, other = clinic.patient("Ada Novak"), clinic.patient("Bo Lind")
    batch, kept = clinic.batch(patient), clinic.batch(patient)
    images = clinic.images(batch.id, 5)
    lone = clinic.image(kept.id, seed=9)
    clinic.image(clinic.batch(other).id)
    services.trash.images(admin, [images[0].id, lone.id])
    services.trash.batch(colleague, batch.id)
    services.trash.patient(admin, other.id)

    (item,) = services.trash.list(admin, "batch").items
    assert (item.kind, item.id, item.name) == ("batch", batch.id, batch.name)
    assert (item.patient_id, item.patient_name, item.trashed_by) == (
        patient.id,
        "Ada Novak",
        "Some clinician",
    )
    assert (item.image_count, list(item.cover_ids)) == (4, ids(images)[1:4])
    assert (item.gone_at - item.trashed_at).days == 30

    found = {each.id: each for each in services.trash.list(admin, "image").items}
    assert set(found) == {images[0].id, lone.id}
    assert found[lone.id].cover_ids == (lone.id,)
    assert found[lone.id].name == "foot.jpg"
    (gone,) = services.trash.list(admin, "patient").items
    assert (gone.id, gone.name, gone.image_count) == (other.id, "Bo Lind", 1)
    assert services.trash.list(admin, "batch", str(other.id)).items == ()
    assert services.trash.list(admin, "image", str(patient.id)).total == 2
    with pytest.raises(NotFound):
        services.trash.list(admin, "user")


def test_the_trash_is_read_by_as_many_queries_for_many_items(clinic: House) -> None:
    counts = []
    for number in range(2):
        for seed in range(3):
            clinic.services.trash.batch(clinic.admin, clinic.image(seed=number * 9 + seed).batch_id)
        with clinic.statements() as statements:
            clinic.services.trash.list(clinic.admin)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@on_both
def test_the_latest_in_the_trash_comes_first_page_by_page(clinic: House) -> None:
    images = [clinic.image(seed=seed) for seed in range(5)]
    for image in images:
        clinic.services.trash.images(clinic.admin, [image.id])
    page = clinic.services.trash.list(clinic.admin, "image", turn=Turn(page_size=3))
    rest = clinic.services.trash.list(clinic.admin, "image", turn=Turn(page_size=3, cursor=page.next_cursor))
    assert [item.id for item in page.items + rest.items] == ids(images)[::-1]
    assert (page.total, rest.next_cursor) == (5, None)


@on_both
def test_many_images_go_and_come_back_together(clinic: House) -> None:
    images = [clinic.image(seed=seed) for seed in range(3)]
    clinic.services.trash.images(clinic.admin, ids(images))
    assert len([change for change in clinic.changes() if change.action == "image.trash"]) == 1
    with pytest.raises(NotFound):
        clinic.services.trash.images(clinic.admin, [images[0].id])
    clinic.services.trash.restore_images(clinic.admin, ids(images))
    assert in_trash(clinic)["image"] == 0
    for row in clinic.rows(Image):
        assert (row.trashed_by, row.change_id, row.version) == (None, None, 3)
    with pytest.raises(NotFound):
        clinic.services.trash.restore_images(clinic.admin, [images[0].id])


def test_what_is_not_in_the_trash_is_not_restored(clinic: House) -> None:
    batch = clinic.batch()
    for batch_id in (batch.id, uuid4()):
        with pytest.raises(NotFound):
            clinic.services.trash.restore_batch(clinic.admin, batch_id)
    with pytest.raises(NotFound):
        clinic.services.trash.restore_patient(clinic.admin, batch.patient_id)
