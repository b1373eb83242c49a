"""The list of a patient's visits, the newest first."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Visit
from imgcore.texts import _
from imgcore.ui import clinic, dates, heading, keys, lists, thumbnails, visit_forms, visit_link, words
from imgcore.ui.opened import Opened

PAGE_SIZE = 20
_NOTE_LENGTH = 140
_MARKS = re.compile(r"^\s*[-*+>]\s+|[*#`]")


def draw(who: Actor, found: Opened) -> None:
    """Draw the list, or the way to the first visit."""
    name = keys.key("visits", found.patient.id)
    page = clinic.services().visits.list(who, found.patient.id, lists.turn(name, PAGE_SIZE))
    may_add = clinic.may(who, Action.VISIT_CREATE)
    facts = words.visits(page.total) if page.total else ""
    heading.draw(_("Visits"), facts, (lambda: visit_forms.add_button(found.patient.id)) if may_add else None)
    if not page.total:
        st.markdown(_("There are no visits yet. A visit keeps the note of a day beside its photographs."))
    with st.container(gap=None):
        for visit in page.items:
            _row(visit)
    lists.pages(page, name)


def _row(visit: Visit) -> None:
    with st.container(
        key=keys.key("row-visit", visit.id), horizontal=True, vertical_alignment="center", wrap=False
    ):
        with st.container(gap=None):
            st.button(
                f"**{dates.day(visit.visited_on)}** :small[{words.literal(facts(visit))}]",
                key=keys.key("name-visit", visit.id),
                type="tertiary",
                icon=":material/stethoscope:",
                on_click=visit_link.open_visit,
                args=(visit.patient_id, visit.id),
            )
            if visit.note:
                st.html(f'<p class="imgcore-excerpt">{escape(_excerpt(visit.note))}</p>')
        st.html(thumbnails.strip(visit.cover_ids, visit_link.title(visit)), width="content")


def facts(visit: Visit) -> str:
    """Return "Vera Lang · 3 images"."""
    return " · ".join(filter(None, (visit.clinician_name, words.images(visit.image_count))))


def _excerpt(note: str) -> str:
    """Return how a note begins, its lines one after the other and without their marks."""
    lines = (" ".join(_MARKS.sub("", line).split()) for line in note.splitlines())
    plain = " · ".join(line for line in lines if line)
    return plain if len(plain) <= _NOTE_LENGTH else f"{plain[:_NOTE_LENGTH].rstrip()} …"
