"""A run draws nothing for somebody whose session has ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import SESSION_COOKIE, load_settings
from imgcore.db.tables import UserSession
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.values import NewUser
from imgcore.services.work import utc_now

EMAIL = "anna@clinic.example"
PASSWORD = "correct horse battery"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    clinic = bootstrap.build(load_settings(data_dir=tmp_path))
    new = NewUser(email=EMAIL, name="Anna", role=Role.CLINICIAN, password=PASSWORD)
    clinic.services.accounts.create(system(), new)
    bootstrap.use(clinic)
    yield clinic
    bootstrap.use(None)
    clinic.close()


def screen() -> None:
    """Draw who is here."""
    import streamlit as st

    from imgcore.ui.identity import current_actor

    st.title(current_actor().name)


def drawn_with(cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Run the screen in a tab that came with these cookies."""
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: cookies))
    return AppTest.from_function(screen).run()


def test_the_screen_knows_who_is_signed_in(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    token = clinic.services.sign_in.open(visitor(), EMAIL, PASSWORD).token
    app = drawn_with({SESSION_COOKIE: token}, monkeypatch)
    assert [title.value for title in app.title] == ["Anna"]


def test_the_next_run_after_the_end_draws_nothing(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = clinic.services.sign_in.open(visitor(), EMAIL, PASSWORD)
    app = drawn_with({SESSION_COOKIE: opened.token}, monkeypatch)
    clinic.services.sign_in.end(opened.actor)
    app.run()
    assert not app.title
    assert app.info[0].value == "Your session has ended."
    assert not app.exception


@pytest.mark.parametrize("cookies", [{}, {SESSION_COOKIE: ""}, {SESSION_COOKIE: "wrong"}])
def test_without_a_session_nothing_is_drawn(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, cookies: dict[str, str]
) -> None:
    assert not drawn_with(cookies, monkeypatch).title


def test_what_began_before_the_lock_goes_on(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    token = clinic.services.sign_in.open(visitor(), EMAIL, PASSWORD).token
    long_ago = utc_now() - timedelta(minutes=20)
    with clinic.database.write() as session:
        session.execute(sa.update(UserSession).values(seen_at=long_ago))
    assert [title.value for title in drawn_with({SESSION_COOKIE: token}, monkeypatch).title] == ["Anna"]
    with clinic.database.read() as session:
        assert session.exec(select(UserSession)).one().seen_at == long_ago
