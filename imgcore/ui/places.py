"""The place in the URL: which patient, batch and image a tab shows, and what it is filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NoReturn
from uuid import UUID

import streamlit as st

from imgcore.ui import keys


@dataclass(frozen=True)
class Place:
    """Where a tab is.

    ``patient`` is an id or an external id, ``filter`` is what was typed, ``view`` is "table" or "" for
    the grid; ``picture`` is a place in the image set ``set``, ``model`` what results are asked of.
    """

    patient: str | None = None
    batch: UUID | None = None
    visit: UUID | None = None
    image: UUID | None = None
    filter: str = ""
    view: str = ""
    set: UUID | None = None
    picture: int | None = None
    model: str = ""

    def as_query(self) -> dict[str, str]:
        """Return what stands in the URL."""
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class _Move:
    """Where a callback wants to go; the next run of the frame takes the tab there."""

    place: Place
    screen: str | None


def here() -> Place:
    """Return the place that the URL names; an id that is none is not a place."""
    found = st.query_params
    return Place(
        patient=found.get("patient") or None,
        batch=_id(found.get("batch")),
        visit=_id(found.get("visit")),
        image=_id(found.get("image")),
        filter=found.get("filter", ""),
        view="table" if found.get("view") == "table" else "",
        set=_id(found.get("set")),
        picture=_number(found.get("picture")),
        model=found.get("model", ""),
    )


def go(place: Place, screen: str | None = None) -> None:
    """Go to a place with the next run, on this screen or another; call it from a callback.

    The URL is not written here: Streamlit drops what a callback sends when a rerun follows it.
    """
    st.session_state[keys.MOVE] = _Move(place, screen)


def open_patient(ref: UUID | str) -> NoReturn:
    """Go to a patient's visits from the screen of visits, from all others to the images.

    Call it from a callback, also inside a fragment.
    """
    is_at_visits = st.session_state.get(keys.SCREEN) == "visits"
    go(Place(patient=str(ref)), "visits" if is_at_visits else "images")
    st.rerun()


def move(screen: str) -> tuple[Place, str]:
    """Return where this run is, and on which screen; the frame calls it once, first of all.

    A person who chooses another screen from the menu takes the place along.
    """
    wanted: _Move | None = st.session_state.pop(keys.MOVE, None)
    if wanted is not None and wanted.screen not in (None, screen):
        return wanted.place, wanted.screen or screen
    if wanted is not None:
        return _write(wanted.place), screen
    place, came_from = here(), st.session_state.get(keys.SCREEN)
    if not st.query_params.to_dict() and came_from not in (None, screen):
        known: Place = st.session_state.get(keys.PLACE, place)
        place = _write(Place(known.patient, known.batch, view=known.view))
    return _remember(place), screen


def leave() -> None:
    """Empty the place at once, because what it names is not to be found."""
    _write(Place())


def settle(screen: str) -> None:
    """Remember which screen this run is on."""
    st.session_state[keys.SCREEN] = screen


def tell(told: Mapping[str, str]) -> None:
    """Let these names stand in the URL beside others; an empty one is taken out."""
    for name, value in told.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _write(place: Place) -> Place:
    st.query_params.from_dict(place.as_query())
    return _remember(place)


def _remember(place: Place) -> Place:
    st.session_state[keys.PLACE] = place
    return place


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 9 else None
