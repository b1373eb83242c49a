"""The viewer component: one picture large, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Batch
from imgcore.texts import _
from imgcore.ui.components import groups, labels, script, style

EVENTS = ("step", "close", "changed", "details", "looks", "results")
LEAFLET = "/assets/leaflet/leaflet-src.esm.js"


def viewer(
    batch: Batch,
    image_id: UUID,
    categories: CategorySet,
    *,
    key: str,
    revision: str,
    sides: Mapping[str, str],
    may_edit: bool,
    may_see_looks: bool,
    may_analyse: bool,
    on_event: Callable[[], None],
) -> Any:
    """Draw one image of a batch; stepping to the next needs no run of the page.

    The answer has ``step`` ({"id"}) when another image is shown, ``close``, ``details``
    ({"ids"}), ``looks`` and ``results`` ({"image"}), and ``changed`` when something was saved.
    """
    data = {
        "batch_id": str(batch.id),
        "image_id": str(image_id),
        "revision": revision,
        "may_edit": may_edit,
        "may_see_looks": may_see_looks,
        "may_analyse": may_analyse,
        "leaflet": LEAFLET,
        "groups": groups(categories),
        "labels": labels(categories),
        "sides": dict(sides),
        "locale": "en-GB",
        "texts": _texts() | _view_texts(),
    }
    callbacks: dict[str, Any] = {f"on_{name}_change": on_event for name in EVENTS}
    return _component()(key=key, data=data, **callbacks)


@cache
def _component() -> Any:
    return st.components.v2.component(
        "imgcore_viewer",
        css=_leaflet_style() + style("viewer/viewer.css"),
        js=script("viewer/picture.js", "viewer/viewer.js"),
    )


@cache
def _leaflet_style() -> str:
    spec = find_spec("xstatic.pkg.leaflet")
    folder = Path(spec.origin or "").parent if spec else Path()
    return (folder / "data" / "leaflet.css").read_text(encoding="utf-8") + "\n"


def _texts() -> dict[str, str]:
    return {
        "viewer": _("Picture"),
        "category": _("Category"),
        "primary": _("Primary"),
        "damaged": _("This file is damaged"),
        "not_primary": _("Primary image: take the mark away"),
        "make_primary": _("Make this the primary image"),
        "details": _("Edit details"),
        "looks": _("Who looked at this picture"),
        "results": _("Results of this picture"),
        "copy": _("Copy to the clipboard"),
        "copied": _("Copied to the clipboard"),
        "not_copied": _("This browser does not allow copying here."),
        "download": _("Download the original"),
        "trash": _("Move to the trash"),
        "trash_question": _("Move this image to the trash?"),
        "trashed": _("The image is in the trash."),
        "cancel": _("Cancel"),
        "close": _("Close"),
        "undo": _("Undo"),
        "undone": _("Undone"),
        "saved": _("Saved"),
        "offline": _("No connection; nothing was saved. Please try again."),
        "taken": _("taken {day}"),
        "uploaded": _("uploaded {day}"),
    }


def _view_texts() -> dict[str, str]:
    return {
        "view": _("View"),
        "previous": _("Previous image"),
        "next": _("Next image"),
        "place": _("{number} of {total}"),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "fit": _("Fit to the window"),
        "one_to_one": _("One to one"),
        "rotate": _("Turn the view"),
        "keep_zoom": _("Keep zoom and place when stepping"),
    }
