"""The history of results: cards with what can be done about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import AnalysisFilter
from imgcore.domain.records import Patient, Result
from imgcore.texts import _
from imgcore.ui import analysis_cards, clinic, dialogs, errors, keys, lists, places, result_card
from imgcore.ui.notices import Notice, keep

PAGE_SIZE = 20
_NAME = "analyses"


def draw(who: Actor, asked: AnalysisFilter) -> bool:
    """Draw a page of the results that are asked for, and tell whether there are any."""
    with st.spinner(_("Reading the results …")):
        page = clinic.services().analyses.list(who, asked, lists.step(_NAME, asked, PAGE_SIZE))
        named = {} if asked.patient is not None else _named(who, page.items)
    cards(who, page.items, named)
    if page.items:
        lists.steps(page, _NAME)
    return bool(page.items)


def cards(
    who: Actor, results: Sequence[Result], named: Mapping[UUID, Patient], *, has_buttons: bool = True
) -> None:
    """Draw results, the name of the patient on those of ``named``."""
    analysis_cards.styles()
    impressions = analysis_cards.impressions_of(who, results)
    asked_about = set[UUID | None]()  # one impression of a picture opens all of its results
    for each in results:
        with st.container(key=keys.key("analysis-card", each.id), border=True, gap="small"):
            noted = impressions.get(each.image_id, ()) if each.image_id is not None else ()
            patient = named.get(each.patient_id) if each.patient_id is not None else None
            analysis_cards.body(each, patient, noted)
            waits = each.is_hidden and each.error is None and clinic.may(who, Action.IMPRESSION_ADD)
            if waits and each.image_id not in asked_about:
                asked_about.add(each.image_id)
                analysis_cards.ask_impression(each)
            if has_buttons:
                _buttons(who, each)


def _named(who: Actor, results: Sequence[Result]) -> dict[UUID, Patient]:
    ids = {each.patient_id for each in results if each.patient_id is not None}
    if not ids or not clinic.may(who, Action.PATIENT_SEE):
        return {}
    return {each.id: each for each in clinic.services().patients.some(who, ids)}


def _buttons(who: Actor, result: Result) -> None:
    with st.container(horizontal=True, gap="small"):
        if analysis_cards.picture_address(result):
            _button(result, "open", _("Open the picture"), ":material/open_in_new:", _open)
        if result.error is not None and clinic.may(who, Action.RESULT_RUN) and result.image_id is not None:
            _run_again(result)
        if clinic.may(who, Action.RESULT_RELEASE) and not result.is_hidden:
            if result.released_at is not None:
                _button(result, "take-back", _("Take back"), ":material/undo:", ask_take_back)
            elif result.predictions:
                _button(result, "release", _("Release to the patient"), ":material/send:", ask_release)


def _button(result: Result, name: str, label: str, icon: str, act: Callable[[Result], None]) -> None:
    st.button(
        label, key=keys.key("analysis", name, result.id), icon=icon, type="tertiary", on_click=act,
        args=(result,),
    )  # fmt: skip


def _open(result: Result) -> None:
    """Go on to the picture: in its batch, or in the image set that it was given in."""
    with errors.kept():
        if result.image_set_id is not None:
            places.go(places.Place(set=result.image_set_id, picture=result.place), "sets")
        elif result.image_id is not None:
            image = clinic.services().images.get(clinic.actor(), result.image_id)
            place = places.Place(str(result.patient_id), image.batch_id, image=image.id)
            places.go(place, "images")


def _run_again(result: Result) -> None:
    """Draw the button that lets the model look once more, which may take it a while."""
    key = keys.key("analysis", "again", result.id)
    if st.button(_("Run again"), key=key, icon=":material/replay:", type="tertiary"):
        with errors.kept(), st.spinner(_("The model looks at it again …")):
            told = clinic.services().analyses.run_again(clinic.actor(), result.id)
            keep(Notice(_("It failed again.") if told.error is not None else _("There is a result now.")))
        st.rerun()


def ask_release(result: Result) -> None:
    """Ask before a patient sees a result; call it from ``on_click``."""
    dialogs.ask(_("Release this result to the patient?"), _release, result)


def ask_take_back(result: Result) -> None:
    """Ask before a patient sees a result no longer; call it from ``on_click``."""
    dialogs.ask(_("Take this result back?"), _take_back, result)


def _release(result: Result) -> None:
    result_card.draw(result)
    st.markdown(
        _("The patient will find it like this under “My results”. Impressions of clinicians are not shown to "
          "patients.")
    )  # fmt: skip
    _decide(_("Release"), ":material/send:", _do_release, result)


def _take_back(result: Result) -> None:
    result_card.draw(result)
    st.markdown(_("The patient no longer finds it, from now on. It can be released again."))
    _decide(_("Take back"), ":material/undo:", _do_take_back, result)


def _decide(label: str, icon: str, act: Callable[[Result], None], result: Result) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Cancel"), key=keys.key("dialog", "cancel"), on_click=dialogs.cancel)
        st.button(
            label, key=keys.key("dialog", "confirm"), type="primary", icon=icon, on_click=act, args=(result,)
        )


def _do_release(result: Result) -> None:
    with errors.kept():
        clinic.services().results.release(clinic.actor(), result.id)
        dialogs.finish(Notice(_("The patient sees this result now.")))


def _do_take_back(result: Result) -> None:
    with errors.kept():
        clinic.services().results.take_back(clinic.actor(), result.id)
        dialogs.finish(Notice(_("The patient no longer sees this result.")))
