from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from imgcore.db.journal import Event
from imgcore.db.tables import OneTimeLink, SignInTry, User, UserSession
from imgcore.domain.access import Actor, Role, system
from imgcore.domain.values import NewUser, UserFields
from imgcore.errors import Invalid, TooManyTries, Unauthenticated
from imgcore.services import credentials
from imgcore.services.credentials import hash_token
from tests.services.clinics import DESK, PASSWORD, House, Opens
from tests.services.databases import on_both

EMAIL = "ines@clinic.example"
WRONG = "not the password"


@pytest.fixture
def ines(clinic: House) -> Actor:
    """A clinician who is signed in."""
    return clinic.person(Role.CLINICIAN, EMAIL)


def refused(clinic: House, password: str = WRONG, email: str = EMAIL, desk: Actor = DESK) -> type[Exception]:
    with pytest.raises((Unauthenticated, TooManyTries)) as caught:
        clinic.services.sign_in.open(desk, email, password)
    return caught.type


@on_both
def test_the_right_password_opens_a_session(clinic: House, ines: Actor) -> None:
    opened = clinic.services.sign_in.open(DESK, " Ines@Clinic.Example ", PASSWORD, browser="Firefox")
    who = clinic.services.sign_in.by_cookie(DESK, opened.token)
    assert who == opened.actor
    assert (opened.actor.user_id, opened.actor.role) == (ines.user_id, Role.CLINICIAN)
    assert opened.actor.session_id != ines.session_id
    assert opened.actor.address == DESK.address


@on_both
def test_everybody_who_may_not_come_in_hears_the_same(clinic: House, ines: Actor) -> None:
    invited = NewUser(email="new@clinic.example", name="New", role=Role.CLINICIAN)
    clinic.services.accounts.create(clinic.admin, invited)
    change(is_active=False)(clinic, clinic.person(Role.CLINICIAN, "gone@clinic.example"))
    messages = set()
    for email, password in (
        (EMAIL, WRONG),
        (EMAIL, ""),
        (EMAIL, "\ud800"),
        (EMAIL, PASSWORD + "x" * 10_000),
        ("nobody@clinic.example", PASSWORD),
        (invited.email, PASSWORD),
        ("gone@clinic.example", PASSWORD),
        ("", ""),
    ):
        with pytest.raises(Unauthenticated) as caught:
            clinic.services.sign_in.open(DESK, email, password)
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert len(clinic.events(Event.action == "sign_in", Event.outcome == "refused")) == 8


def test_a_refusal_is_noted_without_what_was_typed(clinic: House, ines: Actor) -> None:
    refused(clinic, email="mistyped@clinic.example")
    refused(clinic)
    lines = clinic.events(Event.action == "sign_in", Event.outcome == "refused")
    assert [line.entity_ids for line in lines] == [[], [str(ines.user_id)]]
    assert {line.address for line in lines} == {DESK.address}
    tries = clinic.rows(SignInTry)
    assert "mistyped" not in str(tries)
    assert len({each.account_hash for each in tries}) == 2


@on_both
def test_ten_wrong_passwords_are_enough(clinic: House, ines: Actor) -> None:
    assert {refused(clinic) for _ in range(10)} == {Unauthenticated}
    with pytest.raises(TooManyTries) as caught:
        clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    assert caught.value.retry_after == 900
    assert refused(clinic) is TooManyTries

    elsewhere = replace(DESK, address="192.0.2.8")
    assert clinic.services.sign_in.open(elsewhere, EMAIL, PASSWORD).actor.user_id == ines.user_id
    assert refused(clinic, email="other@clinic.example") is Unauthenticated
    with pytest.raises(TooManyTries):
        clinic.services.sign_in.token(DESK, EMAIL, PASSWORD)

    clinic.clock.forward(minutes=14)
    assert refused(clinic, PASSWORD) is TooManyTries
    clinic.clock.forward(minutes=1)
    assert clinic.services.sign_in.open(DESK, EMAIL, PASSWORD).actor.user_id == ines.user_id


def test_right_passwords_and_refused_tries_are_not_counted(clinic: House, ines: Actor) -> None:
    for _ in range(12):
        clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    assert clinic.rows(SignInTry) == []
    for _ in range(15):
        refused(clinic)
    assert len(clinic.rows(SignInTry)) == 10


def test_one_address_cannot_try_many_accounts(clinic: House) -> None:
    found = [refused(clinic, email=f"nobody{number}@clinic.example") for number in range(101)]
    assert found == [Unauthenticated] * 100 + [TooManyTries]


@on_both
def test_many_tries_at_once_do_not_get_past_the_limit(clinic: House, ines: Actor) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: refused(clinic), range(40)))
    # Tries that meet may refuse each other; what counts is that no more than ten were looked at.
    while found.count(Unauthenticated) < 10:
        found.append(refused(clinic))
    assert found.count(Unauthenticated) == 10
    assert refused(clinic, PASSWORD) is TooManyTries


