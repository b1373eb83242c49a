"""The charts of the dashboard: one blue for what is there, orange for what needs a look, words beside bars.

Days are written out by the program and not by the chart, which would shift them to another time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.texts import _

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

BLUE, ORANGE, GREY = "#2f6fde", "#c27a12", "#8592a0"
LINES = (BLUE, ORANGE, "#3a9188", "#8d5fb0")  # they are told apart by their dashes too
# As in the badges of results; they differ in lightness too, for whoever cannot tell green from red.
RISKS = {"low": "#3fae68", "moderate": "#e2a33b", "medium": "#e2a33b", "high": "#b42323"}
_ROW, _LINE, _HEIGHT, _LEGEND, _SMALL = 26, 14, 200, 60, 170  # CSS pixels
_FEW, _BROAD = 8, 32  # bars over time that would each fill a good part of the chart, and how broad they are
_ROUND = 2
_EXTENT = 30  # room for the numbers beside a chart, so that charts one upon the other begin alike
_ROOM = 1.35  # how many times as long as the longest bar a chart is, for the words at its end
_EVEN = ("0.0", "0.2", "0.4", "0.6", "0.8")


def in_time(
    frame: pd.DataFrame, *, parts: Mapping[str, str], unit: str, step: str, alt_text: str, name: str
) -> None:
    """Draw bars over time, one upon the other; ``frame`` has ``period``, ``part`` and ``count``.

    ``parts`` are the words for each part with its colour; with one of them no legend is needed.
    """
    import altair as alt

    order = list(dict.fromkeys(frame["period"]))
    colours = alt.Scale(domain=list(parts), range=list(parts.values()))
    legend = alt.Legend(orient="top", title=None, symbolType="square", columns=2) if len(parts) > 1 else None
    chart = (
        alt.Chart(frame)
        .mark_bar(strokeWidth=0, size=_BROAD if len(order) <= _FEW else alt.Undefined)
        .encode(
            x=alt.X("period:O", sort=order, title=step, axis=_periods()),
            y=alt.Y("sum(count):Q", title=unit, axis=_numbers()),
            color=alt.Color("part:N", scale=colours, legend=legend),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("period:O", title=step),
                alt.Tooltip("part:N", title=" "),
                alt.Tooltip("count:Q", title=unit, format=","),
            ],
        )
    )
    _show(chart, _HEIGHT + (_LEGEND if legend else 0), alt_text, name)


def ranked(frame: pd.DataFrame, *, unit: str, alt_text: str, name: str) -> None:
    """Draw a bar for each row of ``name``, ``count``, ``shown`` and ``colour``, with its words at its end.

    A name may have several lines.
    """
    import altair as alt

    widest = float(frame["count"].max()) or 1.0
    further = int(frame["name"].str.count("\n").max()) * _LINE  # of the names that have most lines
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "name:N",
            sort=None,
            title=None,
            axis=alt.Axis(
                labelExpr="split(datum.label, '\\n')",
                labelOffset=-further / 2,
                labelLimit=150,
                ticks=False,
                domain=False,
                labelOverlap=False,
            ),
        ),
        x=alt.X("count:Q", title=unit, axis=None, scale=alt.Scale(domain=[0, widest * _ROOM])),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("shown:N", title=unit)],
    )
    bars = base.mark_bar(size=16, cornerRadiusEnd=_ROUND).encode(color=alt.Color("colour:N", scale=None))
    words = base.mark_text(align="left", dx=5, color=_text_colour()).encode(text="shown:N")
    _show(bars + words, len(frame) * (_ROW + further) + 10, alt_text, name)


def spread(frame: pd.DataFrame, *, title: str, unit: str, alt_text: str, name: str, poor: float) -> None:
    """Draw how often each tenth of a score occurs; what is below ``poor`` needs a look."""
    import altair as alt

    colour = alt.condition(f"datum.at_least < {poor}", alt.value(ORANGE), alt.value(BLUE))
    chart = (
        alt.Chart(frame)
        .mark_bar(strokeWidth=0)
        .encode(
            x=alt.X("band:O", sort=None, title=title, axis=alt.Axis(labelAngle=0, values=_EVEN)),
            y=alt.Y("count:Q", title=unit, axis=_numbers(3)),
            color=colour,
            tooltip=[alt.Tooltip("band:O", title=title), alt.Tooltip("count:Q", title=unit, format=",")],
        )
    )
    _show(chart, _SMALL, alt_text, name)


def course(frame: pd.DataFrame, *, span: tuple[date, date] | None, alt_text: str, name: str) -> None:
    """Draw a line for each label over the days; ``frame`` has ``on``, ``day``, ``label`` and ``score`` in %.

    ``span`` are the days from which to which it goes; without it those of ``frame``.
    Days are read and written as UTC, so that no time zone shifts them.
    """
    import altair as alt

    labels = list(dict.fromkeys(frame["label"]))
    colours = alt.Scale(domain=labels, range=list(LINES))
    legend = alt.Legend(orient="top", title=None, columns=1, symbolType="stroke") if labels[1:] else None
    days = alt.Axis(format="%-d %b %Y", labelOverlap="greedy", tickCount=6, grid=False)
    ends = [alt.DateTime(year=on.year, month=on.month, date=on.day, utc=True) for on in span or ()]
    chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=60), strokeWidth=2)
        .encode(
            x=alt.X(
                "on:T",
                title=_("Taken on"),
                axis=days,
                scale=alt.Scale(type="utc", padding=20, domain=ends or alt.Undefined),
            ),
            y=alt.Y(
                "score:Q",
                title=_("Score in %"),
                scale=alt.Scale(domain=[0, 100]),
                axis=alt.Axis(values=[0, 25, 50, 75, 100], domain=False),
            ),
            color=alt.Color("label:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("label:N", legend=None, scale=alt.Scale(domain=labels)),
            tooltip=[
                alt.Tooltip("day:N", title=_("Taken on")),
                alt.Tooltip("label:N", title=_("Label")),
                alt.Tooltip("score:Q", title=_("Score in %")),
            ],
        )
    )
    _show(chart, _HEIGHT + (2 * _LEGEND if legend else 0), alt_text, name)


def _show(chart: alt.Chart | alt.LayerChart, height: int, alt_text: str, name: str) -> None:
    sized = chart.properties(height=height).configure_view(strokeWidth=0)
    st.altair_chart(sized, width="stretch", alt=alt_text, key=name)


def _periods() -> alt.Axis:
    import altair as alt

    return alt.Axis(labelAngle=0, labelOverlap="greedy", ticks=False, labelSeparation=12)


def _numbers(count: int = 4) -> alt.Axis:
    import altair as alt

    return alt.Axis(tickCount=count, tickMinStep=1, format="~s", domain=False, minExtent=_EXTENT)


def _text_colour() -> str:
    """Return the colour of words in a chart; the theme gives none to marks."""
    kind = "dark" if st.context.theme.type == "dark" else "light"
    return str(st.get_option(f"theme.{kind}.textColor"))
