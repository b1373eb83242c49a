"""Dashboard: how many pictures there are, of what, from whom, how good, and what models said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.statistics import OF_SETS, Asked, Figure, Table
from imgcore.texts import _
from imgcore.ui import clinic, dashboard, dashboard_filter, dates, heading, places

# Rows of stacks.
_ROWS = (
    ((Figure.CATEGORIES, Figure.FORMATS), (Figure.CLINICIANS, Figure.PATIENTS)),
    ((Figure.QUALITY,),),
    ((Figure.RISKS,), (Figure.AGREEMENT,)),
    ((Figure.FAILURES,),),
)
# What there can be on days without a new image.
_WITHOUT_IMAGES = (Figure.QUALITY, Figure.RISKS, Figure.AGREEMENT, Figure.FAILURES)


def main() -> None:
    """Draw the filter, how much there is in all, and the figures, each as soon as it is counted."""
    who = clinic.actor()
    heading.draw(_("Dashboard"))
    asked = dashboard_filter.draw(who)
    if asked is None:
        st.markdown(_("No image set has been given to you yet."))
        st.button(_("Look again"), key="look-again", icon=":material/refresh:")
    elif asked.set_id is not None:
        st.caption(_("Patients stand under their pseudonyms of this set; days and colleagues are not told."))
        _figures(who, asked, OF_SETS)
    else:
        _of_clinic(who, asked)


def _of_clinic(who: Actor, asked: Asked) -> None:
    total = st.empty()
    count = clinic.services().statistics.table
    with st.spinner(_("Counting …")):
        growth = count(who, Figure.GROWTH, asked)
    if not growth.rows:
        _empty(who, asked)
        others = {each: count(who, each, asked) for each in _WITHOUT_IMAGES}
        others = {each: table for each, table in others.items() if table.rows}
        _figures(who, asked, tuple(others), others)
        return
    said = _("As of {time}. What lies in the trash is left out.")
    st.caption(said.format(time=dates.moment(growth.at)))
    dashboard.figure(who, Figure.GROWTH, asked, growth)
    formats = count(who, Figure.FORMATS, asked)
    with total.container():
        dashboard.numbers(growth, formats)
    _figures(who, asked, tuple(Figure), {Figure.FORMATS: formats})


def _figures(
    who: Actor, asked: Asked, told: Sequence[Figure], known: Mapping[Figure, Table] | None = None
) -> None:
    """Draw the figures below the first one; ``known`` are counted."""
    for row in _ROWS:
        stacks = [[figure for figure in stack if figure in told] for stack in row]
        for place, stack in zip(st.columns(len(row)), stacks, strict=True):
            with place:
                for figure in stack:
                    dashboard.figure(who, figure, asked, (known or {}).get(figure))


def _empty(who: Actor, asked: Asked) -> None:
    if asked.from_on or asked.to_on or asked.patient_ref:
        st.markdown(_("Nothing was added in these days, or for this patient."))
        st.button(_("Clear the filter"), key="dashboard-clear", on_click=dashboard_filter.clear)
    elif clinic.may(who, Action.IMAGE_UPLOAD):
        st.markdown(_("There are no images to count yet."))
        st.button(_("Go to the images"), key="to-images", on_click=places.go, args=(places.Place(), "images"))


main()
