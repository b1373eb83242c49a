"""A patient's records as they pile up over a day, and every way to call every service on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from imgcore.db.tables import Image as ImageRow
from imgcore.domain import records
from imgcore.domain.access import Actor, Role
from imgcore.domain.values import (
    BatchFields,
    ImageFields,
    NewBatch,
    NewPatient,
    NewUser,
    PatientFields,
    UserFields,
)
from imgcore.services.images import Filter
from tests.services.clinics import PASSWORD, House, photo

# What people type in these calls: the audit must never hold any of it.
TYPED = "Zebulon"


@dataclass(frozen=True)
class Scene:
    """One patient with something of everything, and another patient to move things to."""

    house: House
    actor: Actor
    patient: records.Patient
    other: records.Patient
    batch: records.Batch
    other_batch: records.Batch
    image: records.Image
    second_image: records.Image
    trashed_image: records.Image
    trashed_batch: records.Batch
    trashed_patient: records.Patient
    change_id: UUID
    user_id: UUID


def make_scene(house: House, actor: Actor | None = None) -> Scene:
    """Fill a clinic on behalf of ``actor``, the administrator unless another one is named."""
    who, services = actor or house.admin, house.services
    patient, other, gone = (house.patient(f"{TYPED} {word}", who) for word in ("First", "Other", "Gone"))
    batch, other_batch, trashed_batch = (
        house.batch(patient, who),
        house.batch(other, who),
        house.batch(patient, who),
    )
    first, second, third = house.images(batch.id, 3, who)
    house.images(trashed_batch.id, 1, who, first=3)
    services.trash.images(who, [third.id])
    services.trash.batch(who, trashed_batch.id)
    services.trash.patient(who, gone.id)
    _image, change_id = services.images.edit(who, second.id, ImageFields(caption=f"{TYPED}'s toe"))
    assert change_id is not None
    someone = house.person(Role.CLINICIAN)
    assert someone.user_id is not None
    return Scene(
        house, who, patient, other, batch, other_batch, first, second, third, trashed_batch, gone,
        change_id, someone.user_id,
    )  # fmt: skip


Call = Callable[[Scene, Actor], Any]


def _upload(scene: Scene, actor: Actor) -> object:
    offered = scene.house.offered(photo(time.monotonic_ns() % 3000), f"{TYPED}.jpg", caption=TYPED)
    return scene.house.services.uploads.store(actor, scene.batch.id, [offered])


def _original(scene: Scene) -> str:
    row = scene.house.rows(ImageRow, ImageRow.id == scene.image.id)[0]
    return row.key


# Every way to read what belongs to a patient, by an id.
SEEING: dict[str, Call] = {
    "patients.get": lambda s, a: s.house.services.patients.get(a, s.patient.id),
    "patients.counts": lambda s, a: s.house.services.patients.counts(a, s.patient.id),
    "batches.of_patient": lambda s, a: s.house.services.batches.of_patient(a, s.patient.id),
    "batches.get": lambda s, a: s.house.services.batches.get(a, s.batch.id),
    "images.list": lambda s, a: s.house.services.images.list(a, Filter(batch_id=s.batch.id)),
    "images.ids": lambda s, a: s.house.services.images.ids(a, s.batch.id),
    "images.get": lambda s, a: s.house.services.images.get(a, s.image.id),
    "uploads.check_batch": lambda s, a: s.house.services.uploads.check_batch(a, s.batch.id),
    "files.thumbnail": lambda s, a: s.house.services.files.thumbnail(a, s.image.id),
    "files.display": lambda s, a: s.house.services.files.display(a, s.image.id),
    "files.compressed": lambda s, a: s.house.services.files.compressed(a, s.image.id),
    "files.original": lambda s, a: s.house.services.files.original(a, s.image.id),
    "files.link": lambda s, a: s.house.services.files.link(a, s.image.id, "display", 60),
    "downloads.batch": lambda s, a: s.house.services.downloads.batch(a, s.batch.id, [s.image.id]),
    "trash.list": lambda s, a: s.house.services.trash.list(a, "batch", str(s.patient.id)),
}
# Every way to change what belongs to a patient, with the number of undo entries that it writes.
CHANGING: dict[str, tuple[Call, int]] = {
    "patients.edit": (
        lambda s, a: s.house.services.patients.edit(
            a, s.patient.id, PatientFields(name=f"{TYPED} Berg", mrn=TYPED, notes=TYPED)
        ),
        1,
    ),
    "batches.create": (
        lambda s, a: s.house.services.batches.create(a, s.patient.id, NewBatch(name=TYPED)),
        0,
    ),
    "batches.edit": (
        lambda s, a: s.house.services.batches.edit(a, s.batch.id, BatchFields(name=TYPED)),
        1,
    ),
    "batches.move": (
        lambda s, a: s.house.services.batches.move(a, s.batch.id, s.other.id, f"{TYPED} was wrong"),
        1,
    ),
    "images.edit": (
        lambda s, a: s.house.services.images.edit(
            a, s.image.id, ImageFields(caption=TYPED, body_location=TYPED, is_primary=True, order=2)
        ),
        1,
    ),
    "images.edit_many": (
        lambda s, a: s.house.services.images.edit_many(
            a, [s.image.id, s.second_image.id], ImageFields(category="casts", image_type=TYPED)
        ),
        1,
    ),
    "images.move": (
        lambda s, a: s.house.services.images.move(a, [s.image.id], s.other_batch.id, f"{TYPED} was wrong"),
        1,
    ),
    "uploads.store": (_upload, 1),
    "trash.images": (lambda s, a: s.house.services.trash.images(a, [s.image.id, s.second_image.id]), 1),
    "trash.batch": (lambda s, a: s.house.services.trash.batch(a, s.batch.id), 1),
    "trash.patient": (lambda s, a: s.house.services.trash.patient(a, s.patient.id), 1),
    "trash.restore_images": (
        lambda s, a: s.house.services.trash.restore_images(a, [s.trashed_image.id]),
        0,
    ),
    "trash.restore_batch": (lambda s, a: s.house.services.trash.restore_batch(a, s.trashed_batch.id), 0),
    "trash.restore_patient": (
        lambda s, a: s.house.services.trash.restore_patient(a, s.trashed_patient.id),
        0,
    ),
    "history.undo": (lambda s, a: s.house.services.history.undo(a, s.change_id), 1),
}
# Every way to search the whole clinic.
SEARCHING: dict[str, Call] = {
    "patients.find": lambda s, a: s.house.services.patients.find(a),
    "patients.recent": lambda s, a: s.house.services.patients.recent(a),
    "images.list": lambda s, a: s.house.services.images.list(a, Filter()),
    "trash.list": lambda s, a: s.house.services.trash.list(a, "image"),
}
# All the rest: nothing in it belongs to a patient.
OTHERS: dict[str, Call] = {
    "patients.create": lambda s, a: s.house.services.patients.create(a, NewPatient(name=TYPED)),
    "uploads.intake": lambda s, a: s.house.services.uploads.intake(a, "foot.jpg").discard(),
    "accounts.needs_set_up": lambda s, a: s.house.services.accounts.needs_set_up(a),
    "accounts.set_up": lambda s, a: s.house.services.accounts.set_up(
        a, NewUser(email="a@b.c", name=TYPED, role=Role.ADMIN, password=PASSWORD)
    ),
    "accounts.all": lambda s, a: s.house.services.accounts.all(a),
    "accounts.create": lambda s, a: s.house.services.accounts.create(
        a, NewUser(email=f"{TYPED}{time.monotonic_ns()}@b.c", name=TYPED, role=Role.CLINICIAN)
    ),
    "accounts.edit": lambda s, a: s.house.services.accounts.edit(
        a, s.user_id, UserFields(name=TYPED, password=f"{TYPED} {TYPED}")
    ),
    "accounts.invite": lambda s, a: s.house.services.accounts.invite(a, s.house.admin.email),
    "sign_in.open": lambda s, a: s.house.services.sign_in.open(a, s.house.admin.email, PASSWORD),
    "sign_in.token": lambda s, a: s.house.services.sign_in.token(a, s.house.admin.email, PASSWORD),
    "sign_in.redeem": lambda s, a: s.house.services.sign_in.redeem(
        a, s.house.services.accounts.invite(s.house.admin, s.house.admin.email), PASSWORD
    ),
    "sign_in.link_owner": lambda s, a: s.house.services.sign_in.link_owner(
        a, s.house.services.accounts.invite(s.house.admin, s.house.admin.email)
    ),
    "sign_in.by_cookie": lambda s, a: s.house.services.sign_in.by_cookie(a, "token"),
    "sign_in.by_bearer": lambda s, a: s.house.services.sign_in.by_bearer(
        a, s.house.services.sign_in.token(a, s.house.admin.email, PASSWORD)
    ),
    "sign_in.by_id": lambda s, a: s.house.services.sign_in.by_id(a, s.user_id),
    "sign_in.end": lambda s, a: s.house.services.sign_in.end(a),
    "sweeps.run": lambda s, a: s.house.services.sweeps.run(a),
    "health.readiness": lambda s, a: s.house.services.health.readiness(a),
}
# A link is checked by its signature alone, and then used as the person it was made for.
ELSEWHERE = {"files.check_link"}
