"""The account page: where one is signed in, tokens that are shown once, and the way out of everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Actor, Role, Scope, system, visitor
from imgcore.domain.accounts import NewToken
from imgcore.domain.values import NewUser
from imgcore.errors import Unauthenticated
from imgcore.ui import identity
from tests.pages.desks import Desk, click, everything, keyed, said, texts

EMAIL, PASSWORD = "vera@clinic.example", "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(desk: Desk, role: Role) -> Actor:
    """Sign in with a session of a browser."""
    new = NewUser.model_validate({"email": EMAIL, "name": "Vera", "role": role, "password": PASSWORD})
    desk.services.accounts.create(system(), new)
    actor = desk.services.sign_in.open(visitor(address="192.0.2.7"), EMAIL, PASSWORD, FIREFOX).actor
    desk.monkeypatch.setattr(identity, "current_actor", lambda: actor)
    return actor


@pytest.fixture
def vera(desk: Desk) -> Actor:
    """A clinician at her browser."""
    return sign_in(desk, Role.CLINICIAN)


def make_token(app: AppTest, scopes: str = "Read") -> str:
    """Make a token in the dialog, and return it."""
    click(app, "new-token")
    app.text_input(key="token-name").set_value("Export at night")
    app.selectbox(key="token-scopes").set_value(scopes).run()
    click(app, "token-create")
    return str(app.code[0].value)


def test_one_sees_where_one_is_signed_in_and_signs_another_browser_out(desk: Desk, vera: Actor) -> None:
    elsewhere = visitor(address="192.0.2.99")
    there = desk.services.sign_in.open(elsewhere, EMAIL, PASSWORD, "Mozilla/5.0 (iPad)")
    app = desk.open("account")
    assert "**Firefox on Linux**" in texts(app)
    assert "**iPad**" in texts(app)
    assert keyed(app, "end-") == [str(there.actor.session_id)]
    click(app, f"end-{there.actor.session_id}")
    assert "iPad is signed out." in said(app)
    assert desk.services.sign_in.by_cookie(visitor(), there.token) is None
    assert keyed(app, "end-") == []


def test_a_token_is_made_shown_once_and_revoked(desk: Desk, vera: Actor) -> None:
    app = desk.open("account")
    assert "None yet." in texts(app)
    secret = make_token(app)
    assert desk.services.sign_in.by_bearer(visitor(), secret).scopes == frozenset({Scope.READ})
    click(app, "token-done")
    assert secret not in everything(app)
    assert "**Export at night**" in texts(app)
    (token_id,) = keyed(app, "revoke-")
    click(app, f"revoke-{token_id}")
    click(app, "dialog-confirm")
    assert "works no longer" in said(app)
    with pytest.raises(Unauthenticated):
        desk.services.sign_in.by_bearer(visitor(), secret)


def test_a_token_needs_a_name(desk: Desk, vera: Actor) -> None:
    app = desk.open("account")
    click(app, "new-token")
    click(app, "token-create")
    assert app.error[0].value
    assert desk.services.account.tokens(vera) == ()


def test_only_administrators_are_offered_to_administer(desk: Desk, vera: Actor) -> None:
    app = desk.open("account")
    click(app, "new-token")
    assert app.selectbox(key="token-scopes").options == ["Read", "Read and write"]
    desk.services.accounts.invite(system(), EMAIL)
    admin = replace(vera, role=Role.ADMIN)
    desk.monkeypatch.setattr(identity, "current_actor", lambda: admin)
    app = desk.open("account")
    secret = make_token(app, "Read, write and administer")
    assert Scope.ADMIN in (desk.services.sign_in.by_bearer(visitor(), secret).scopes or ())


def test_signing_out_everywhere_asks_first(desk: Desk, vera: Actor) -> None:
    new = NewToken(name="Export", scopes=frozenset({Scope.READ}))
    desk.services.account.add_token(vera, new)
    app = desk.open("account")
    click(app, "everywhere")
    assert "all your tokens stop working" in texts(app)
    assert len(desk.services.account.tokens(vera)) == 1
    click(app, "dialog-confirm")
    assert desk.services.account.tokens(vera) == ()
    assert desk.services.account.sessions(vera) == ()


def test_the_password_is_changed_on_a_page_of_its_own(desk: Desk, vera: Actor) -> None:
    app = desk.open("account")
    assert any('href="/auth/password"' in each.proto.body for each in app.html)
