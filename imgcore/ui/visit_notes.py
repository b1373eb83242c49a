"""The clinical note of a visit: shown as Markdown, and typed with care that no word is lost."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Visit
from imgcore.domain.values import VisitFields, parse
from imgcore.errors import Stale
from imgcore.texts import _
from imgcore.ui import clinic, errors, keys
from imgcore.ui.notices import Notice, keep

HEIGHT = 320  # CSS pixels
LONGEST = 20_000
# Sums of money are no formulas, "~3 cm" strikes nothing out, no picture is fetched from elsewhere,
# and a line ends where it was ended.
_LITERAL = re.compile(r"(?<!\\)\$|(?<![~\\])~(?!~)|(?<!\\)!(?=\[)")
_LINE_END = re.compile(r"(?<=\S)[ \t]*\n(?=\S)")


@dataclass(frozen=True)
class Typing:
    """That a note is being typed: ``version`` was seen by whoever types, ``key`` holds the text.

    ``met`` says that somebody else has saved in the meantime, and that this was shown.
    """

    version: int
    key: str
    met: bool = False


def draw(who: Actor, visit: Visit) -> None:
    """Draw the note, or the box in which it is typed."""
    typing = _now(visit)
    if typing is not None and clinic.may(who, Action.VISIT_EDIT):
        _editor(visit, typing)
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(_("Note"), anchor=False, width="content")
        if clinic.may(who, Action.VISIT_EDIT):
            st.button(
                _("Edit note") if visit.note else _("Write the note"),
                key="edit-note",
                icon=":material/edit:",
                type="tertiary",
                on_click=begin,
                args=(visit,),
            )
    if visit.note:
        with st.container(key="note"):
            st.markdown(markdown(visit.note))
    else:
        st.caption(_("There is no note yet."))


def begin(visit: Visit) -> None:
    """Start to type the note; call it from a callback."""
    st.session_state[_place(visit)] = Typing(visit.version, keys.key("note", visit.id, visit.version))


def follow(visit: Visit) -> None:
    """Go on typing after a change of one's own to day or clinician; call it from a callback."""
    typing = _now(visit)
    if typing is not None and typing.version == visit.version:
        st.session_state[_place(visit)] = replace(typing, version=visit.version + 1)


def markdown(note: str) -> str:
    """Return a note as Streamlit's Markdown shows it the way it was meant."""
    return _LINE_END.sub("  \n", _LITERAL.sub(r"\\\g<0>", note))


def _editor(visit: Visit, typing: Typing) -> None:
    st.subheader(_("Note"), anchor=False)
    if typing.met:
        _conflict(visit)
    st.text_area(
        _("Note"),
        visit.note,
        key=typing.key,
        height=HEIGHT,
        max_chars=LONGEST,
        label_visibility="collapsed",
        placeholder=_("What was said and seen. **bold**, - lists and # headings work."),
        persist_state="session",
    )
    with st.container(horizontal=True):
        st.button(
            _("Save mine instead") if typing.met else _("Save note"),
            key="save-note",
            type="primary",
            on_click=_save,
            args=(visit,),
        )
        st.button(_("Cancel"), key="cancel-note", on_click=_stop, args=(visit,))


def _conflict(visit: Visit) -> None:
    st.warning(
        _("Somebody else has changed this visit in the meantime. What you typed is still here."),
        icon=":material/merge:",
    )
    with st.expander(_("The note as it is now"), expanded=True):
        st.markdown(markdown(visit.note) or _("There is no note yet."))


def _save(visit: Visit) -> None:
    typing = _now(visit)
    if typing is None:
        return
    with errors.kept():
        fields = parse(VisitFields, note=st.session_state[typing.key])
        visits = clinic.services().visits
        try:
            _saved, change_id = visits.edit(clinic.actor(), visit.id, fields, version=typing.version)
        except Stale:
            seen = visits.get(clinic.actor(), visit.id).version
            st.session_state[_place(visit)] = replace(typing, version=seen, met=True)
            return
        _stop(visit)
        keep(Notice(_("The note is saved."), change_id))


def _stop(visit: Visit) -> None:
    st.session_state.pop(_place(visit), None)


def _now(visit: Visit) -> Typing | None:
    typing: Typing | None = st.session_state.get(_place(visit))
    return typing


def _place(visit: Visit) -> str:
    return keys.key("typing-note", visit.id)
