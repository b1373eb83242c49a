"""What a model said of one place or view of a patient in the course of time: a line, and its table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.analyses import CAPTURE_QUALITY, Trend
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
    words,
)

if TYPE_CHECKING:
    import pandas as pd

_MOST_LINES = 4
_MOST_ROWS, _ROW, _HEADER = 8, 35, 38  # rows of the table that are seen at once, CSS pixels


def draw(who: Actor) -> None:
    """Draw the course that is chosen, of the patient who is open."""
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
    ordered = sorted(trends, key=lambda each: (each.analyser == CAPTURE_QUALITY, -len(each.points)))
    chosen = st.selectbox(
        _("Place or view, and model"),
        range(len(ordered)),
        key=keys.key("trend", found.patient.id),
        format_func=lambda number: name(ordered[number]),
        width=480,
    )
    _trend(ordered[chosen or 0])


def name(trend: Trend) -> str:
    """Return what a course is of: "Left heel · Clinical photo · skin-check, 3 photographs"."""
    about = " · ".join(filter(None, (trend.body_location, trend.category_label, trend.analyser)))
    count = ngettext("{count} photograph", "{count} photographs", len(trend.points))
    return _("{about}, {count}").format(about=about, count=count)


def _trend(trend: Trend) -> None:
    with st.container(key="trend", border=True, gap="small"):
        st.subheader(words.literal(name(trend)), anchor=False)
        said = summary(trend)
        st.caption(f"{words.literal(said)} **{_('Not a diagnosis')}**")
        shown = [point for point in trend.points if not point.result.is_hidden]
        if len(shown) < len(trend.points):
            text = _("Results that wait for your own impression are left out of the chart.")
            st.caption(text)
        if shown:
            dashboard_charts.course(_lines(trend), alt_text=said, name="trend-chart")
        frame = _table(trend)
        st.dataframe(
            frame, hide_index=True, row_height=_ROW, height=min(len(frame), _MOST_ROWS) * _ROW + _HEADER,
            alt=name(trend),
        )  # fmt: skip


def summary(trend: Trend) -> str:
    """Return in one sentence from what to what the newest label, or the quality, went."""
    shown = [point for point in trend.points if not point.result.is_hidden]
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


def _labels(trend: Trend) -> list[str]:
    """Return the labels that get a line: those that were the likeliest most often."""
    shown = [point.result for point in trend.points if not point.result.is_hidden]
    if trend.analyser == CAPTURE_QUALITY:
        return sorted({label for each in shown for label in each.predictions})[:_MOST_LINES]
    often = Counter(each.label for each in shown)
    return [label for label, _count in often.most_common(_MOST_LINES)]


def _lines(trend: Trend) -> pd.DataFrame:
    import pandas as pd

    labels = _labels(trend)
    cells = [
        (point.on.isoformat(), dates.day(point.on), result_view.plain(label),
         round(100 * point.result.predictions.get(label, 0.0)))
        for point in trend.points
        if not point.result.is_hidden
        for label in labels
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
                _("Taken on"): dates.day(point.on),
                _("Result"): analysis_words.title(result),
                _("Scores"): scores,
                _("Risk level"): risk,
                _("Model"): analysis_words.model(result.analyser, result.analyser_version),
            }
        )
    return pd.DataFrame(rows)
