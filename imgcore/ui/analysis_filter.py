"""The filter of the analyses, and the URL that holds it: a link to some results survives the sign-in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Actor, Role
from imgcore.domain.analyses import AnalysisFilter, Version
from imgcore.services.pages import LARGEST_PAGE, Turn
from imgcore.texts import _
from imgcore.ui import (
    analysis_words,
    clinic,
    dates,
    keys,
    opened,
    places,
    privacy,
    result_view,
    suggestions,
)

Part = Literal["history", "trends", "jobs"]
_NAMES = ("risk", "model", "from", "to", "region", "errors", "all", "part")
_WRITTEN = keys.key("analyses", "url")


def part(who: Actor) -> Part:
    """Draw the choice between results, their course and the jobs, and return what is chosen."""
    if who.role is Role.REVIEWER:
        return "history"
    _take_url()
    labels: dict[Part, str] = {
        "history": f":material/biotech: {_('Results')}",
        "trends": f":material/timeline: {_('Trends')}",
        "jobs": f":material/pending_actions: {_('Jobs')}",
    }
    chosen: Part = st.segmented_control(
        _("View"), list(labels), key=_key("part"), required=True, format_func=lambda each: labels[each],
        label_visibility="collapsed",
    ) or "history"  # fmt: skip
    _write_url({"part": "" if chosen == "history" else chosen})
    return chosen


def draw(who: Actor) -> AnalysisFilter | None:
    """Draw the widgets, keep what they say in the URL, and return it; None when no set was given.

    A reviewer chooses one of the image sets that were given to them, and no days.
    """
    is_reviewer = who.role is Role.REVIEWER
    set_id = _given_set(who) if is_reviewer else places.here().set
    if is_reviewer and set_id is None:
        return None
    _take_url()
    with st.container(key="analyses-filter", horizontal=True, vertical_alignment="bottom", gap="small"):
        risk = _choice("risk", _("Risk"), *_levels(who, set_id))
        region = _choice("region", _("Region"), suggestions.body_locations(), str, own=True)
        model = _choice("model", _("Model"), _models(who, set_id), str, width=250)
        from_on = None if is_reviewer else dates.box(_("From"), _key("from"))
        to_on = None if is_reviewer else dates.box(_("To"), _key("to"))
        with_errors = st.checkbox(_("With errors"), key=_key("errors"), width="content")
        patient = None if set_id is not None else _patient()
    told = {"risk": risk, "model": model, "region": region, "errors": "" if with_errors else "0"}
    _write_url(told | {"from": str(from_on or ""), "to": str(to_on or "")})
    analyser, _space, version = model.partition(" ")
    return AnalysisFilter(
        patient=patient,
        analyser=analyser or None,
        version=version or None,
        risk_level=risk or None,
        body_region=region or None,
        from_on=from_on,
        to_on=to_on,
        image_id=None if is_reviewer else places.here().image,
        image_set_id=set_id,
        with_errors=with_errors,
        zone=dates.zone_name(),
    )


def is_narrow(asked: AnalysisFilter) -> bool:
    """Tell whether somebody chose something that results may fail."""
    plain = AnalysisFilter(patient=asked.patient, image_set_id=asked.image_set_id, zone=asked.zone)
    return asked != plain


def clear() -> None:
    """Empty the filter, and leave a single picture; call it from ``on_click``."""
    for name in _NAMES:
        if name not in ("all", "part"):
            st.session_state[_key(name)] = _said(name, "")
    here = places.here()
    if here.image is not None:
        places.go(replace(here, image=None, model=""))


def widen() -> None:
    """Leave the one picture, or the image set, that the address asks for; call it from ``on_click``."""
    places.go(replace(places.here(), image=None, set=None))


def _patient() -> str | None:
    """Return the open patient, unless results of all are asked for."""
    found = opened.now()
    if found is None or places.here().image is not None:
        return None
    label = _("All patients, not only {person}").format(person=privacy.person(found.patient))
    all_of_them = st.checkbox(label, key=_key("all"), width="content")
    _write_url({"all": "1" if all_of_them else ""})
    return None if all_of_them else str(found.patient.id)


def _given_set(who: Actor) -> UUID | None:
    given = {
        each.id: each for each in clinic.services().image_sets.all(who, Turn(page_size=LARGEST_PAGE)).items
    }
    if not given:
        return None
    here = places.here()
    key = _key("set")
    st.session_state[key] = here.set if here.set in given else next(iter(given))
    chosen = st.selectbox(
        _("Image set"), list(given), key=key, format_func=lambda each: given[each].name, width=360,
        on_change=lambda: places.go(replace(here, set=st.session_state[key])),
    )  # fmt: skip
    return UUID(str(chosen))


def _levels(who: Actor, set_id: UUID | None) -> tuple[list[str], Callable[[str], str]]:
    """Return the usual risk levels and all others that results have, and what each is called."""
    found = clinic.services().analyses.levels(who, set_id)
    offered = list(dict.fromkeys((*analysis_words.RISKS, *found)))
    names = Counter(map(result_view.risk_name, offered))

    def said(level: str) -> str:
        name = result_view.risk_name(level)
        is_clear = level in analysis_words.RISKS or names[name] < 2
        return name if is_clear else _("{name} ({level})").format(name=name, level=level)

    return offered, said


def _models(who: Actor, set_id: UUID | None) -> list[str]:
    """Return the models that have results, each alone and with each of its versions."""
    found: tuple[Version, ...] = clinic.services().analyses.versions(who, set_id)
    names: dict[str, list[str]] = {}
    for each in found:
        names.setdefault(each.analyser, []).append(analysis_words.model(each.analyser, each.version))
    return [name for model, versions in names.items() for name in (model, *versions)]


def _choice(
    name: str,
    label: str,
    offered: list[str],
    said: Callable[[str], str],
    *,
    own: bool = False,
    width: int = 150,
) -> str:
    """Draw the choice of one or of none; what stands in the URL is among them."""
    chosen = st.session_state.get(_key(name))
    options = offered if chosen in (None, *offered) else [*offered, str(chosen)]
    found = st.selectbox(
        label, options, index=None, key=_key(name), accept_new_options=own, width=width,
        format_func=said, placeholder=_("All"),
    )  # fmt: skip
    return str(found or "").strip()


def _take_url() -> None:
    """Set the widgets to what the URL says, unless the URL says what they said last."""
    told = {name: st.query_params.get(name, "") for name in _NAMES}
    is_new = st.session_state.get(_WRITTEN) != told
    for name in _NAMES:
        if is_new or _key(name) not in st.session_state:
            st.session_state[_key(name)] = _said(name, told[name])
    st.session_state[_WRITTEN] = told


def _said(name: str, text: str) -> object:
    if name in ("from", "to"):
        return dates.past(text)
    if name == "errors":
        return text != "0"
    if name == "all":
        return bool(text)
    if name == "part":
        return text if text in ("history", "trends", "jobs") else "history"
    return text.strip() or None


def _write_url(chosen: dict[str, str]) -> None:
    told: dict[str, str] = {name: st.query_params.get(name, "") for name in _NAMES} | chosen
    places.tell(told)
    st.session_state[_WRITTEN] = told


def _key(name: str) -> str:
    return keys.key("analyses", name)
