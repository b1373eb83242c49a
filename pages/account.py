"""Account: who is signed in and where, their password, and tokens for their programs."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.accounts import AccessToken, OwnSession
from imgcore.texts import _
from imgcore.ui import account_forms, clinic, dates, heading, keys, user_forms, words

WIDTH = 760


def main() -> None:
    """Draw the account of the person who is signed in."""
    actor = clinic.actor()
    heading.draw(_("Account"))
    with st.container(width=WIDTH, gap="medium"):
        _person(actor)
        if actor.session_id is not None:
            _sessions(actor)
            _tokens(actor)


def _person(actor: Actor) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(f"**{words.literal(actor.name)}**")
                st.caption(words.literal(actor.email))
            st.badge(user_forms.roles()[actor.role])
        with st.container(horizontal=True):
            # A page of its own, so that no password passes through the screens.
            st.html(account_forms.password_link(), width="content")
            st.button(_("Sign out"), key="sign-out", icon=":material/logout:", on_click=clinic.sign_out)


def _sessions(actor: Actor) -> None:
    with st.container(gap="small"):
        st.subheader(_("Where you are signed in"), anchor=False)
        with st.container(gap=None):
            for session in clinic.services().account.sessions(actor):
                _session(session)
        st.button(
            _("Sign out everywhere"), key="everywhere", icon=":material/logout:",
            on_click=account_forms.ask_everywhere,
        )  # fmt: skip


def _session(session: OwnSession) -> None:
    with _row(session.id):
        with st.container(gap=None):
            st.markdown(f"**{words.literal(session.browser)}**")
            used = _("last used: {moment}").format(moment=dates.moment(session.seen_at))
            st.caption(words.literal(" · ".join(filter(None, (session.address, used)))))
        if session.is_current:
            st.badge(_("This browser"), color="green")
        else:
            st.button(
                _("Sign out"), key=keys.key("end", session.id), on_click=account_forms.end, args=(session,)
            )


def _tokens(actor: Actor) -> None:
    tokens = clinic.services().account.tokens(actor)
    with st.container(gap="small"):
        st.subheader(_("Tokens for your programs"), anchor=False)
        if not tokens:
            st.caption(
                _("None yet. A token lets a program use the REST interface in your name, for a while.")
            )
        with st.container(gap=None):
            for token in tokens:
                _token(token)
        st.button(_("New token"), key="new-token", icon=":material/add:", on_click=account_forms.ask_token)


def _token(token: AccessToken) -> None:
    with _row(token.id):
        with st.container(gap=None):
            st.markdown(f"**{words.literal(token.name)}**")
            st.caption(words.literal(account_forms.described(token)))
        st.button(
            _("Revoke"), key=keys.key("revoke", token.id), on_click=account_forms.ask_revoke, args=(token,)
        )


def _row(name: object) -> st.delta_generator.DeltaGenerator:
    return st.container(key=keys.key("row", name), horizontal=True, vertical_alignment="center", gap="small")


main()
