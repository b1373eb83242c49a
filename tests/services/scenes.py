"""A patient's records as they pile up over a day, and every way to call every service on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from imgcore.db.tables import Image as ImageRow
from imgcore.db.tables import Visit as VisitRow
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Reach, Role, Scope, reach
from imgcore.domain.accounts import NewToken, OuterPerson
from imgcore.domain.retention import KeptYears, NewErasure, NewHold, NewRule, RuleFields
from imgcore.domain.sets import Comment, NewImageSet, NewShare, Ticket
from imgcore.domain.values import (
    BatchFields,
    ImageFields,
    NewBatch,
    NewPatient,
    NewUser,
    NewVisit,
    PatientFields,
    UserFields,
    VisitFields,
)
from imgcore.services import Services
from imgcore.services.audit import Asked
from imgcore.services.folders import Folder
from imgcore.services.guests import Guests
from imgcore.services.images import Filter
from tests.services import scenes_of_data, scenes_of_figures, scenes_of_results
from tests.services.clinics import PASSWORD, House, photo

# What people type in these calls: the audit must never hold any of it.
TYPED = "Zebulon"
NEW_TOKEN = NewToken(name=TYPED, scopes=frozenset({Scope.READ}))


@dataclass(frozen=True)
class Scene:
    """One patient with something of everything, and another patient to move things to."""

    house: House
    actor: Actor
    patient: records.Patient
    other: records.Patient
    visit: records.Visit
    empty_visit: records.Visit
    batch: records.Batch
    other_batch: records.Batch
    image: records.Image
    second_image: records.Image
    trashed_image: records.Image
    trashed_batch: records.Batch
    trashed_patient: records.Patient
    change_id: UUID
    user_id: UUID
    set_id: UUID
    share_id: UUID
    reviewer_id: UUID
    result_id: UUID


def make_scene(house: House, actor: Actor | None = None) -> Scene:
    """Fill a clinic on behalf of ``actor``, the administrator unless another one is named."""
    who, services = actor or house.admin, house.services
    agreed = {"consent_record": {"given_on": "2025-11-06"}}
    patient, other, gone = (
        house.patient(f"{TYPED} {word}", who, **agreed) for word in ("First", "Other", "Gone")
    )
    visit, empty = (services.visits.create(who, patient.id, NewVisit(note=TYPED)) for _ in range(2))
    batch = services.batches.create(who, patient.id, NewBatch(name="Check-up", visit_id=visit.id))
    other_batch, trashed_batch = house.batch(other, who), house.batch(patient, who)
    first, second, third = house.images(batch.id, 3, who)
    house.images(trashed_batch.id, 1, who, first=3)
    services.trash.images(who, [third.id])
    services.trash.batch(who, trashed_batch.id)
    services.trash.patient(who, gone.id)
    _image, change_id = services.images.edit(who, second.id, ImageFields(caption=f"{TYPED}'s toe"))
    assert change_id is not None
    someone = house.person(Role.CLINICIAN)
    reviewer = house.person(Role.REVIEWER)
    assert someone.user_id is not None and reviewer.user_id is not None
    chosen = NewImageSet(name=TYPED, purpose="record", note=TYPED, image_ids=[first.id])
    set_id = services.image_sets.create(who, chosen).image_set.id
    services.image_sets.give(who, set_id, reviewer.user_id)
    share = services.shares.create(who, set_id, NewShare(label=TYPED)).share
    result_id = scenes_of_results.make_result(services, who, first.id)
    return Scene(
        house, who, patient, other, visit, empty, batch, other_batch, first, second, third,
        trashed_batch, gone, change_id, someone.user_id, set_id, share.id, reviewer.user_id, result_id,
    )  # fmt: skip


Call = Callable[[Scene, Actor], Any]


def _upload(scene: Scene, actor: Actor) -> object:
    offered = scene.house.offered(photo(time.monotonic_ns() % 3000), f"{TYPED}.jpg", caption=TYPED)
    return scene.house.services.uploads.store(actor, scene.batch.id, [offered])


def _upload_lot(scene: Scene, actor: Actor) -> object:
    offered = scene.house.offered(photo(time.monotonic_ns() % 3000), f"{TYPED}.jpg", caption=TYPED)
    return scene.house.services.uploads.store_lot(actor, scene.batch.id, [offered])


def _own(scene: Scene, actor: Actor) -> Services:
    """Make a clinician who calls the clinician of the visit: its images are for nobody else to change."""
    if actor.role is Role.CLINICIAN:
        with scene.house.clinic.database.write() as session:
            session.get_one(VisitRow, scene.visit.id).clinician_id = actor.user_id
    return scene.house.services


def _store_in_visit(scene: Scene, actor: Actor) -> object:
    offered = scene.house.offered(photo(time.monotonic_ns() % 3000), f"{TYPED}.jpg", caption=TYPED)
    return _own(scene, actor).visit_images.store(actor, scene.visit.id, [offered])


def _new_set(scene: Scene) -> NewImageSet:
    return NewImageSet(name=TYPED, purpose="record", note=TYPED, image_ids=[scene.image.id])


def _ticket(scene: Scene, actor: Actor) -> Ticket:
    """Open a new link to the set as a guest does."""
    services = scene.house.services
    link = services.shares.create(scene.actor, scene.set_id, NewShare(label=TYPED))
    return services.guests.open(actor, link.token, link.pin)


def _as_guest(act: Callable[[Guests, Actor, UUID, str], object]) -> Call:
    def call(scene: Scene, actor: Actor) -> object:
        ticket = _ticket(scene, actor)
        return act(scene.house.services.guests, actor, ticket.share_id, ticket.value)

    return call


def _photos(scene: Scene) -> Folder:
    """Lay a photograph somewhere outside."""
    folder = scene.house.folder.with_name("photographs")
    folder.mkdir(exist_ok=True)
    (folder / f"{TYPED}.jpg").write_bytes(photo(time.monotonic_ns() % 3000))
    return Folder(folder)


def _job(scene: Scene, actor: Actor) -> UUID:
    """Start a job of the actor's own, or of somebody else when they may not."""
    services = scene.house.services
    who = actor if reach(actor, Action.JOB_MANAGE) is not Reach.NONE else scene.actor
    return services.jobs.start(who, "renditions", {}).id


