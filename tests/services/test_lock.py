from __future__ import annotations

import pytest

from imgcore.db.journal import Event
from imgcore.domain.access import Actor, Role
from imgcore.errors import Forbidden, Locked, TooManyTries
from imgcore.services.sign_in import Opened
from tests.services.clinics import DESK, PASSWORD, House, Opens
from tests.services.databases import on_both

EMAIL = "ines@clinic.example"


@pytest.fixture
def ines(clinic: House) -> Opened:
    """A clinician in a browser."""
    clinic.person(Role.CLINICIAN, EMAIL)
    return clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)


def is_locked(clinic: House, opened: Opened) -> bool:
    """Tell whether the session opens nothing now; asking is no use of it."""
    try:
        assert clinic.services.sign_in.by_cookie(DESK, opened.token, is_use=False)
    except Locked:
        return True
    return False


@on_both
def test_a_session_that_is_left_alone_is_locked_until_the_password_comes(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    clinic.clock.forward(minutes=14)
    assert not is_locked(clinic, ines)
    clinic.clock.forward(minutes=2)
    assert is_locked(clinic, ines)
    with pytest.raises(Locked):
        sign_in.by_cookie(DESK, ines.token)
    assert sign_in.by_cookie(DESK, ines.token, even_locked=True) == ines.actor
    sign_in.unlock(ines.actor, PASSWORD)
    assert sign_in.by_cookie(DESK, ines.token) == ines.actor
    line = clinic.events(Event.action == "sign_in")[-1]
    assert (line.outcome, line.field_names, line.actor_id) == ("done", ["unlock"], ines.actor.user_id)


@on_both
def test_use_puts_the_lock_off_and_looking_does_not(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    for _ in range(3):
        clinic.clock.forward(minutes=10)
        sign_in.use(ines.actor)
    clinic.clock.forward(minutes=10)
    assert sign_in.by_cookie(DESK, ines.token, is_use=False)
    sign_in.state(ines.actor)
    clinic.clock.forward(minutes=6)
    assert is_locked(clinic, ines)


def test_nothing_but_the_password_opens_it_again(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    clinic.clock.forward(minutes=16)
    sign_in.use(ines.actor)
    sign_in.by_cookie(DESK, ines.token, even_locked=True)
    assert is_locked(clinic, ines)
    with pytest.raises(Forbidden):
        sign_in.unlock(ines.actor, "not the password")
    assert is_locked(clinic, ines)
    refused = clinic.events(Event.action == "sign_in", Event.outcome == "refused")[-1]
    assert (refused.field_names, refused.actor_id) == (["unlock"], ines.actor.user_id)


def test_ten_wrong_passwords_are_enough(clinic: House, ines: Opened) -> None:
    clinic.clock.forward(minutes=16)
    for _ in range(10):
        with pytest.raises(Forbidden):
            clinic.services.sign_in.unlock(ines.actor, "not the password")
    with pytest.raises(TooManyTries):
        clinic.services.sign_in.unlock(ines.actor, PASSWORD)
    assert is_locked(clinic, ines)


def test_the_password_of_another_opens_nothing(clinic: House, ines: Opened) -> None:
    clinic.clock.forward(minutes=16)
    clinic.services.sign_in.unlock(clinic.admin, PASSWORD)
    assert is_locked(clinic, ines)


def test_a_locked_session_still_ends(clinic: House, ines: Opened) -> None:
    clinic.clock.forward(minutes=61)
    assert clinic.services.sign_in.by_cookie(DESK, ines.token, even_locked=True) is None


def test_how_a_session_stands(clinic: House, ines: Opened) -> None:
    clinic.clock.forward(minutes=10)
    state = clinic.services.sign_in.state(ines.actor)
    assert (state.is_locked, state.locks_after) == (False, 900)
    assert state.locks_in == pytest.approx(300, abs=1)
    assert state.ends_in == pytest.approx(3000, abs=1)
    clinic.clock.forward(minutes=10)
    state = clinic.services.sign_in.state(ines.actor)
    assert (state.is_locked, state.locks_in) == (True, 0)


def test_a_clinic_can_do_without(open_clinic: Opens) -> None:
    clinic = open_clinic(lock_minutes=0)
    clinic.person(Role.CLINICIAN, EMAIL)
    opened = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    clinic.clock.forward(minutes=59)
    assert not is_locked(clinic, opened)
    assert clinic.services.sign_in.state(opened.actor).locks_in is None


def test_a_short_time_counts_to_the_second(open_clinic: Opens) -> None:
    clinic = open_clinic(lock_minutes=0.2)
    who: Actor = clinic.person(Role.CLINICIAN, EMAIL)
    opened = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    for _ in range(5):
        clinic.clock.forward(seconds=8)
        assert clinic.services.sign_in.by_cookie(DESK, opened.token)
    clinic.clock.forward(seconds=13)
    assert is_locked(clinic, opened)
    assert who.user_id == opened.actor.user_id
