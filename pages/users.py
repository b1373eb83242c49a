"""Users: who works with Imgcore, in which role, and who may still come in."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Actor, Role
from imgcore.domain.records import Patient, User
from imgcore.texts import _
from imgcore.ui import clinic, heading, keys, lists, privacy, user_forms, words

PAGE_SIZE = 20


def main() -> None:
    """Draw the list of people."""
    actor = clinic.actor()
    heading.draw(_("Users"), button=_add_button)
    turn = lists.turn("users", PAGE_SIZE)
    page = clinic.services().accounts.all(actor, turn.page, turn.page_size)
    linked = {user.patient_id for user in page.items if user.patient_id is not None}
    records = {each.id: each for each in clinic.services().patients.some(actor, linked)} if linked else {}
    with st.container(gap=None):
        for user in page.items:
            _row(actor, user, records)
    lists.pages(page, "users")


def _add_button() -> None:
    st.button(
        _("Add user"),
        key="add-user",
        icon=":material/person_add:",
        type="primary",
        on_click=user_forms.ask_new,
    )


def _row(actor: Actor, user: User, records: Mapping[UUID, Patient]) -> None:
    with st.container(
        key=keys.key("row", user.id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        with st.container(gap=None):
            st.markdown(f"**{words.literal(user_forms.called(user))}**")
            if user.role is not Role.PATIENT or not privacy.is_on():
                st.caption(words.literal(user.email))
            if user.patient_id is not None:
                st.caption(words.literal(_record(records.get(user.patient_id))))
        if not user.is_active:
            st.badge(_("closed"), color="gray")
        elif not user.has_password:
            st.badge(_("invited"), color="orange")
        st.badge(user_forms.roles()[user.role], color="blue")
        if user.id == actor.user_id:
            st.caption(_("You"), width="content")
        else:
            user_forms.menu(user)


def _record(patient: Patient | None) -> str:
    if patient is None:
        return _("Sees the record of a patient whom you do not see.")
    return _("Sees the record of {person}").format(person=privacy.person(patient))


main()
