from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlmodel import select

from imgcore.db.journal import Change
from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain import records
from imgcore.domain.access import Role, system
from imgcore.domain.retention import NewHold
from imgcore.domain.values import NewBatch
from imgcore.errors import Conflict, NotFound, StoreUnavailable
from imgcore.services import holds as holding
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both

CLAIM = NewHold(reason="claim 12")


def hold(clinic: House, patient_id: UUID) -> None:
    clinic.services.holds.set(clinic.admin, patient_id, CLAIM)


def in_trash(clinic: House) -> tuple[records.Batch, list[records.Image]]:
    """Put images, a batch and then their patient into the trash, and let the time there go by."""
    batch = clinic.batch()
    images = clinic.images(batch.id, 3)
    other = clinic.services.batches.create(clinic.admin, batch.patient_id, NewBatch(name="other"))
    clinic.services.trash.images(clinic.admin, ids(images[:1]))
    clinic.services.trash.batch(clinic.admin, other.id)
    clinic.services.trash.patient(clinic.admin, batch.patient_id)
    return batch, images


@on_both
def test_who_holds_what_since_when_and_why(clinic: House) -> None:
    patient, who = clinic.patient(), clinic.admin
    services = clinic.services.holds
    assert services.of_patient(who, patient.id) is None
    first = services.set(who, patient.id, CLAIM)
    again = services.set(who, patient.id, NewHold(reason="another claim"))
    assert (again.at, again.reason, again.by_name) == (first.at, "another claim", "Some admin")
    assert services.all(who).items == (again,)
    assert services.of_patient(who, patient.id) == again
    assert clinic.services.patients.get(who, patient.id).is_held
    services.lift(who, patient.id)
    assert services.all(who).items == ()
    assert clinic.rows(Patient)[0].legal_hold_reason == ""
    with pytest.raises(NotFound):
        services.lift(who, patient.id)
    assert [row.field_names for row in clinic.events() if row.action == "retention.edit"] == [
        ["legal_hold"]
    ] * 3


@on_both
def test_nothing_of_a_held_patient_is_trashed_or_moved_away(clinic: House) -> None:
    batch = clinic.batch()
    first, second = clinic.images(batch.id, 2)
    other = clinic.batch(clinic.patient("Other"))
    services, doctor = clinic.services, clinic.person(Role.CLINICIAN)
    upload = clinic.changes()[-1].id
    moved = services.images.move(doctor, [clinic.image(other.id, 9).id], batch.id, "wrong")[1]
    hold(clinic, batch.patient_id)
    for act in (
        partial(services.trash.images, doctor, [first.id]),
        partial(services.trash.batch, doctor, batch.id),
        partial(services.trash.patient, doctor, batch.patient_id),
        partial(services.images.move, doctor, [second.id], other.id, "wrong patient"),
        partial(services.batches.move, doctor, batch.id, other.patient_id, "wrong patient"),
        partial(services.history.undo, clinic.admin, upload),
        partial(services.history.undo, doctor, moved),
    ):
        with pytest.raises(Conflict, match="legal hold"):
            act()
    assert {row.batch_id for row in clinic.rows(Image)} == {batch.id}
    assert [row for row in clinic.rows(Image) if row.trashed_at] == []
    services.trash.batch(doctor, other.id)
    services.holds.lift(clinic.admin, batch.patient_id)
    services.trash.images(doctor, [first.id])


@on_both
def test_what_is_held_stays_in_the_trash_past_its_time(clinic: House) -> None:
    batch, images = in_trash(clinic)
    hold(clinic, batch.patient_id)
    clinic.clock.forward(days=60)
    clinic.services.sweeps.run(system())
    assert clinic.services.purges.run(clinic.admin, batch.patient_id).held == 3
    assert len(clinic.rows(Image)) == len(images)
    assert (len(clinic.rows(Batch)), len(clinic.rows(Patient))) == (2, 1)
    assert clinic.rows(Change) != []
    clinic.services.trash.restore_patient(clinic.admin, batch.patient_id)
    clinic.services.holds.lift(clinic.admin, batch.patient_id)
    clinic.services.trash.patient(clinic.admin, batch.patient_id)
    clinic.clock.forward(days=30)
    clinic.services.sweeps.run(system())
    assert (clinic.rows(Image), clinic.rows(Patient), clinic.stored_keys()) == ([], [], set())


