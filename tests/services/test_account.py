from __future__ import annotations

from dataclasses import replace

import pytest

from imgcore.db.journal import Event
from imgcore.db.tables import AccessToken, UserSession
from imgcore.domain.access import Actor, Role, Scope
from imgcore.domain.accounts import NewToken
from imgcore.domain.values import NewPatient, UserFields, parse
from imgcore.errors import Conflict, Forbidden, Invalid, NotFound, TooManyTries, Unauthenticated
from imgcore.services.account import MOST_TOKENS
from imgcore.services.sign_in import Opened
from tests.services.clinics import DESK, PASSWORD, House
from tests.services.databases import on_both

EMAIL = "ines@clinic.example"
NEW = "another password"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
READS, WRITES = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE})


@pytest.fixture
def ines(clinic: House) -> Opened:
    """A clinician in a browser."""
    clinic.services.sign_in.end(clinic.person(Role.CLINICIAN, EMAIL))
    return clinic.services.sign_in.open(DESK, EMAIL, PASSWORD, FIREFOX)


def token(clinic: House, actor: Actor, scopes: frozenset[Scope] = READS, days: int = 90) -> str:
    """Make a token, and return it."""
    new = NewToken(name="Export", scopes=scopes, days=days)
    return clinic.services.account.add_token(actor, new)[1]


def is_void(clinic: House, secret: str) -> bool:
    try:
        clinic.services.sign_in.by_bearer(DESK, secret)
    except Unauthenticated:
        return True
    return False


