"""The dialogs of a care team: add a colleague, take somebody out, and emergency access."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Member, Patient, Team
from imgcore.errors import Invalid
from imgcore.services.teams import EMERGENCY_HOURS, SHORTEST_REASON
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, places, privacy, words
from imgcore.ui.notices import Notice


def in_use(who: Actor) -> bool:
    """Tell whether the clinic works in care teams, and this person sees them."""
    return clinic.services().settings.access == "care_team" and clinic.may(who, Action.TEAM_SEE)


def emergency_button(place: str) -> None:
    """Draw the button for a patient who must be seen at once, where the clinic works in teams."""
    if in_use(clinic.actor()):
        st.button(
            _("Emergency access"),
            key=keys.key("emergency", place),
            icon=":material/emergency:",
            help=_("For a patient of another team who needs care now"),
            on_click=dialogs.ask,
            args=(_("Emergency access"), _emergency),
        )


def ask_add(patient: Patient, team: Team) -> None:
    """Open the form for another member; call it from ``on_click``."""
    dialogs.ask(_("Add to the care team"), _add, patient, team)


def ask_remove(patient: Patient, member: Member) -> None:
    """Ask before somebody leaves the team; call it from ``on_click``."""
    title = _("End the emergency access?") if member.is_break_glass else _("Take out of the care team?")
    dialogs.ask(title, _remove, patient, member)


def _emergency() -> None:
    text = _(
        "Only when a patient needs care now. Your name, the time and your reason are recorded, "
        "and the care team sees them. The record is open to you for {hours} hours."
    )
    st.warning(text.format(hours=EMERGENCY_HOURS), icon=":material/warning:")
    with st.form(_key("emergency"), border=False):
        st.text_input(_("Exact MRN, external id or id"), key=_key("number"), max_chars=64, autocomplete="off")
        label = _("Reason, at least {count} characters").format(count=SHORTEST_REASON)
        st.text_area(label, key=_key("reason"), max_chars=1000, height=80)
        st.form_submit_button(_("Open the record"), type="primary", on_click=_break_glass)


def _break_glass() -> None:
    with errors.kept():
        typed = st.session_state
        teams = clinic.services().teams
        found = teams.break_glass(clinic.actor(), typed[_key("number")], typed[_key("reason")])
        places.go(places.Place(patient=str(found.patient.id)), "images")
        text = _("{person} is open to you until {when}.")
        when = dates.moment(found.ends_at)
        dialogs.finish(Notice(text.format(person=privacy.person(found.patient), when=when)))


def _add(patient: Patient, team: Team) -> None:
    names = {each.user_id: each.name for each in team.colleagues}
    if not names:
        st.markdown(_("Everybody who works here is in the care team already."))
        return
    st.markdown(_("Care team of **{person}**").format(person=words.literal(privacy.person(patient))))
    st.selectbox(
        _("Colleague"),
        list(names),
        index=None,
        format_func=lambda user_id: names[user_id],
        key=_key("colleague"),
        placeholder=_("Choose a person"),
    )
    st.button(_("Add"), key=_key("add"), type="primary", on_click=_join, args=(patient, names))


def _join(patient: Patient, names: dict[UUID, str]) -> None:
    with errors.kept():
        user_id: UUID | None = st.session_state[_key("colleague")]
        if user_id is None:
            raise Invalid(_("Choose a person first."))
        clinic.services().teams.add(clinic.actor(), patient.id, user_id)
        dialogs.finish(Notice(_("{name} is in the care team.").format(name=names[user_id])))


def _remove(patient: Patient, member: Member) -> None:
    text = _("**{name}** no longer sees the record of {person}, from this moment on.")
    person = words.literal(privacy.person(patient))
    st.markdown(text.format(name=words.literal(member.name), person=person))
    label = _("End it") if member.is_break_glass else _("Take out")
    dialogs.confirm(label, _leave, patient, member)


def _leave(patient: Patient, member: Member) -> None:
    with errors.kept():
        who = clinic.actor()
        clinic.services().teams.remove(who, patient.id, member.user_id)
        if member.user_id == who.user_id:
            places.go(places.Place())
        dialogs.finish(Notice(_("{name} is out of the care team.").format(name=member.name)))


def _key(*parts: object) -> str:
    return keys.key("team", *parts)
