"""What a model said of one or two places or views of a patient in the course of time: lines and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.analyses import CAPTURE_QUALITY, Trend, TrendPoint
from imgcore.domain.categories import DEFAULT_CODE
from imgcore.texts import _, ngettext
from imgcore.ui import (
    analysis_words,
    clinic,
    dashboard_charts,
    dates,
    keys,
    opened,
    places,
    result_view,
    suggestions,
    words,
)

if TYPE_CHECKING:
    import pandas as pd

_MOST_LINES = 4
_MOST_ROWS, _ROW, _HEADER = 6, 64, 38  # rows of the table that are seen at once, CSS pixels


def draw(who: Actor) -> None:
    """Draw the course that is chosen, and one beside it, of the patient who is open."""
    found = opened.now()
    if found is None:
        st.markdown(_("Open a patient to see how results changed in the course of time."))
        st.button(
            _("Find a patient"), key="to-patients", on_click=places.go, args=(places.Place(), "patients")
        )
        return
    with st.spinner(_("Reading the results …")):
        trends = clinic.services().comparisons.trends(who, found.patient.id)
    if not trends:
        st.markdown(_("No picture of this patient has a result that can be shown yet."))
        st.button(
            _("Go to the images"), key="to-images", on_click=places.go,
            args=(places.Place(patient=str(found.patient.id)), "images"),
        )  # fmt: skip
        return
    ordered = sorted(
        trends, key=lambda each: (each.analyser == CAPTURE_QUALITY, _is_bare(each), -len(each.points))
    )
    named = {_named(each): each for each in ordered}
    with st.container(horizontal=True, gap="small"):
        first = _choice(_("Place or view, and model"), "trend", named, next(iter(named)))
        others = {each: trend for each, trend in named.items() if each != first}
        second = _choice(_("Beside it"), "beside", others, None) if others else None
    chosen = [named[each] for each in (first, second) if each is not None]
    for number, (trend, place) in enumerate(zip(chosen, st.columns(len(chosen)), strict=True)):
        with place:
            _trend(trend, number, _span(chosen))


def name(trend: Trend) -> str:
    """Return what a course is of: "Heel · Left · Clinical photo · skin-check, 3 photographs"."""
    side = suggestions.sides()[trend.laterality] if trend.laterality else ""
    view = _("neither place nor view named") if _is_bare(trend) else trend.category_label
    about = " · ".join(filter(None, (trend.body_location, side, view, trend.analyser)))
    count = ngettext("{count} photograph", "{count} photographs", len(trend.points))
    return _("{about}, {count}").format(about=about, count=count)


def _is_bare(trend: Trend) -> bool:
    """Tell whether the photographs have nothing in common but that nobody said what they show."""
    return not trend.body_location and trend.category == DEFAULT_CODE


def _named(trend: Trend) -> str:
    """Return how a course is named in the URL."""
    return "~".join((trend.body_location, trend.laterality, trend.category, trend.analyser))


def _choice(label: str, part: str, named: Mapping[str, Trend], usual: str | None) -> str | None:
    """Draw the choice of a course, and keep in the URL what is not the usual one."""
    key, written = keys.key("trend", part), keys.key("trend", "url", part)
    told = st.query_params.get(part, "")
    is_new = st.session_state.get(written) != told
    if is_new or st.session_state.get(key, "") not in (*named, *([] if usual else [None])):
        st.session_state[key] = told if told in named else usual
    chosen: str | None = st.selectbox(
        label, list(named), index=0 if usual else None, key=key, width=480, placeholder=_("None"),
        format_func=lambda each: name(named[each]),
    )  # fmt: skip
    if chosen and chosen != usual:
        st.query_params[part] = chosen
    else:
        st.query_params.pop(part, None)
    st.session_state[written] = st.query_params.get(part, "")
    return chosen


def _span(chosen: Sequence[Trend]) -> tuple[date, date] | None:
    """Return the first and the last day of all courses, so that they stand beside each other to scale."""
    days = [point.on for trend in chosen for point in _shown(trend)]
    return (min(days), max(days)) if len(set(days)) > 1 else None


def _trend(trend: Trend, number: int, span: tuple[date, date] | None) -> None:
    with st.container(key=keys.key("trend-card", number), border=True, gap="small"):
        st.subheader(words.literal(name(trend)), anchor=False)
        said = summary(trend)
        st.caption(f"{words.literal(said)} **{_('Not a diagnosis')}**")
        shown = _shown(trend)
        if len(shown) < len(trend.points):
            text = _("Results that wait for your own impression are left out of the chart.")
            st.caption(text)
        if len({point.result.analyser_version for point in shown}) > 1:
            st.caption(_("More than one version of the model looked at these: a step may come from that."))
        if shown:
            dashboard_charts.course(
                lines(trend), span=span, alt_text=said, name=keys.key("trend-chart", number)
            )
        frame = _table(trend)
        st.dataframe(
            frame, hide_index=True, row_height=_ROW, height=min(len(frame), _MOST_ROWS) * _ROW + _HEADER,
            alt=name(trend), key=keys.key("trend-table", number),
            column_config={_("Picture"): st.column_config.ImageColumn(width=_ROW + 16, pinned=True)},
        )  # fmt: skip


def summary(trend: Trend) -> str:
    """Return in one sentence from what to what the newest label, or the quality, went."""
    shown = _shown(trend)
    if not shown:
        return _("All of these results wait for your own impression.")
    first, last = shown[0], shown[-1]
    if len(shown) == 1:
        text = _("One photograph of {day}: {said}.")
        return text.format(day=dates.day(first.on), said=analysis_words.said(first.result))
    text = _("From {first} on {first_day} to {last} on {last_day}.")
    return text.format(
        first=analysis_words.said(first.result), first_day=dates.day(first.on),
        last=analysis_words.said(last.result), last_day=dates.day(last.on),
    )  # fmt: skip


def _shown(trend: Trend) -> list[TrendPoint]:
    return [point for point in trend.points if not point.result.is_hidden]


def _labels(trend: Trend) -> list[str]:
    """Return the labels that get a line: those that were the likeliest most often."""
    shown = [point.result for point in _shown(trend)]
    if trend.analyser == CAPTURE_QUALITY:
        return sorted({label for each in shown for label in each.predictions})[:_MOST_LINES]
    often = Counter(each.label for each in shown)
    return [label for label, _count in often.most_common(_MOST_LINES)]


def lines(trend: Trend) -> pd.DataFrame:
    """Return the points of the chart."""
    import pandas as pd

    labels = _labels(trend)
    cells = [
        (point.on.isoformat(), dates.day(point.on), result_view.plain(label),
         round(100 * point.result.predictions[label]))
        for point in _shown(trend)
        for label in labels
        if label in point.result.predictions  # of some records that were kept elsewhere only a few are known
    ]  # fmt: skip
    return pd.DataFrame(cells, columns=["on", "day", "label", "score"])


def _table(trend: Trend) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for point in trend.points:
        result = point.result
        risk = result_view.risk_name(result.risk_level) if result.risk_level else ""
        scores = ", ".join(
            f"{result_view.plain(label)} {analysis_words.percent(score)}"
            for label, score in analysis_words.scores(result)
        )
        rows.append(
            {
                _("Picture"): f"/api/images/{result.image_id}/thumbnail/",
                _("Taken on"): dates.day(point.on),
                _("Result"): analysis_words.title(result),
                _("Scores"): scores,
                _("Risk level"): risk,
                _("Model"): analysis_words.model(result.analyser, result.analyser_version),
            }
        )
    return pd.DataFrame(rows)
