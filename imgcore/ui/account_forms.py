"""The dialogs of the account page: a new token, taking one back, and signing out everywhere."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Role, Scope
from imgcore.domain.accounts import TOKEN_DAYS, AccessToken, NewToken, OwnSession
from imgcore.domain.values import parse
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, words
from imgcore.ui.notices import Notice, keep

USUAL_DAYS = 90


def scopes(role: Role) -> dict[str, frozenset[Scope]]:
    """Return what a token of this role's may be for, in words, the least first."""
    reads, writes = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE})
    offered = {_("Read"): reads, _("Read and write"): writes}
    return (
        offered | {_("Read, write and administer"): writes | {Scope.ADMIN}} if role is Role.ADMIN else offered
    )


def described(token: AccessToken) -> str:
    """Return what a token may do and until when, on one line."""
    granted = frozenset(token.scopes)
    named = next(
        (text for text, each in scopes(Role.ADMIN).items() if each == granted), ", ".join(token.scopes)
    )
    used = dates.moment(token.used_at) if token.used_at else _("never")
    text = _("{scopes} · until {day} · last used: {moment}")
    return text.format(scopes=named, day=dates.day(token.expires_at.date()), moment=used)


def password_link() -> str:
    """Return the link to the page where one's own password is changed, in the shape of a button."""
    style = (
        "display:flex;align-items:center;min-height:2.5rem;padding:0 .75rem;border-radius:8px;"
        "border:1px solid var(--imgcore-border);color:inherit;text-decoration:none;"
        "font-size:.875rem"
    )
    text = escape(_("Change password"))
    return f'<a href="/auth/password" target="_self" style="{style}">{text}</a>'


def ask_token() -> None:
    """Open the form for a new token; call it from ``on_click``."""
    dialogs.ask(_("New token"), _new)


def _new() -> None:
    actor = clinic.actor()
    st.text_input(_("Name"), key=_key("name"), max_chars=100, placeholder=_("What it is for"))
    st.selectbox(_("It may"), list(scopes(actor.role)), key=_key("scopes"))
    st.number_input(_("Days until it expires"), 1, TOKEN_DAYS, USUAL_DAYS, key=_key("days"))
    st.caption(_("Whoever has the token can do this in your name."))
    st.button(_("Make token"), key=_key("create"), type="primary", on_click=_create)


def _create() -> None:
    with errors.kept():
        typed, actor = st.session_state, clinic.actor()
        granted = scopes(actor.role)[typed[_key("scopes")]]
        new = parse(NewToken, name=typed[_key("name")], scopes=granted, days=typed[_key("days")])
        token, secret = clinic.services().account.add_token(actor, new)
        dialogs.ask(_("Your new token"), _show, token.name, secret)
        st.rerun()


def _show(name: str, secret: str) -> None:
    st.markdown(
        _("Copy the token **{name}** to where your program keeps it.").format(name=words.literal(name))
    )
    st.code(secret, language=None, wrap_lines=True)
    st.caption(_("It is shown only now."))
    st.button(_("Done"), key=_key("done"), type="primary", on_click=dialogs.cancel)


def ask_revoke(token: AccessToken) -> None:
    """Ask before a token is taken back; call it from ``on_click``."""
    dialogs.ask(_("Revoke this token?"), _revoke, token)


def _revoke(token: AccessToken) -> None:
    st.markdown(
        _("Programs that use **{name}** stop working at once.").format(name=words.literal(token.name))
    )
    _confirm(_("Revoke"), ":material/delete:", _revoke_now, token.id, token.name)


def _revoke_now(token_id: UUID, name: str) -> None:
    with errors.kept():
        clinic.services().account.revoke_token(clinic.actor(), token_id)
        dialogs.finish(Notice(_("The token {name} works no longer.").format(name=name)))


def end(session: OwnSession) -> None:
    """Sign another browser out; call it from ``on_click``."""
    with errors.kept():
        clinic.services().account.end_session(clinic.actor(), session.id)
        keep(Notice(_("{browser} is signed out.").format(browser=session.browser)))


def ask_everywhere() -> None:
    """Ask before the person is signed out everywhere; call it from ``on_click``."""
    dialogs.ask(_("Sign out everywhere?"), _everywhere)


def _everywhere() -> None:
    st.markdown(_("Every browser is signed out at once, this one too, and **all your tokens stop working**."))
    _confirm(_("Sign out everywhere"), ":material/logout:", _end_everything)


def _end_everything() -> None:
    with errors.kept():
        clinic.services().account.end_everything(clinic.actor())
        clinic.sign_out()
        dialogs.finish()


def _confirm(label: str, icon: str, act: Callable[..., None], *arguments: object) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Cancel"), key=keys.key("dialog", "cancel"), on_click=dialogs.cancel)
        st.button(
            f":red[{label}]",
            key=keys.key("dialog", "confirm"),
            icon=icon,
            on_click=act,
            args=arguments,
        )


def _key(*parts: object) -> str:
    return keys.key("token", *parts)