@on_both
def test_a_new_password_keeps_this_browser_alone_and_under_a_new_number(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    elsewhere, bearer = sign_in.open(DESK, EMAIL, PASSWORD), sign_in.token(DESK, EMAIL, PASSWORD)
    secret = token(clinic, ines.actor)
    opened = clinic.services.account.change_password(ines.actor, PASSWORD, NEW, FIREFOX)
    assert opened.actor.session_id != ines.actor.session_id
    assert sign_in.by_cookie(DESK, opened.token) == opened.actor
    assert [sign_in.by_cookie(DESK, each.token) for each in (ines, elsewhere)] == [None, None]
    assert is_void(clinic, bearer)
    assert is_void(clinic, secret)
    with pytest.raises(Unauthenticated):
        sign_in.open(DESK, EMAIL, PASSWORD)
    assert sign_in.open(DESK, EMAIL, NEW).actor.user_id == ines.actor.user_id
    line = clinic.events(Event.action == "account.edit")[-1]
    assert (line.outcome, line.field_names, line.actor_id) == ("done", ["password"], ines.actor.user_id)


def test_the_current_password_is_asked_for_and_cannot_be_guessed(clinic: House, ines: Opened) -> None:
    account = clinic.services.account
    for _ in range(10):
        with pytest.raises(Forbidden):
            account.change_password(ines.actor, "not the password", NEW)
    with pytest.raises(TooManyTries):
        account.change_password(ines.actor, PASSWORD, NEW)
    with pytest.raises(TooManyTries):
        clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    assert clinic.services.sign_in.by_cookie(DESK, ines.token)
    refused = clinic.events(Event.action == "account.edit", Event.outcome == "refused")
    assert len(refused) == 10
    assert {line.actor_id for line in refused} == {ines.actor.user_id}


def test_a_short_password_changes_nothing(clinic: House, ines: Opened) -> None:
    with pytest.raises(Invalid):
        clinic.services.account.change_password(ines.actor, PASSWORD, "short")
    assert clinic.services.sign_in.by_cookie(DESK, ines.token)


@on_both
def test_one_sees_where_one_is_signed_in_and_ends_one(clinic: House, ines: Opened) -> None:
    account, sign_in = clinic.services.account, clinic.services.sign_in
    there = sign_in.open(replace(DESK, address="192.0.2.99"), EMAIL, PASSWORD, "Mozilla/5.0 (iPhone)")
    ended = sign_in.open(DESK, EMAIL, PASSWORD)
    sign_in.end(ended.actor)
    here, other = account.sessions(ines.actor)
    assert (here.is_current, here.browser, here.address) == (True, "Firefox on Windows", DESK.address)
    assert (other.is_current, other.browser, other.address) == (False, "iPhone", "192.0.2.99")
    account.end_session(ines.actor, other.id)
    assert sign_in.by_cookie(DESK, there.token) is None
    assert [each.id for each in account.sessions(ines.actor)] == [ines.actor.session_id]
    assert clinic.events(Event.entity == "session")[-1].entity_ids == [str(other.id)]


def test_sessions_that_have_ended_by_themselves_are_not_listed(clinic: House, ines: Opened) -> None:
    clinic.clock.forward(minutes=61)
    fresh = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    assert [each.id for each in clinic.services.account.sessions(fresh.actor)] == [fresh.actor.session_id]


def test_nobody_reaches_into_the_account_of_another(clinic: House, ines: Opened) -> None:
    account = clinic.services.account
    account.add_token(ines.actor, NewToken(name="Export", scopes=READS))
    assert ines.actor.session_id is not None
    with pytest.raises(NotFound):
        account.end_session(clinic.admin, ines.actor.session_id)
    with pytest.raises(NotFound):
        account.revoke_token(clinic.admin, account.tokens(ines.actor)[0].id)
    assert account.tokens(clinic.admin) == ()
    assert ines.actor.session_id not in {each.id for each in account.sessions(clinic.admin)}


@on_both
def test_signing_out_everywhere_ends_all_there_is(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    there, bearer = sign_in.open(DESK, EMAIL, PASSWORD), sign_in.token(DESK, EMAIL, PASSWORD)
    secret, bystander = token(clinic, ines.actor), token(clinic, clinic.admin)
    clinic.services.account.end_everything(ines.actor)
    assert [sign_in.by_cookie(DESK, each.token) for each in (ines, there)] == [None, None]
    assert is_void(clinic, bearer)
    assert is_void(clinic, secret)
    assert not is_void(clinic, bystander)
    assert clinic.events(Event.action == "sign_out")[-1].field_names == ["sessions", "tokens"]


@on_both
def test_a_token_speaks_for_its_owner_within_its_scopes(clinic: House, ines: Opened) -> None:
    patient = clinic.patient()
    reader = clinic.services.sign_in.by_bearer(DESK, token(clinic, ines.actor))
    assert (reader.user_id, reader.session_id, reader.scopes) == (ines.actor.user_id, None, READS)
    assert clinic.services.patients.get(reader, patient.id) == patient
    with pytest.raises(Forbidden):
        clinic.services.patients.create(reader, NewPatient(name="Ada"))
    writer = clinic.services.sign_in.by_bearer(DESK, token(clinic, ines.actor, WRITES))
    assert clinic.services.patients.create(writer, NewPatient(name="Ada")).name == "Ada"


def test_only_an_administrator_makes_a_token_that_administers(clinic: House, ines: Opened) -> None:
    every = frozenset(Scope)
    with pytest.raises(Forbidden):
        token(clinic, ines.actor, every)
    program = clinic.services.sign_in.by_bearer(DESK, token(clinic, clinic.admin, every))
    assert clinic.services.accounts.all(program).total == 2
    writer = clinic.services.sign_in.by_bearer(DESK, token(clinic, clinic.admin, WRITES))
    with pytest.raises(Forbidden):
        clinic.services.accounts.all(writer)


def test_no_token_reaches_the_account(clinic: House, ines: Opened) -> None:
    """Whoever finds a token must not be able to make more of them, or to keep the owner out."""
    sign_in, account = clinic.services.sign_in, clinic.services.account
    every = token(clinic, clinic.admin, frozenset(Scope))
    bearer = sign_in.token(DESK, clinic.admin.email, PASSWORD)
    for program in (sign_in.by_bearer(DESK, every), sign_in.by_bearer(DESK, bearer)):
        for use in (
            account.sessions,
            account.tokens,
            lambda who: account.add_token(who, NewToken(name="More", scopes=READS)),
            lambda who: account.change_password(who, PASSWORD, NEW),
            account.end_everything,
            lambda who: sign_in.unlock(who, PASSWORD),
        ):
            with pytest.raises(Forbidden):
                use(program)


@on_both
def test_a_token_ends_with_its_day_its_owner_or_by_hand(clinic: House, ines: Opened) -> None:
    account = clinic.services.account
    short, long, revoked = (token(clinic, ines.actor, days=days) for days in (1, 2, 3))
    account.revoke_token(ines.actor, account.tokens(ines.actor)[0].id)
    assert [is_void(clinic, each) for each in (short, long, revoked)] == [False, False, True]
    clinic.clock.forward(days=1)
    assert [is_void(clinic, each) for each in (short, long)] == [True, False]
    assert ines.actor.user_id is not None
    clinic.services.accounts.edit(clinic.admin, ines.actor.user_id, UserFields(is_active=False))
    assert is_void(clinic, long)
    clinic.services.accounts.edit(clinic.admin, ines.actor.user_id, UserFields(is_active=True))
    assert is_void(clinic, long)


def test_a_token_that_signs_out_ends_itself_alone(clinic: House, ines: Opened) -> None:
    sign_in = clinic.services.sign_in
    one, two = token(clinic, ines.actor), token(clinic, ines.actor)
    bearer = sign_in.token(DESK, EMAIL, PASSWORD)
    sign_in.end(sign_in.by_bearer(DESK, one))
    assert [is_void(clinic, each) for each in (one, two, bearer)] == [True, False, False]
    assert sign_in.by_cookie(DESK, ines.token)


def test_when_a_token_was_used_is_noted_now_and_then(clinic: House, ines: Opened) -> None:
    secret, account = token(clinic, ines.actor), clinic.services.account
    assert account.tokens(ines.actor)[0].used_at is None
    clinic.services.sign_in.by_bearer(DESK, secret)
    first = account.tokens(ines.actor)[0].used_at
    clinic.services.sign_in.by_bearer(DESK, secret)
    assert account.tokens(ines.actor)[0].used_at == first is not None
    clinic.clock.forward(minutes=1)
    clinic.services.sign_in.by_bearer(DESK, secret)
    assert (account.tokens(ines.actor)[0].used_at or first) > first


def test_a_token_is_stored_as_its_hash_alone(clinic: House, ines: Opened) -> None:
    secret = token(clinic, ines.actor)
    assert secret.startswith("imgc_")
    stored = str([clinic.rows(table) for table in (AccessToken, UserSession, Event)])
    assert secret not in stored
    assert secret.removeprefix("imgc_") not in stored


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_lives_for_a_year_at_most(days: int) -> None:
    with pytest.raises(Invalid):
        parse(NewToken, name="Export", scopes=READS, days=days)


def test_there_is_an_end_to_tokens(clinic: House, ines: Opened) -> None:
    for _ in range(MOST_TOKENS):
        token(clinic, ines.actor)
    with pytest.raises(Conflict):
        token(clinic, ines.actor)