@on_both
def test_an_idle_session_ends(open_clinic: Opens) -> None:
    clinic = open_clinic(lock_minutes=0)
    clinic.person(Role.CLINICIAN, EMAIL)
    sign_in = clinic.services.sign_in
    token = sign_in.open(DESK, EMAIL, PASSWORD).token
    for _ in range(3):
        clinic.clock.forward(minutes=59)
        assert sign_in.by_cookie(DESK, token)
    clinic.clock.forward(minutes=50)
    assert sign_in.by_cookie(DESK, token, is_use=False)
    clinic.clock.forward(minutes=11)
    assert sign_in.by_cookie(DESK, token) is None


def test_a_session_in_use_ends_after_its_hours(clinic: House, ines: Actor) -> None:
    token = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD).token
    for _ in range(50):
        clinic.clock.forward(minutes=14)
        assert clinic.services.sign_in.by_cookie(DESK, token)
    clinic.clock.forward(minutes=21)
    assert clinic.services.sign_in.by_cookie(DESK, token) is None


@on_both
def test_signing_out_ends_this_session_alone(clinic: House, ines: Actor) -> None:
    sign_in = clinic.services.sign_in
    here, there = (sign_in.open(DESK, EMAIL, PASSWORD) for _ in range(2))
    sign_in.end(here.actor)
    sign_in.end(here.actor)
    assert sign_in.by_cookie(DESK, here.token) is None
    assert sign_in.by_cookie(DESK, there.token)


@on_both
def test_signing_out_a_program_ends_its_tokens(clinic: House, ines: Actor) -> None:
    sign_in = clinic.services.sign_in
    tokens = [sign_in.token(DESK, EMAIL, PASSWORD) for _ in range(2)]
    program = sign_in.by_bearer(DESK, tokens[0])
    assert (program.user_id, program.session_id) == (ines.user_id, None)
    sign_in.end(program)
    for token in tokens:
        with pytest.raises(Unauthenticated):
            sign_in.by_bearer(DESK, token)
    assert sign_in.by_bearer(DESK, sign_in.token(DESK, EMAIL, PASSWORD)).user_id == ines.user_id


