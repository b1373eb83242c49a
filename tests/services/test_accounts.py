from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from uuid import uuid4

import pytest

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.tables import User
from imgcore.domain.access import Role, system
from imgcore.domain.values import NewUser, UserFields
from imgcore.errors import Conflict, ImgcoreError, Invalid, NotFound
from tests.services.clinics import DESK, PASSWORD, House
from tests.services.databases import on_both

Closing = Callable[[Clinic], Clinic]


@pytest.fixture
def closing() -> Iterator[Closing]:
    """Takes a clinic that the test has built, and closes it at the end."""
    with ExitStack() as stack:

        def closing(clinic: Clinic) -> Clinic:
            stack.callback(clinic.close)
            return clinic

        yield closing


@on_both
def test_a_clinic_is_set_up_once_however_many_try(
    tmp_path: Path, database_url: str, closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data_dir=tmp_path / "new", database_url=database_url)
    accounts = closing(bootstrap.build(settings)).services.accounts
    assert accounts.needs_set_up(DESK)
    met = Barrier(2)

    def hash_together(password: str) -> str:
        with suppress(BrokenBarrierError):  # nobody else gets this far while the first one is here
            met.wait(0.5)
        return f"hash of {len(password)}"

    def set_up(number: int) -> bool:
        new = NewUser(email=f"{number}@clinic.example", name="First", role=Role.CLINICIAN, password=PASSWORD)
        try:
            return accounts.set_up(DESK, new).role is Role.ADMIN
        except Conflict:
            return False

    monkeypatch.setattr("imgcore.services.accounts.hash_password", hash_together)
    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(set_up, range(2))) == 1
    assert not accounts.needs_set_up(DESK)
    with pytest.raises(Conflict):
        accounts.set_up(DESK, NewUser(email="x@y.z", name="Late", role=Role.ADMIN, password=PASSWORD))
    assert accounts.all(system()).total == 1


def test_the_first_administrator_needs_a_password(tmp_path: Path, closing: Closing) -> None:
    clinic = closing(bootstrap.build(load_settings(data_dir=tmp_path / "new")))
    with pytest.raises(Invalid):
        clinic.services.accounts.set_up(DESK, NewUser(email="x@y.z", name="First", role=Role.ADMIN))
    assert clinic.services.accounts.needs_set_up(DESK)


def test_without_a_password_there_is_a_link(clinic: House) -> None:
    create = clinic.services.accounts.create
    invited, link = create(clinic.admin, NewUser(email="A@x.y", name="A", role=Role.CLINICIAN))
    assert (invited.email, invited.has_password) == ("a@x.y", False)
    assert clinic.services.sign_in.link_owner(DESK, link or "") == "a@x.y"
    known, none = create(
        clinic.admin, NewUser(email="b@x.y", name="B", role=Role.CLINICIAN, password=PASSWORD)
    )
    assert (known.has_password, none) == (True, None)


@on_both
def test_an_address_belongs_to_one_person(clinic: House) -> None:
    clinic.person(Role.CLINICIAN, "ines@clinic.example")
    with pytest.raises(Conflict):
        clinic.services.accounts.create(
            clinic.admin, NewUser(email="INES@clinic.example", name="I", role=Role.CLINICIAN)
        )


@on_both
def test_people_are_listed_in_pages(clinic: House) -> None:
    for number in range(5):
        clinic.person(Role.CLINICIAN, f"{number}@clinic.example")
    pages = [clinic.services.accounts.all(clinic.admin, page, 4) for page in (1, 2)]
    assert [page.total for page in pages] == [6, 6]
    assert len({user.id for page in pages for user in page.items}) == 6
    with pytest.raises(Invalid):
        clinic.services.accounts.all(clinic.admin, 0)


def test_a_patients_account_belongs_to_one_patient(clinic: House) -> None:
    accounts, patient = clinic.services.accounts, clinic.patient(external_id="P1")
    for fields in ({"role": Role.PATIENT}, {"role": Role.CLINICIAN, "patient_id": "P1"}):
        with pytest.raises(Invalid):
            accounts.create(clinic.admin, NewUser.model_validate({"email": "p@x.y", "name": "P", **fields}))
    with pytest.raises(NotFound):
        accounts.create(clinic.admin, NewUser(email="p@x.y", name="P", role=Role.PATIENT, patient_id="P2"))
    new = NewUser(email="p@x.y", name="P", role=Role.PATIENT, patient_id="P1")
    user, _link = accounts.create(clinic.admin, new)
    assert user.patient_id == patient.id
    with pytest.raises(Invalid):
        accounts.edit(clinic.admin, user.id, UserFields(role=Role.CLINICIAN))
    changed = accounts.edit(clinic.admin, user.id, UserFields(role=Role.CLINICIAN, patient_id=None))
    assert (changed.role, changed.patient_id) == (Role.CLINICIAN, None)


@on_both
def test_the_clinic_keeps_an_administrator(clinic: House) -> None:
    second = clinic.person(Role.ADMIN)
    both = [who.user_id for who in (clinic.admin, second) if who.user_id]

    def step_down(number: int) -> bool:
        fields = UserFields(role=Role.CLINICIAN) if number % 2 else UserFields(is_active=False)
        try:
            clinic.services.accounts.edit(system(), both[number % 2], fields)
        except ImgcoreError as error:
            assert error.code in ("conflict", "database_unavailable")
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(step_down, range(4)))
    left = [user for user in clinic.rows(User) if user.role == Role.ADMIN and user.is_active]
    assert len(left) == 1
    assert not clinic.services.accounts.needs_set_up(DESK)


def test_nobody_unknown_is_invited_or_changed(clinic: House) -> None:
    with pytest.raises(NotFound):
        clinic.services.accounts.invite(clinic.admin, "nobody@clinic.example")
    with pytest.raises(NotFound):
        clinic.services.accounts.edit(clinic.admin, uuid4(), UserFields(name="X"))