@on_both
def test_a_hold_brings_back_what_was_marked_to_go_while_the_store_was_away(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, images = in_trash(clinic)
    clinic.clock.forward(days=30)
    removals = clinic.services.sweeps._removals
    removals.mark(system(), clinic.clock())
    assert {row.state for row in clinic.rows(Image)} == {"deleting"}
    hold(clinic, batch.patient_id)
    assert {row.state for row in clinic.rows(Image)} == {"ready"}
    clinic.services.sweeps.run(system())
    clinic.services.trash.restore_patient(clinic.admin, batch.patient_id)
    for image in images[1:]:
        assert clinic.services.files.original(clinic.admin, image.id).size == image.file_size


@on_both
def test_what_has_begun_to_lose_its_bytes_is_finished(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be kept any more: half an image must not look like a whole one."""
    batch, _images = in_trash(clinic)
    clinic.clock.forward(days=30)

    def away(_keys: object) -> None:
        raise StoreUnavailable("The store is away.")

    with monkeypatch.context() as patch:
        patch.setattr(clinic.clinic.store, "delete", away)
        with pytest.raises(StoreUnavailable):
            clinic.services.sweeps.run(system())
    hold(clinic, batch.patient_id)
    clinic.services.sweeps.run(system())
    assert (clinic.rows(Image), clinic.stored_keys()) == ([], set())
    assert len(clinic.rows(Patient)) == 1


@on_both
def test_half_an_upload_is_not_brought_back_by_a_hold(clinic: House) -> None:
    image = clinic.image()
    with clinic.clinic.database.write() as session:
        session.get_one(Image, image.id).state = "pending"
    clinic.services.trash.batch(clinic.admin, image.batch_id)
    clinic.clock.forward(minutes=20)
    clinic.services.sweeps._take_back(system(), clinic.clock())
    hold(clinic, image.patient_id)
    assert [row.state for row in clinic.rows(Image)] == ["deleting"]
    clinic.services.sweeps.run(system())
    assert clinic.rows(Image) == []


@on_both
@pytest.mark.parametrize("step", ["free_to_go", "free"])
def test_a_hold_that_comes_while_a_sweep_chooses_is_on_the_safe_side(
    clinic: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Either the hold waits for the sweep, and brings back what it chose, or the sweep sees the hold."""
    batch, images = in_trash(clinic)
    clinic.clock.forward(days=30)
    holder = threading.Thread(target=hold, args=(clinic, batch.patient_id))
    began: list[bool] = []
    inner = getattr(holding, step)

    def meanwhile(*arguments: object) -> object:
        found = inner(*arguments)
        if not began:
            began.append(True)
            holder.start()
            holder.join(timeout=0.3)
        return found

    monkeypatch.setattr(holding, step, meanwhile)
    removals = clinic.services.sweeps._removals
    removals.mark(system(), clinic.clock())
    holder.join(timeout=20)
    removals.remove(system())
    assert {row.id for row in clinic.rows(Image)} == {each.id for each in images}
    assert clinic.stored_keys() == clinic.named_keys() != set()


@on_both
def test_holds_and_sweeps_at_once_lose_nothing_that_was_acknowledged(clinic: House) -> None:
    batches = [in_trash(clinic)[0] for _ in range(6)]
    clinic.clock.forward(days=30)
    acknowledged: dict[UUID, set[str]] = {}

    def hold_all() -> None:
        for batch in batches:
            try:
                hold(clinic, batch.patient_id)
            except NotFound:  # gone before anybody held them
                continue
            with clinic.clinic.database.read() as session:
                theirs = select(Image.key).join(Batch).where(Batch.patient_id == batch.patient_id)
                kept = session.exec(theirs.where(Image.state == "ready")).all()
            acknowledged[batch.patient_id] = set(kept)

    calls: list[Callable[[], object]] = [hold_all, partial(clinic.services.sweeps.run, system())]
    threads = [threading.Thread(target=each) for each in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    clinic.services.sweeps.run(system())
    assert set().union(*acknowledged.values()) <= clinic.stored_keys()
    assert clinic.stored_keys() == clinic.named_keys()


def test_holds_of_other_teams_are_not_told(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor = clinic.person(Role.CLINICIAN)
    foreign = clinic.patient("Foreign", doctor)
    clinic.services.holds.set(system(), foreign.id, CLAIM)
    assert clinic.services.holds.all(clinic.admin).items == ()
    assert len(clinic.services.holds.all(system()).items) == 1
    for act in (
        partial(clinic.services.holds.set, clinic.admin, foreign.id, CLAIM),
        partial(clinic.services.holds.lift, clinic.admin, foreign.id),
        partial(clinic.services.holds.of_patient, clinic.admin, foreign.id),
    ):
        with pytest.raises(NotFound):
            act()
