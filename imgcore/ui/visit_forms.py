"""The dialogs that add a visit, change its day or clinician, and assign a batch to one."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from imgcore.domain.records import Batch, Visit
from imgcore.domain.values import EARLIEST, BatchFields, NewVisit, VisitFields, parse
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, errors, keys, visit_link, visit_notes
from imgcore.ui.notices import Notice

_NONE, _NEW = "none", "new"
_OFFERED = 100


def add_button(patient_id: UUID) -> None:
    """Draw the button that opens the form for a new visit."""
    st.button(
        _("New visit"),
        key="new-visit",
        icon=":material/add:",
        type="primary",
        on_click=dialogs.ask,
        args=(_("New visit"), _new, patient_id),
    )


def ask_edit(visit: Visit) -> None:
    """Open the form with a visit's day and clinician; call it from ``on_click``."""
    dialogs.ask(_("Edit visit"), _edit, visit)


def ask_assign(batch: Batch) -> None:
    """Open the choice of the visit that a batch belongs to; call it from ``on_click``."""
    dialogs.ask(_("Assign to a visit"), _assign, batch)


def _new(patient_id: UUID) -> None:
    with st.form(_key("new"), border=False):
        _fields(None)
        st.form_submit_button(_("Create"), type="primary", on_click=_create, args=(patient_id,))


def _create(patient_id: UUID) -> None:
    with errors.kept():
        day, clinician = (st.session_state[_key(each, "new")] for each in ("day", "clinician"))
        new = parse(NewVisit, visited_on=day, clinician_id=clinician)
        visit = clinic.services().visits.create(clinic.actor(), patient_id, new)
        visit_link.open_visit(patient_id, visit.id)
        visit_notes.begin(visit)
        dialogs.finish(Notice(_("The visit was added. Write the note now.")))


def _edit(visit: Visit) -> None:
    with st.form(_key("edit"), border=False):
        _fields(visit)
        st.form_submit_button(_("Save"), type="primary", on_click=_save, args=(visit,))


def _save(visit: Visit) -> None:
    with errors.kept():
        day, clinician = (st.session_state[_key(each, visit.id)] for each in ("day", "clinician"))
        given = {"visited_on": day} | ({"clinician_id": clinician} if clinician else {})
        fields = parse(VisitFields, **given)
        visits = clinic.services().visits
        _saved, change_id = visits.edit(clinic.actor(), visit.id, fields, version=visit.version)
        visit_notes.follow(visit)
        dialogs.finish(Notice(_("Saved."), change_id))


def _fields(visit: Visit | None) -> None:
    owner = visit.id if visit else "new"
    who, people = clinic.actor(), clinic.services().visits.clinicians(clinic.actor())
    chosen = visit.clinician_id if visit else who.user_id
    if visit is not None and visit.clinician_id not in people and visit.clinician_id is not None:
        people[visit.clinician_id] = visit.clinician_name  # has left since
    st.date_input(
        _("Day"),
        visit.visited_on if visit else dates.today(),
        key=_key("day", owner),
        format=dates.PICKER,
        min_value=EARLIEST,
        max_value=max(dates.today(), visit.visited_on) if visit else dates.today(),
    )
    st.selectbox(
        _("Clinician"),
        list(people),
        list(people).index(chosen) if chosen in people else None,
        key=_key("clinician", owner),
        format_func=lambda each: people[each],
    )


def _assign(batch: Batch) -> None:
    visits = clinic.services().visits
    there = visits.list(clinic.actor(), batch.patient_id, Turn(page_size=_OFFERED)).items
    offered = {_NONE: _("No visit"), _NEW: _("A new visit on {day}").format(day=dates.day(batch.taken_on))}
    offered |= {str(each.id): _described(each) for each in there}
    options, now = list(offered), str(batch.visit_id)
    same_day = next((str(each.id) for each in there if each.visited_on == batch.taken_on), _NEW)
    st.selectbox(
        _("Visit"),
        options,
        options.index(now if now in offered else same_day),
        key=_key("of", batch.id),
        format_func=lambda each: offered[each],
    )
    st.button(_("Save"), key=_key("assign"), type="primary", on_click=_put, args=(batch,))


def _described(visit: Visit) -> str:
    return " · ".join(filter(None, (dates.day(visit.visited_on), visit.clinician_name)))


def _put(batch: Batch) -> None:
    with errors.kept():
        who, services, chosen = clinic.actor(), clinic.services(), st.session_state[_key("of", batch.id)]
        if chosen == _NEW:
            new = NewVisit(visited_on=batch.taken_on)
            chosen = str(services.visits.create(who, batch.patient_id, new).id)
        fields = BatchFields(visit_id=None if chosen == _NONE else UUID(chosen))
        saved, change_id = services.batches.edit(who, batch.id, fields, version=batch.version)
        if saved.visit_id is None:
            text = _("“{name}” belongs to no visit.").format(name=saved.name)
        else:
            visit = services.visits.get(who, saved.visit_id)
            text = _("“{name}”: {visit}.").format(name=saved.name, visit=visit_link.title(visit))
        dialogs.finish(Notice(text, change_id))


def _key(*parts: object) -> str:
    return keys.key("visit", *parts)