def test_a_token_expires_and_cannot_be_forged(clinic: House, ines: Actor) -> None:
    sign_in = clinic.services.sign_in
    token = sign_in.token(DESK, EMAIL, PASSWORD)
    header, claims, signature = token.split(".")
    for wrong in ("", "x", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", token + "a"):
        with pytest.raises(Unauthenticated):
            sign_in.by_bearer(DESK, wrong)
    clinic.clock.forward(minutes=59)
    assert sign_in.by_bearer(DESK, token).user_id == ines.user_id
    clinic.clock.forward(minutes=1)
    with pytest.raises(Unauthenticated):
        sign_in.by_bearer(DESK, token)


Ends = Callable[[House, Actor], object]


def change(**fields: object) -> Ends:
    def apply(clinic: House, who: Actor) -> object:
        assert who.user_id is not None
        fields_of_user = UserFields.model_validate(fields)
        return clinic.services.accounts.edit(clinic.admin, who.user_id, fields_of_user)

    return apply


def redeem(clinic: House, who: Actor) -> object:
    link = clinic.services.accounts.invite(clinic.admin, EMAIL)
    return clinic.services.sign_in.redeem(DESK, link, "another password")


@pytest.mark.parametrize(
    "ends",
    [change(password="another password"), change(is_active=False), change(role=Role.REVIEWER), redeem],
    ids=["password", "deactivation", "role", "link"],
)
def test_what_changes_an_account_ends_every_session_and_token(clinic: House, ines: Actor, ends: Ends) -> None:
    sign_in = clinic.services.sign_in
    sessions = [sign_in.open(DESK, EMAIL, PASSWORD) for _ in range(2)]
    bearer = sign_in.token(DESK, EMAIL, PASSWORD)
    bystander = sign_in.open(DESK, clinic.admin.email, PASSWORD)
    ends(clinic, ines)
    assert [sign_in.by_cookie(DESK, each.token) for each in sessions] == [None, None]
    with pytest.raises(Unauthenticated):
        sign_in.by_bearer(DESK, bearer)
    assert sign_in.by_cookie(DESK, bystander.token)


def test_a_new_name_ends_nothing(clinic: House, ines: Actor) -> None:
    opened = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    change(name="Ines Berg")(clinic, ines)
    who = clinic.services.sign_in.by_cookie(DESK, opened.token)
    assert who is not None
    assert who.name == "Ines Berg"


def test_a_session_opened_while_the_password_changes_is_refused(
    clinic: House, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows the old password must not slip in between its check and the session."""
    fits = credentials.password_fits

    def slow(password_hash: str | None, password: str) -> bool:
        found = fits(password_hash, password)
        monkeypatch.setattr(credentials, "password_fits", fits)
        change(password="another password")(clinic, ines)
        return found

    monkeypatch.setattr(credentials, "password_fits", slow)
    assert refused(clinic, PASSWORD) is Unauthenticated


@on_both
def test_a_link_works_once(clinic: House, ines: Actor) -> None:
    sign_in, link = clinic.services.sign_in, clinic.services.accounts.invite(clinic.admin, EMAIL)
    assert sign_in.link_owner(DESK, link) == EMAIL
    opened = sign_in.redeem(DESK, link, "another password", browser="Safari")
    assert sign_in.by_cookie(DESK, opened.token) == opened.actor
    for use in (
        lambda: sign_in.redeem(DESK, link, "a third password"),
        lambda: sign_in.link_owner(DESK, link),
    ):
        with pytest.raises(Invalid):
            use()
    assert refused(clinic, PASSWORD) is Unauthenticated
    assert sign_in.open(DESK, EMAIL, "another password").actor.user_id == ines.user_id


@on_both
def test_a_link_used_twice_at_once_works_once(clinic: House, ines: Actor) -> None:
    link = clinic.services.accounts.invite(clinic.admin, EMAIL)

    def use(number: int) -> bool:
        try:
            clinic.services.sign_in.redeem(DESK, link, f"password number {number}")
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(use, range(4))) == 1


def test_a_link_that_cannot_be_used(clinic: House, ines: Actor) -> None:
    accounts, sign_in = clinic.services.accounts, clinic.services.sign_in
    late, replaced = accounts.invite(clinic.admin, clinic.admin.email), accounts.invite(clinic.admin, EMAIL)
    accounts.invite(clinic.admin, EMAIL)
    with pytest.raises(Invalid):
        sign_in.redeem(DESK, replaced, "another password")

    overtaken = accounts.invite(clinic.admin, EMAIL)
    change(password="another password")(clinic, ines)
    with pytest.raises(Invalid):
        sign_in.redeem(DESK, overtaken, "a third password")

    closed = accounts.invite(clinic.admin, EMAIL)
    change(is_active=False)(clinic, ines)
    with pytest.raises(Invalid):
        sign_in.redeem(DESK, closed, "another password")

    clinic.clock.forward(hours=24)
    with pytest.raises(Invalid):
        sign_in.link_owner(DESK, late)
    with pytest.raises(Invalid):
        sign_in.redeem(DESK, late, "another password")


def test_a_short_password_leaves_the_link_unused(clinic: House, ines: Actor) -> None:
    link = clinic.services.accounts.invite(clinic.admin, EMAIL)
    with pytest.raises(Invalid):
        clinic.services.sign_in.redeem(DESK, link, "short")
    assert clinic.services.sign_in.redeem(DESK, link, "long enough").actor.user_id == ines.user_id


def test_no_password_and_no_token_is_stored(clinic: House, ines: Actor) -> None:
    opened = clinic.services.sign_in.open(DESK, EMAIL, PASSWORD)
    link = clinic.services.accounts.invite(clinic.admin, EMAIL)
    bearer = clinic.services.sign_in.token(DESK, EMAIL, PASSWORD)
    stored = str([clinic.rows(table) for table in (User, UserSession, OneTimeLink, Event, SignInTry)])
    assert [secret for secret in (PASSWORD, opened.token, link, bearer) if secret in stored] == []
    assert hash_token(opened.token) in {each.token_hash for each in clinic.rows(UserSession)}
    assert hash_token(link) in {each.token_hash for each in clinic.rows(OneTimeLink)}
    assert all((user.password_hash or "$argon2id$").startswith("$argon2id$") for user in clinic.rows(User))


def test_a_guess_costs_what_it_should() -> None:
    # RFC 9106, section 4, second recommended option.
    assert (credentials.PASSES, credentials.KIBIBYTES) >= (3, 64 * 1024)


def test_whose_link_it_was_is_known_while_the_account_is_open(clinic: House, ines: Actor) -> None:
    assert ines.user_id is not None
    assert clinic.services.sign_in.by_id(DESK, ines.user_id).role is Role.CLINICIAN
    change(is_active=False)(clinic, ines)
    with pytest.raises(Unauthenticated):
        clinic.services.sign_in.by_id(DESK, ines.user_id)


def test_the_program_itself_has_no_session_to_end(clinic: House) -> None:
    opened = clinic.services.sign_in.open(DESK, clinic.admin.email, PASSWORD)
    clinic.services.sign_in.end(system())
    assert clinic.services.sign_in.by_cookie(DESK, opened.token)
