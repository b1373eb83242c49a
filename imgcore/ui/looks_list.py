"""Who looked at a patient: the way to the list from the open patient, and the list with its receipts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import escape
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.looks import Look, told
from imgcore.domain.records import Patient
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, icons, keys, lists, privacy, words

PAGE_SIZE = 20
_ICON = "visibility"


def button(who: Actor, patient: Patient) -> None:
    """Draw the button that stands below the banner of the open patient."""
    if clinic.may(who, Action.LOOKS_SEE):
        st.button(
            _("Who looked"), key="looks-open", icon=f":material/{_ICON}:", type="tertiary", on_click=ask,
            args=(patient,),
        )  # fmt: skip


def icon(patient: Patient) -> None:
    """Draw the icon that stands in a patient's row."""
    name = words.literal(privacy.shown(patient.name))
    label = _("Who looked at {name}").format(name=name)
    icons.button(keys.key("looks", patient.id), _ICON, label, ask, patient, tip=_("Who looked"))


def ask(patient: Patient, image_id: UUID | None = None) -> None:
    """Ask for the list of a patient, or of one picture of theirs."""
    lists.first_page(_name(patient))
    dialogs.ask(_("Who looked"), _draw, patient, image_id)


def _heading(patient: Patient, image_id: UUID | None) -> None:
    st.markdown(f"**{words.literal(privacy.person(patient))}**", width="content")
    if image_id is not None:
        source = f"/api/images/{image_id}/thumbnail/"
        st.html(
            f'<img src="{source}" alt="{escape(_("The picture that was asked about"))}" height="64">',
            width="content",
        )


def _name(patient: Patient) -> str:
    return keys.key("looks", patient.id)


def _draw(patient: Patient, image_id: UUID | None) -> None:
    with errors.shown():
        turn = lists.turn(_name(patient), PAGE_SIZE)
        page = clinic.services().looks.of_patient(clinic.actor(), patient.id, turn, image_id)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            _heading(patient, image_id)
            _receipts(patient)
        with st.container(gap=None):
            for look in folded(map(_at_one, page.items) if image_id else page.items):
                _row(look)
        if not page.items:
            st.markdown(_("Nobody has looked at this yet."))
        lists.pages(page, _name(patient))


def _at_one(look: Look) -> Look:
    """Return a look as one at a single picture, however many others were in its list."""
    return replace(look, pictures=1, what=told(look.action, look.outcome, 1))


def folded(looks: Iterable[Look]) -> list[Look]:
    """Return the looks with those as one that somebody did one after the other.

    Pictures that were added are added up; what was looked at again is told once, when it was last.
    """
    found: list[Look] = []
    for look in looks:
        last = found[-1] if found else None
        same = last is not None and (last.person, last.action, last.outcome) == (
            look.person, look.action, look.outcome
        )  # fmt: skip
        if last is not None and same and look.action == Action.IMAGE_UPLOAD and look.outcome == "done":
            count = (last.pictures or 0) + (look.pictures or 0)
            found[-1] = replace(last, pictures=count, what=told(last.action, last.outcome, count))
        elif last is None or not same or last.what != look.what:
            found.append(look)
    return found


def _row(look: Look) -> None:
    with st.container(
        key=keys.key("row-look", look.id),
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        gap="small",
    ):
        st.markdown(f"**{words.literal(look.person.shown)}** {words.literal(look.what)}", width="content")
        st.caption(dates.moment(look.at), width="content")


def _receipts(patient: Patient) -> None:
    """Draw the links to all of it as a file."""
    kinds = {
        "pdf": (_("PDF"), ":material/picture_as_pdf:"),
        "csv": (_("CSV"), ":material/table:"),
    }
    with st.container(horizontal=True, width="content", gap="small"):
        for kind, (label, icon) in kinds.items():
            address = f"/api/patients/{patient.id}/looks/{kind}/"
            tip = _("Receipt of every line, as {kind}").format(kind=label)
            st.link_button(label, address, key=keys.key("looks", kind), icon=icon, help=tip)
