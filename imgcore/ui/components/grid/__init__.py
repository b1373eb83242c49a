"""The grid component: every image of a batch, to see, choose, categorise and put away."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Batch
from imgcore.texts import _
from imgcore.ui.components import groups, labels, script, style

EVENTS = ("open", "changed", "details", "move", "image_set", "share", "analyse")


def grid(
    batch: Batch,
    categories: CategorySet,
    *,
    key: str,
    open_id: UUID | None,
    revision: str,
    may_edit: bool,
    on_event: Callable[[], None],
) -> Any:
    """Draw the images of a batch; a new ``revision`` makes the grid read them again.

    The answer has ``open`` ({"id"}), ``details``, ``move``, ``image_set``, ``share`` and ``analyse``
    ({"ids"}), and ``changed`` when something was saved that counts elsewhere on the page.
    """
    data = {
        "batch_id": str(batch.id),
        "count": batch.image_count,
        "open_id": str(open_id) if open_id else "",
        "revision": revision,
        "may_edit": may_edit,
        "default_category": categories.default,
        "groups": groups(categories),
        "labels": labels(categories),
        "texts": _texts() | _keys() | _counted(),
    }
    callbacks: dict[str, Any] = {f"on_{name}_change": on_event for name in EVENTS}
    return _component()(key=key, data=data, **callbacks)


@cache
def _component() -> Any:
    return st.components.v2.component(
        "imgcore_grid",
        css=style("grid/grid.css"),
        js=script("grid/photos.js", "grid/tiles.js", "grid/keys.js", "grid/grid.js"),
    )


def _texts() -> dict[str, str]:
    return {
        "primary": _("Primary"),
        "damaged": _("This file is damaged"),
        "open": _("Open"),
        "choose": _("Choose"),
        "category": _("Category of"),
        "image_number": _("image {number}"),
        "saved": _("saved"),
        "offline": _("No connection; nothing was saved. Please try again."),
        "set_category": _("Set category"),
        "details": _("Edit details"),
        "move": _("Move"),
        "image_set": _("Make an image set"),
        "share": _("Share for a second opinion"),
        "analyse": _("Analyse"),
        "trash": _("Trash"),
        "select_none": _("Select none"),
        "keys": _("Keys"),
        "undo": _("Undo"),
        "undone": _("Undone"),
    }


def _keys() -> dict[str, str]:
    return {
        "keys_move": _("Move"),
        "keys_select": _("Select"),
        "keys_all": _("Select all"),
        "keys_none": _("Select none"),
        "keys_open": _("Open"),
        "keys_trash": _("Move to the trash"),
        "keys_undo": _("Undo"),
        "keys_help": _("List of keys"),
    }


def _counted() -> dict[str, list[str]]:
    return {
        "select_all": [_("Select 1 image"), _("Select all {count} images")],
        "selected": [_("1 selected"), _("{count} selected")],
        "download": [_("Download 1 selected"), _("Download {count} selected")],
        "changed": [_("1 image changed"), _("{count} images changed")],
        "trashed": [_("1 image is in the trash"), _("{count} images are in the trash")],
    }
