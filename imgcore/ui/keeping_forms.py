"""The dialogs for how long one patient's record is kept: own years, and legal hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import streamlit as st

from imgcore.domain.access import Action
from imgcore.domain.records import Patient
from imgcore.domain.retention import MOST_YEARS, Hold, KeptYears, NewHold
from imgcore.domain.values import parse
from imgcore.texts import _
from imgcore.ui import clinic, dates, dialogs, erasure_forms, errors, icons, keys, privacy, words
from imgcore.ui.notices import Notice


def icon(patient: Patient) -> None:
    """Draw the button that opens the dialog, for whoever may decide about it."""
    if not clinic.may(clinic.actor(), Action.RETENTION_EDIT):
        return
    name = words.literal(privacy.shown(patient.name))
    icons.button(
        keys.key("keeping", patient.id), "gavel", _("How long {name} is kept").format(name=name),
        dialogs.ask, _("How long this record is kept"), _keeping, patient,
        tip=_("Legal hold, own years, erasure"),
    )  # fmt: skip


def badge(patient: Patient) -> None:
    """Mark a patient whose record is held."""
    if patient.is_held:
        st.badge(_("Legal hold"), icon=":material/gavel:", color="orange", width="content")


def ask_lift(hold: Hold) -> None:
    """Ask before a hold is lifted; call it from ``on_click``."""
    dialogs.ask(_("Lift the legal hold?"), _lift, hold)


def facts(hold: Hold) -> str:
    """Return since when a hold stands, who set it, and why."""
    since = _("since {when}").format(when=dates.moment(hold.at))
    by = _("by {name}").format(name=hold.by_name) if hold.by_name else ""
    return " · ".join(filter(None, (" ".join(filter(None, (since, by))), hold.reason)))


def _keeping(patient: Patient) -> None:
    st.markdown(f"**{words.literal(privacy.person(patient))}**")
    hold = clinic.services().holds.of_patient(clinic.actor(), patient.id)
    if hold is not None:
        st.warning(words.literal(_("Legal hold {facts}").format(facts=facts(hold))), icon=":material/gavel:")
        st.button(
            _("Lift the legal hold"), key=_key("lift"), icon=":material/lock_open:", on_click=_turn_to,
            args=(ask_lift, hold),
        )  # fmt: skip
    else:
        with st.form(_key("hold"), border=False):
            st.text_area(
                _("Legal hold: why nothing of this patient may be removed"),
                key=_key("reason"),
                max_chars=2_000,
                height=80,
            )
            st.form_submit_button(_("Set the legal hold"), on_click=_hold, args=(patient,))
    with st.form(_key("years-form"), border=False):
        st.number_input(
            _("Own years after the last visit"),
            1,
            MOST_YEARS,
            patient.retention_years,
            key=_key("years", patient.id),
            placeholder=_("as the rules of the clinic say"),
        )
        st.form_submit_button(_("Save the years"), on_click=_keep, args=(patient,))
    if clinic.may(clinic.actor(), Action.PATIENT_ERASE):
        st.button(
            ":red[" + _("Erase this patient for good") + "]",
            key=_key("erase"),
            icon=":material/delete_forever:",
            disabled=hold is not None,
            on_click=_turn_to,
            args=(erasure_forms.ask, patient),
        )


def _turn_to(ask: Callable[..., None], found: Patient | Hold) -> NoReturn:
    """Go on from this dialog to the one that ``ask`` asks for."""
    ask(found)
    st.rerun()


def _hold(patient: Patient) -> None:
    with errors.kept():
        new = parse(NewHold, reason=st.session_state[_key("reason")])
        clinic.services().holds.set(clinic.actor(), patient.id, new)
        text = _("Nothing of {person} can be removed any more.").format(person=privacy.person(patient))
        dialogs.finish(Notice(text))


def _lift(hold: Hold) -> None:
    text = _("**{name}**: what is in the trash past its time goes for good with the next sweep.")
    st.markdown(text.format(name=words.literal(privacy.shown(hold.patient_name))))
    st.caption(words.literal(facts(hold)))
    dialogs.confirm(_("Lift the legal hold"), _free, hold)


def _free(hold: Hold) -> None:
    with errors.kept():
        clinic.services().holds.lift(clinic.actor(), hold.patient_id)
        dialogs.finish(Notice(_("The legal hold was lifted.")))


def _keep(patient: Patient) -> None:
    with errors.kept():
        kept = parse(KeptYears, years=st.session_state[_key("years", patient.id)])
        clinic.services().retention.keep(clinic.actor(), patient.id, kept)
        dialogs.finish(Notice(_("Saved: {person}.").format(person=privacy.person(patient))))


def _key(*parts: object) -> str:
    return keys.key("keeping", *parts)