def _given(scene: Scene) -> tuple[UUID, UUID]:
    return scene.set_id, scene.reviewer_id


def _rule(scene: Scene) -> UUID:
    """Return a rule of a category that had none, or the one that it has."""
    retention = scene.house.services.retention
    known = [each for each in retention.rules(scene.actor) if each.category == "casts"]
    return (known or [retention.add(scene.actor, NewRule(category="casts", years=10))])[0].id


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
    **scenes_of_data.SEEING,
    **(scenes_of_results.SEEING | scenes_of_figures.SEEING),
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
    "batches.edit": (lambda s, a: s.house.services.batches.edit(a, s.batch.id, BatchFields(name=TYPED)), 1),
    "batches.move": (
        lambda s, a: s.house.services.batches.move(a, s.batch.id, s.other.id, f"{TYPED} was wrong"),
        1,
    ),
    "visits.create": (lambda s, a: s.house.services.visits.create(a, s.patient.id, NewVisit(note=TYPED)), 0),
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
    **scenes_of_results.CHANGING,
    "uploads.store": (_upload, 1),
    "uploads.store_lot": (_upload_lot, 1),
    "image_sets.create": (lambda s, a: s.house.services.image_sets.create(a, _new_set(s)), 0),
    "image_sets.give": (lambda s, a: s.house.services.image_sets.give(a, *_given(s)), 0),
    "image_sets.take_back": (lambda s, a: s.house.services.image_sets.take_back(a, *_given(s)), 0),
    "shares.create": (lambda s, a: s.house.services.shares.create(a, s.set_id, NewShare(label=TYPED)), 0),
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
}
# Every way to search the whole clinic.
SEARCHING: dict[str, Call] = {
    "visits.list": lambda s, a: s.house.services.visits.list(a),
    "patients.find": lambda s, a: s.house.services.patients.find(a),
    "patients.some": lambda s, a: s.house.services.patients.some(a, [s.patient.id, s.other.id]),
    "patients.recent": lambda s, a: s.house.services.patients.recent(a),
    "images.list": lambda s, a: s.house.services.images.list(a, Filter()),
    **scenes_of_data.SEARCHING,
    **scenes_of_results.SEARCHING,
    "trash.list": lambda s, a: s.house.services.trash.list(a, "image"),
    "image_sets.all": lambda s, a: s.house.services.image_sets.all(a),
}
# All the rest: nothing in it belongs to a patient.
OTHERS: dict[str, Call] = {
    "patients.create": lambda s, a: s.house.services.patients.create(a, NewPatient(name=TYPED)),
    "visits.clinicians": lambda s, a: s.house.services.visits.clinicians(a),
    "image_sets.reviewers": lambda s, a: s.house.services.image_sets.reviewers(a),
    "guests.knock": lambda s, a: s.house.services.guests.knock(a, TYPED),
    "guests.open": _ticket,
    "guests.look": _as_guest(lambda guests, who, *opened: guests.look(who, *opened)),
    "guests.thumbnail": _as_guest(lambda guests, who, *opened: guests.thumbnail(who, *opened, 1)),
    "guests.picture": _as_guest(lambda guests, who, *opened: guests.picture(who, *opened, 1)),
    "guests.answer": _as_guest(
        lambda guests, who, *opened: guests.answer(who, *opened, Comment(name=TYPED, text=TYPED))
    ),
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
    "sign_in.open_outer": lambda s, a: s.house.services.sign_in.open_outer(
        a, OuterPerson("https://id.example", TYPED, s.house.admin.email, True)
    ),
    "sign_in.refuse_outer": lambda s, a: s.house.services.sign_in.refuse_outer(a),
    "sign_in.state": lambda s, a: s.house.services.sign_in.state(a),
    "sign_in.use": lambda s, a: s.house.services.sign_in.use(a),
    "sign_in.unlock": lambda s, a: s.house.services.sign_in.unlock(a, PASSWORD),
    "account.has_password": lambda s, a: s.house.services.account.has_password(a),
    "account.sessions": lambda s, a: s.house.services.account.sessions(a),
    "account.tokens": lambda s, a: s.house.services.account.tokens(a),
    "account.add_token": lambda s, a: s.house.services.account.add_token(a, NEW_TOKEN),
    "account.revoke_token": lambda s, a: s.house.services.account.revoke_token(
        a, s.house.services.account.add_token(a, NEW_TOKEN)[0].id
    ),
    "account.change_password": lambda s, a: s.house.services.account.change_password(a, PASSWORD, PASSWORD),
    "account.end_session": lambda s, a: s.house.services.account.end_session(a, a.session_id or uuid4()),
    "account.end_everything": lambda s, a: s.house.services.account.end_everything(a),
    "sign_in.by_id": lambda s, a: s.house.services.sign_in.by_id(a, s.user_id),
    "sign_in.end": lambda s, a: s.house.services.sign_in.end(a),
    "audit.list": lambda s, a: s.house.services.audit.list(a, Asked()),
    "audit.people": lambda s, a: s.house.services.audit.people(a),
    "audit.table": lambda s, a: list(s.house.services.audit.table(a, Asked()).chunks),
    "audit.verify": lambda s, a: s.house.services.audit.verify(a),
    "checks.run": lambda s, a: s.house.services.checks.run(a),
    "checks.last": lambda s, a: s.house.services.checks.last(a),
    "backups.make": lambda s, a: s.house.services.backups.make(a, s.house.folder / f"{uuid4()}.tar"),
    "backups.last": lambda s, a: s.house.services.backups.last(a),
    "exports.make": lambda s, a: s.house.services.exports.make(a, s.house.folder / str(uuid4())),
    "seals.run": lambda s, a: s.house.services.seals.run(a),
    "seals.keep_head": lambda s, a: s.house.services.seals.keep_head(a),
    "folders.target": lambda s, a: s.house.services.folders.target(a, str(s.patient.id), TYPED),
    "folders.bring": lambda s, a: s.house.services.folders.bring(a, s.batch.id, _photos(s)),
    "jobs.start": lambda s, a: s.house.services.jobs.start(a, "renditions", {"batch_id": s.batch.id}),
    "jobs.list": lambda s, a: s.house.services.jobs.list(a),
    "jobs.get": lambda s, a: s.house.services.jobs.get(a, _job(s, a)),
    "jobs.cancel": lambda s, a: s.house.services.jobs.cancel(a, _job(s, a)),
    "jobs.retry": lambda s, a: s.house.services.jobs.retry(a, _job(s, a)),
    "job_runs.recover": lambda s, a: s.house.services.job_runs.recover(a),
    "job_runs.run": lambda s, a: s.house.services.job_runs.run(a, _job(s, a)),
    "sweeps.run": lambda s, a: s.house.services.sweeps.run(a),
    "holds.set": lambda s, a: s.house.services.holds.set(a, s.other.id, NewHold(reason=TYPED)),
    "holds.all": lambda s, a: s.house.services.holds.all(a),
    "holds.of_patient": lambda s, a: s.house.services.holds.of_patient(a, s.other.id),
    "holds.lift": lambda s, a: s.house.services.holds.lift(a, s.other.id),
    "retention.rules": lambda s, a: s.house.services.retention.rules(a),
    "retention.add": lambda s, a: s.house.services.retention.add(a, NewRule(years=10)),
    "retention.change": lambda s, a: s.house.services.retention.change(a, _rule(s), RuleFields(years=20)),
    "retention.remove": lambda s, a: s.house.services.retention.remove(a, _rule(s)),
    "retention.keep": lambda s, a: s.house.services.retention.keep(a, s.other.id, KeptYears(years=30)),
    "retention.due": lambda s, a: s.house.services.retention.due(a),
    "retention.table": lambda s, a: list(s.house.services.retention.table(a).chunks),
    "retention.run": lambda s, a: s.house.services.retention.run(a),
    "retention.daily": lambda s, a: s.house.services.retention.daily(a),
    "purges.preview": lambda s, a: s.house.services.purges.preview(a, s.patient.id, 1),
    "purges.run": lambda s, a: s.house.services.purges.run(a, s.patient.id, 1),
    "erasure.patient": lambda s, a: s.house.services.erasure.patient(
        a, s.trashed_patient.id, NewErasure(confirmation=f"{TYPED} gone", reason="asked")
    ),
    "operations.standing": lambda s, a: s.house.services.operations.standing(a),
    "operations.overdue": lambda s, a: s.house.services.operations.overdue(a),
    "health.readiness": lambda s, a: s.house.services.health.readiness(a),
    # A clinic that does not work in teams says so; what happens in one that does, test_teams.py tells.
    "teams.of_patient": lambda s, a: s.house.services.teams.of_patient(a, s.patient.id),
    "teams.add": lambda s, a: s.house.services.teams.add(a, s.patient.id, s.user_id),
    "teams.remove": lambda s, a: s.house.services.teams.remove(a, s.patient.id, s.user_id),
    "teams.break_glass": lambda s, a: s.house.services.teams.break_glass(a, str(s.patient.id), TYPED),
    **scenes_of_data.OTHERS,
    **scenes_of_results.OTHERS,
}
# A link is checked by its signature alone, and then used as the person it was made for.
ELSEWHERE = {"files.check_link"}
