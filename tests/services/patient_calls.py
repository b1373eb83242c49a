"""Every way to call the services on what belongs to a patient, for tests that walk over all of them."""

from __future__ import annotations

import time
from uuid import UUID

from imgcore.db.tables import Visit as VisitRow
from imgcore.domain.access import Actor, Role
from imgcore.domain.sets import NewImageSet, NewShare
from imgcore.domain.values import BatchFields, ImageFields, NewBatch, NewVisit, PatientFields, VisitFields
from imgcore.services import Services
from imgcore.services.images import Filter
from imgcore.services.uploads import Offered
from tests.services import scenes_of_data, scenes_of_figures, scenes_of_results
from tests.services.clinics import photo
from tests.services.scenes import TYPED, Call, Scene


def _offered(scene: Scene) -> Offered:
    return scene.house.offered(photo(time.monotonic_ns() % 3000), f"{TYPED}.jpg", caption=TYPED)


def _upload(scene: Scene, actor: Actor) -> object:
    return scene.house.services.uploads.store(actor, scene.batch.id, [_offered(scene)])


def _upload_lot(scene: Scene, actor: Actor) -> object:
    return scene.house.services.uploads.store_lot(actor, scene.batch.id, [_offered(scene)])


def _own(scene: Scene, actor: Actor) -> Services:
    """Make a clinician who calls the clinician of the visit: its images are for nobody else to change."""
    if actor.role is Role.CLINICIAN:
        with scene.house.clinic.database.write() as session:
            session.get_one(VisitRow, scene.visit.id).clinician_id = actor.user_id
    return scene.house.services


def _store_in_visit(scene: Scene, actor: Actor) -> object:
    return _own(scene, actor).visit_images.store(actor, scene.visit.id, [_offered(scene)])


def _new_set(scene: Scene) -> NewImageSet:
    return NewImageSet(name=TYPED, purpose="record", note=TYPED, image_ids=[scene.image.id])


def _given(scene: Scene) -> tuple[UUID, UUID]:
    return scene.set_id, scene.reviewer_id


# Every way to read what belongs to a patient, by an id.
SEEING: dict[str, Call] = {
    "patients.get": lambda s, a: s.house.services.patients.get(a, s.patient.id),
    "patients.counts": lambda s, a: s.house.services.patients.counts(a, s.patient.id),
    "batches.of_patient": lambda s, a: s.house.services.batches.of_patient(a, s.patient.id),
    "batches.get": lambda s, a: s.house.services.batches.get(a, s.batch.id),
    "images.list": lambda s, a: s.house.services.images.list(a, Filter(batch_id=s.batch.id)),
    "images.ids": lambda s, a: s.house.services.images.ids(a, s.batch.id),
    "images.get": lambda s, a: s.house.services.images.get(a, s.image.id),
    "visits.list": lambda s, a: s.house.services.visits.list(a, s.patient.id),
    "visits.get": lambda s, a: s.house.services.visits.get(a, s.visit.id),
    "visit_images.list": lambda s, a: s.house.services.visit_images.list(a, s.visit.id),
    "visit_images.get": lambda s, a: s.house.services.visit_images.get(a, s.image.id),
    "visit_images.check": lambda s, a: _own(s, a).visit_images.check(a, s.visit.id),
    "downloads.visit": lambda s, a: s.house.services.downloads.visit(a, s.visit.id),
    "uploads.check_batch": lambda s, a: s.house.services.uploads.check_batch(a, s.batch.id),
    "files.thumbnail": lambda s, a: s.house.services.files.thumbnail(a, s.image.id),
    "files.display": lambda s, a: s.house.services.files.display(a, s.image.id),
    "files.compressed": lambda s, a: s.house.services.files.compressed(a, s.image.id),
    "files.original": lambda s, a: s.house.services.files.original(a, s.image.id),
    "files.link": lambda s, a: s.house.services.files.link(a, s.image.id, "display", 60),
    "downloads.batch": lambda s, a: s.house.services.downloads.batch(a, s.batch.id, [s.image.id]),
    "trash.list": lambda s, a: s.house.services.trash.list(a, "batch", str(s.patient.id)),
    "looks.of_patient": lambda s, a: s.house.services.looks.of_patient(a, s.patient.id, None, s.image.id),
    "looks.table": lambda s, a: list(s.house.services.looks.table(a, s.patient.id).chunks),
    "looks.document": lambda s, a: list(s.house.services.looks.document(a, s.patient.id).chunks),
    "image_sets.get": lambda s, a: s.house.services.image_sets.get(a, s.set_id),
    "image_sets.items": lambda s, a: s.house.services.image_sets.items(a, s.set_id),
    "image_sets.given_to": lambda s, a: s.house.services.image_sets.given_to(a, s.set_id),
    "set_files.thumbnail": lambda s, a: s.house.services.set_files.thumbnail(a, s.set_id, 1),
    "set_files.picture": lambda s, a: s.house.services.set_files.picture(a, s.set_id, 1),
    "set_files.download": lambda s, a: s.house.services.set_files.download(a, s.set_id),
    "shares.all": lambda s, a: s.house.services.shares.all(a, s.set_id),
    "teams.emergencies": lambda s, a: s.house.services.teams.emergencies(a, s.patient.id),
    "results.list": lambda s, a: s.house.services.results.list(a, s.patient.id),
    **(scenes_of_data.SEEING | scenes_of_results.SEEING | scenes_of_figures.SEEING),
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
    "visits.create": (
        lambda s, a: s.house.services.visits.create(a, s.patient.id, NewVisit(note=TYPED)),
        0,
    ),
    "visits.edit": (
        lambda s, a: s.house.services.visits.edit(a, s.visit.id, VisitFields(note=f"{TYPED} came back")),
        1,
    ),
    "visits.batch": (lambda s, a: s.house.services.visits.batch(a, s.empty_visit.id), 0),
    "visit_images.store": (_store_in_visit, 1),
    "visit_images.edit": (
        lambda s, a: _own(s, a).visit_images.edit(a, s.image.id, ImageFields(caption=TYPED)),
        1,
    ),
    "visit_images.trash": (lambda s, a: _own(s, a).visit_images.trash(a, s.image.id), 1),
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
    "uploads.store_lot": (_upload_lot, 1),
    "image_sets.create": (lambda s, a: s.house.services.image_sets.create(a, _new_set(s)), 0),
    "image_sets.give": (lambda s, a: s.house.services.image_sets.give(a, *_given(s)), 0),
    "image_sets.take_back": (lambda s, a: s.house.services.image_sets.take_back(a, *_given(s)), 0),
    "shares.create": (
        lambda s, a: s.house.services.shares.create(a, s.set_id, NewShare(label=TYPED)),
        0,
    ),
    "shares.revoke": (lambda s, a: s.house.services.shares.revoke(a, s.share_id), 0),
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
    **scenes_of_results.CHANGING,
}
# Every way to search the whole clinic.
SEARCHING: dict[str, Call] = {
    "visits.list": lambda s, a: s.house.services.visits.list(a),
    "patients.find": lambda s, a: s.house.services.patients.find(a),
    "patients.some": lambda s, a: s.house.services.patients.some(a, [s.patient.id, s.other.id]),
    "patients.recent": lambda s, a: s.house.services.patients.recent(a),
    "images.list": lambda s, a: s.house.services.images.list(a, Filter()),
    "trash.list": lambda s, a: s.house.services.trash.list(a, "image"),
    "image_sets.all": lambda s, a: s.house.services.image_sets.all(a),
    **scenes_of_data.SEARCHING,
    **scenes_of_results.SEARCHING,
}
