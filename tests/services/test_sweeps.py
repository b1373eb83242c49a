from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlmodel import select

from imgcore.db.journal import Change, Event, Idempotency, ImageSet, ImageSetItem
from imgcore.db.tables import (
    Analysis,
    Batch,
    CareTeam,
    Image,
    OneTimeLink,
    Patient,
    Rendition,
    SignInTry,
    User,
    UserSession,
    Visit,
)
from imgcore.domain.access import Role, system
from imgcore.errors import StoreUnavailable, Unauthenticated
from imgcore.services import removals
from imgcore.services.sweeps import Swept
from tests.services.clinics import DESK, PASSWORD, House, ids, photo
from tests.services.databases import on_both


def sweep(clinic: House) -> Swept:
    return clinic.services.sweeps.run(system())


@on_both
def test_what_lies_in_the_trash_goes_after_its_time(clinic: House) -> None:
    batch = clinic.batch()
    a, b = clinic.images(batch.id, 2)
    clinic.services.trash.images(clinic.admin, [a.id])
    clinic.clock.forward(days=29, hours=23)
    assert sweep(clinic) == Swept()
    assert len(clinic.rows(Image)) == 2
    clinic.clock.forward(hours=1)
    assert sweep(clinic) == Swept(removed=1, purged=1)
    assert [row.id for row in clinic.rows(Image)] == [b.id]
    assert clinic.stored_keys() == {b.key, b.thumbnail_key} == clinic.named_keys()
    (line,) = clinic.events(Event.action == "trash.purge")
    assert (line.entity, line.entity_ids, line.patient_id) == ("image", [str(a.id)], batch.patient_id)
    assert sweep(clinic) == Swept()


@on_both
def test_a_purged_patient_leaves_no_name_and_no_bytes(clinic: House) -> None:
    patient = clinic.patient("Zebulon Zack", mrn="zz-1", notes="zz-notes")
    batch = clinic.batch(patient)
    image, gone_before = clinic.images(batch.id, 2)
    account = clinic.person(Role.PATIENT, "zebulon@clinic.example", patient_id=str(patient.id))
    now = clinic.clock()
    with clinic.clinic.database.write() as session:
        visit = Visit(patient_id=patient.id, visited_on=now.date(), note="zz-note",
                      created_at=now, updated_at=now)  # fmt: skip
        session.add(visit)
        session.flush()
        session.get_one(Batch, batch.id).visit_id = visit.id
        told = Analysis(patient_id=patient.id, image_id=image.id, analyser="a", analyser_version="1",
                        input_sha256="x", created_at=now, updated_at=now)  # fmt: skip
        session.add(told)
        chosen = ImageSet(name="set", created_at=now)
        session.add(chosen)
        session.flush()
        session.add(ImageSetItem(image_set_id=chosen.id, image_id=image.id, patient_id=patient.id, place=1))
    opened = clinic.services.sign_in.open(DESK, "zebulon@clinic.example", PASSWORD)
    clinic.services.trash.images(clinic.admin, [gone_before.id])
    clinic.services.trash.patient(clinic.admin, patient.id)
    clinic.clock.forward(days=30)
    sweep(clinic)

    emptied = (Patient, Batch, Visit, Image, Rendition, Analysis, ImageSetItem, CareTeam, Change)
    assert [table for table in emptied if clinic.rows(table)] == []
    assert clinic.stored_keys() == set()
    (closed,) = clinic.rows(User, User.id == account.user_id)
    assert (closed.is_active, closed.patient_id, closed.password_hash, closed.name) == (False, None, None, "")
    assert clinic.services.sign_in.by_cookie(DESK, opened.token) is None
    with pytest.raises(Unauthenticated):
        clinic.services.sign_in.open(DESK, "zebulon@clinic.example", PASSWORD)
    everything = str([clinic.rows(table) for table in (User, Event, UserSession)]).casefold()
    assert "zebulon" not in everything
    assert "zz-" not in everything
    purged = {line.entity for line in clinic.events(Event.action == "trash.purge")}
    assert purged == {"image", "batch", "patient"}
    assert {line.patient_id for line in clinic.events(Event.action == "trash.purge")} == {patient.id}


def test_a_batch_goes_when_its_time_is_over_and_its_patient_stays(clinic: House) -> None:
    batch = clinic.batch()
    clinic.image(batch.id)
    clinic.services.trash.batch(clinic.admin, batch.id)
    clinic.clock.forward(days=30)
    sweep(clinic)
    assert (clinic.rows(Batch), clinic.rows(Image), len(clinic.rows(Patient))) == ([], [], 1)


