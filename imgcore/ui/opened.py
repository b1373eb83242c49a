"""The patient that a tab has open, looked up once in each run and shared by frame and screen."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Counts, Member, Patient
from imgcore.errors import NotFound
from imgcore.ui import clinic, errors, keys, places
from imgcore.ui.places import Place


@dataclass(frozen=True)
class Opened:
    """The open patient with what is kept of them, and who has emergency access, now."""

    patient: Patient
    counts: Counts
    emergencies: tuple[Member, ...] = ()


def look_up(who: Actor, place: Place) -> Opened | None:
    """Find the patient of this place; what cannot be found is said, and leaves the URL."""
    found: Opened | None = None
    with errors.kept():
        try:
            found = _find(who, place)
        except NotFound:
            places.leave()
            raise
    st.session_state[keys.OPENED] = found
    return found


def now() -> Opened | None:
    """Return what the frame found at the start of this run."""
    found: Opened | None = st.session_state.get(keys.OPENED)
    return found


def _find(who: Actor, place: Place) -> Opened | None:
    ref = str(who.patient_id) if who.patient_id else place.patient
    services = clinic.services()
    if ref is None and place.batch is not None:
        ref = str(services.batches.get(who, place.batch).patient_id)
    if ref is None and place.visit is not None and clinic.may(who, Action.VISIT_SEE):
        ref = str(services.visits.get(who, place.visit).patient_id)
    if ref is None or not clinic.may(who, Action.PATIENT_SEE):
        return None
    patient, counts = services.patients.get(who, ref), services.patients.counts(who, ref)
    sees_team = clinic.may(who, Action.TEAM_SEE)
    return Opened(patient, counts, services.teams.emergencies(who, patient.id) if sees_team else ())
