"""Who looks after the open patient: the care team on a screen, and the mark of an emergency access."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Member, Patient, Team
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, dates, errors, icons, keys, team_forms, words


def draw(who: Actor, patient: Patient) -> None:
    """Draw the care team of a patient, where the clinic works in teams."""
    if not team_forms.in_use(who):
        return
    with errors.shown():
        team = clinic.services().teams.of_patient(who, patient.id)
        with st.expander(_title(team), key=keys.key("team", patient.id), icon=":material/diversity_1:"):
            with st.container(gap=None):
                for member in team.members:
                    _row(who, patient, member)
            if clinic.may(who, Action.TEAM_EDIT) and _looks_after(who, team):
                st.button(
                    _("Add a colleague"),
                    key="add-member",
                    icon=":material/person_add:",
                    on_click=team_forms.ask_add,
                    args=(patient, team),
                )


def marks(members: Sequence[Member], user_id: UUID | None) -> list[str]:
    """Return what the banner says of emergency accesses that go on, one's own without a name."""
    return [
        _("Emergency access until {when}").format(when=_end(each))
        if each.user_id == user_id
        else _("Emergency access by {name} until {when}").format(name=each.name, when=_end(each))
        for each in members
    ]


def _title(team: Team) -> str:
    lasting = [each for each in team.members if each.is_active and not each.is_break_glass]
    emergencies = [each for each in team.members if each.is_active and each.is_break_glass]
    parts = [_("Care team"), ngettext("{count} person", "{count} people", len(lasting))]
    if emergencies:
        parts.append(_("emergency access"))
    return " · ".join(parts)


def _looks_after(who: Actor, team: Team) -> bool:
    """Tell whether this person changes the team: emergency access does, only when nobody else is left."""
    lasting = {each.user_id for each in team.members if each.is_active and not each.is_break_glass}
    return not lasting or who.user_id in lasting


def _row(who: Actor, patient: Patient, member: Member) -> None:
    with st.container(
        key=keys.key("row", member.user_id), horizontal=True, vertical_alignment="center", gap="small"
    ):
        with st.container(gap=None):
            you = f" ({_('you')})" if member.user_id == who.user_id else ""
            st.markdown(f"**{words.literal(member.name)}**{you}")
            st.caption(words.literal(_facts(member)))
        if member.is_break_glass:
            st.badge(_("emergency"), color="orange" if member.is_active else "gray")
        if member.is_active or not member.is_break_glass:
            label = _("Take {name} out of the care team").format(name=words.literal(member.name))
            icons.button(
                keys.key("red-leave", member.user_id), "person_remove", label,
                team_forms.ask_remove, patient, member, tip=_("Take out of the care team"),
            )  # fmt: skip


def _facts(member: Member) -> str:
    parts = [_("since {when}").format(when=dates.moment(member.joined_at))]
    if member.ends_at is not None:
        text = _("until {when}") if member.is_active else _("ended {when}")
        parts.append(text.format(when=_end(member)))
    elif not member.is_active:
        parts.append(_("account closed"))
    if member.reason:
        parts.append(member.reason)
    return " · ".join(parts)


def _end(member: Member) -> str:
    return dates.moment(member.ends_at or member.joined_at)