def test_more_than_one_round_takes_is_removed_too(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removals, "AT_ONCE", 2)
    images = clinic.images(clinic.batch().id, 5)
    clinic.services.trash.images(clinic.admin, ids(images))
    clinic.clock.forward(days=30)
    assert sweep(clinic) == Swept(removed=5, purged=5)
    assert clinic.stored_keys() == set()


@on_both
def test_a_store_that_is_away_holds_up_only_what_needs_it(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = clinic.batch()
    image = clinic.image(batch.id)
    clinic.services.trash.images(clinic.admin, [image.id])
    left = clinic.offered(photo(9)).file.path
    _make_old(left)
    clinic.clock.forward(days=31)

    def away(_keys: object) -> None:
        raise StoreUnavailable("The store is away.")

    with monkeypatch.context() as patch:
        patch.setattr(clinic.clinic.store, "delete", away)
        with pytest.raises(StoreUnavailable):
            sweep(clinic)
    assert clinic.services.trash.list(clinic.admin, "image").items == ()
    assert (clinic.waiting_files(), clinic.rows(UserSession), clinic.changes()) == ([], [], [])
    assert sweep(clinic) == Swept(removed=1)
    assert clinic.stored_keys() == set()


@on_both
def test_keys_tries_links_and_sessions_end(clinic: House) -> None:
    clinic.upload(clinic.batch().id, photo(1), key="k")
    clinic.services.accounts.invite(clinic.admin, clinic.admin.email)
    with pytest.raises(Unauthenticated):
        clinic.services.sign_in.open(DESK, "nobody@clinic.example", PASSWORD)
    kept = (Idempotency, SignInTry, OneTimeLink, UserSession, Change)

    def left() -> list[type]:
        sweep(clinic)
        return [table for table in kept if clinic.rows(table)]

    clinic.clock.forward(hours=23)
    assert left() == list(kept)
    clinic.clock.forward(hours=1)
    assert left() == [UserSession, Change]
    clinic.clock.forward(days=29)
    assert left() == [UserSession]
    clinic.clock.forward(days=2)
    assert left() == []
    assert len(clinic.rows(Image)) == 1


def test_uploads_under_way_are_left_alone(clinic: House) -> None:
    batch = clinic.batch()
    image = clinic.image(batch.id)
    with clinic.clinic.database.write() as session:
        session.get_one(Image, image.id).state = "pending"
    clinic.clock.forward(minutes=14)
    assert sweep(clinic) == Swept()
    clinic.clock.forward(minutes=1)
    assert sweep(clinic) == Swept(taken_back=1, removed=1)


def test_whoever_works_alone_takes_back_at_once_what_another_process_left(clinic: House) -> None:
    batch = clinic.batch()
    image = clinic.image(batch.id)
    started_at = clinic.clock()
    own = clinic.image(batch.id, seed=2)
    with clinic.clinic.database.write() as session:
        for row in session.exec(select(Image)):
            row.state = "pending"
    run = clinic.services.sweeps.run
    assert run(system(), started_at=started_at) == Swept(taken_back=1, removed=1)
    assert [row.id for row in clinic.rows(Image)] == [own.id] != [image.id]
    clinic.clock.forward(minutes=15)
    assert run(system(), started_at=started_at) == Swept(taken_back=1, removed=1)


def test_temporary_files_go_once_they_can_belong_to_nobody(clinic: House) -> None:
    fresh, old = clinic.offered(photo(1)).file.path, clinic.offered(photo(2)).file.path
    draft = clinic.folder / "objects" / ".tmp" / "draft"
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(b"cut off")
    for path in (old, draft):
        _make_old(path)
    sweep(clinic)
    assert (clinic.waiting_files(), draft.exists()) == ([fresh], False)
    clinic.services.sweeps.run(system(), started_at=clinic.clock.later(hours=1))
    assert clinic.waiting_files() == []


def test_only_an_administrator_sweeps_and_other_lines_stay(clinic: House) -> None:
    before = clinic.events()
    clinic.clock.forward(days=4_000)
    sweep(clinic)
    assert clinic.events()[: len(before)] == before


def _make_old(path: Path) -> None:
    then = time.time() - 2 * 3600
    os.utime(path, (then, then))
