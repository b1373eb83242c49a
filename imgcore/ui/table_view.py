"""The open batch as a table, for typing many captions: each edit is saved as it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.records import Batch, Image
from imgcore.domain.values import EARLIEST, ImageFields, parse
from imgcore.errors import ImgcoreError, Stale
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, dates, errors, keys, places, privacy, suggestions
from imgcore.ui.notices import Notice, keep

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE = 100
_ROW, _HEADER, _MOST_HEIGHT = 60, 37, 700  # CSS pixels
_SHEET = "table-sheet"
_SWITCH = "images-view"
_READ_ONLY = ("picture", "original_name")
# How a cell that was emptied is kept; what is not here is kept as None.
_TEXTS = ("caption", "description", "image_type", "body_location")
_EMPTY: dict[str, Any] = dict.fromkeys(_TEXTS, "") | {"is_primary": False}


@dataclass
class Sheet:
    """The rows of one editor: images as they were last read or saved, in the editor's order.

    ``first`` is the number of the first row in its batch. ``key`` is new with each reading, so that
    an editor never lays its edits over other rows. ``done`` holds the edits that were dealt with,
    since the editor tells all of them each time.
    """

    place: tuple[object, ...]
    first: int
    images: list[Image]
    key: str = field(default_factory=lambda: keys.key("table", uuid4().hex))
    done: dict[tuple[int, str], Any] = field(default_factory=dict)

    def take(self, edited: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
        """Return the edits that are new, by row, and count them as dealt with."""
        new: dict[int, dict[str, Any]] = {}
        for row, cells in edited.items():
            for name, value in cells.items():
                if self.done.get((row, name), ...) != value:
                    self.done[row, name] = value
                    new.setdefault(row, {})[name] = value
        return new

    def save(self, who: Actor, row: int, cells: Mapping[str, Any]) -> UUID | None:
        """Save the edits of one row, and return the change to undo them by."""
        image = self.images[row]
        fields = parse(ImageFields, **{name: _kept(name, value) for name, value in cells.items()})
        images = clinic.services().images
        self.images[row], change_id = images.edit(who, image.id, fields, version=image.version)
        return change_id


def switch() -> bool:
    """Draw the choice between grid and table, and tell whether it is the table."""
    st.session_state[_SWITCH] = places.here().view or "grid"
    labels = {"grid": f":material/grid_view: {_('Grid')}", "table": f":material/table_rows: {_('Table')}"}
    st.segmented_control(
        _("View"),
        list(labels),
        key=_SWITCH,
        required=True,
        format_func=lambda view: labels[view],
        label_visibility="collapsed",
        on_change=lambda: places.go(replace(places.here(), view=_chosen())),
    )
    return _chosen() == "table"


def _chosen() -> str:
    return "table" if st.session_state[_SWITCH] == "table" else ""


def draw(who: Actor, batch: Batch, revision: str) -> None:
    """Draw a page of the batch; a new ``revision`` makes the table read its images again."""
    pages = -(-batch.image_count // PAGE_SIZE)
    paging = keys.key("table-page", batch.id)
    number = min(int(st.session_state.get(paging, 1)), pages)
    sheet = _sheet(who, batch, number, revision)
    st.data_editor(
        _frame(sheet.images),
        key=sheet.key,
        height=min(len(sheet.images) * _ROW + _HEADER, _MOST_HEIGHT),
        row_height=_ROW,
        num_rows="fixed",
        hide_index=True,
        placeholder="–",
        column_config=_columns(sheet.images),
        disabled=_READ_ONLY,
        on_change=_save,
        args=(sheet.key,),
        alt=_("Images of {name}").format(name=batch.name),
    )
    if pages > 1:
        st.pagination(pages, key=paging, max_visible_pages=7)


def _sheet(who: Actor, batch: Batch, number: int, revision: str) -> Sheet:
    """Return the rows that the editor holds, or read them: they are others, or it was away meanwhile."""
    place = (who.user_id, batch.id, number, revision)
    sheet: Sheet | None = st.session_state.get(_SHEET)
    if sheet is None or sheet.place != place or sheet.key not in st.session_state:
        asked, turn = Filter(batch_id=batch.id), Turn(number, PAGE_SIZE)
        found = clinic.services().images.list(who, asked, turn).items
        sheet = Sheet(place, (number - 1) * PAGE_SIZE + 1, list(found))
        st.session_state[_SHEET] = sheet
    return sheet


def _save(key: str) -> None:
    sheet: Sheet | None = st.session_state.get(_SHEET)
    if sheet is None or sheet.key != key:
        return
    who, changes, saved, faults = clinic.actor(), list[UUID](), 0, list[ImgcoreError]()
    new = sheet.take(st.session_state[key]["edited_rows"])
    for row, cells in new.items():
        try:
            change_id = sheet.save(who, row, cells)
        except ImgcoreError as error:
            faults.append(_named(error, sheet.first + row))
            continue
        saved += 1
        changes += [change_id] if change_id is not None else []
    if faults or any(cells.get("is_primary") for cells in new.values()):
        st.session_state.pop(_SHEET)  # other rows have changed, or an edit did not come to be: read again
    if saved:
        text = ngettext("{count} saved.", "{count} saved.", saved)
        keep(Notice(text, changes[-1] if changes else None, also=tuple(changes[:-1])))
    with errors.kept():
        for fault in faults:
            raise fault


def _named(error: ImgcoreError, number: int) -> ImgcoreError:
    """Return the error with the number of the image in whose row it happened."""
    if isinstance(error, Stale):
        text = _("Image {number} was changed by somebody else in the meantime; your change was not saved.")
        hint = _("The table shows what is stored now.")
        return Stale(text.format(number=number), hint=hint)
    text = _("Image {number} was not saved. {reason}")
    return type(error)(text.format(number=number, reason=error.message), hint=error.hint)


def _kept(name: str, value: Any) -> Any:
    """Return what the editor tells of a cell as it is kept."""
    if value in (None, ""):
        return _EMPTY.get(name)
    return str(value)[:10] if name == "date_taken" else value


def _frame(images: list[Image]) -> pd.DataFrame:
    import pandas as pd

    # Each column with its type, though it may be empty: the editor starts anew when types change.
    return pd.DataFrame(
        {
            "picture": [f"/api/images/{each.id}/thumbnail/?v={each.edit_revision}" for each in images],
            "original_name": [_file(each) for each in images],
            "category": [each.category for each in images],
            "caption": [each.caption for each in images],
            "description": [each.description for each in images],
            "image_type": [each.image_type for each in images],
            "body_location": [each.body_location for each in images],
            "laterality": pd.Series([each.laterality for each in images], dtype="str"),
            "date_taken": pd.Series([each.date_taken for each in images], dtype="datetime64[s]"),
            "is_primary": [each.is_primary for each in images],
        }
    )


def _file(image: Image) -> str:
    name = privacy.file_name(image.original_name)
    return _("Damaged: {name}").format(name=name) if image.damaged_at else name


def _columns(images: list[Image]) -> dict[str, Any]:
    categories, kinds, sides = clinic.services().categories, st.column_config, suggestions.sides()
    codes = dict.fromkeys(each.code for each in categories.active())
    codes |= dict.fromkeys(each.category for each in images)  # one that is no longer offered is still shown
    return {
        "picture": kinds.ImageColumn(_("Picture"), width=76, pinned=True),
        "original_name": kinds.TextColumn(_("File"), width=60),
        "category": kinds.SelectboxColumn(
            _("Category"),
            options=list(codes),
            format_func=lambda code: categories.label(str(code)),
            required=True,
            width=125,
        ),
        "caption": kinds.TextColumn(_("Caption"), max_chars=2000, width=150),
        "description": kinds.TextColumn(_("Description"), max_chars=20_000, width=110),
        "image_type": kinds.TextColumn(_("Type"), max_chars=100, width=75),
        "body_location": kinds.TextColumn(_("Body location"), max_chars=100, width=115),
        "laterality": kinds.SelectboxColumn(
            _("Side"),
            options=[each for each in sides if each],
            format_func=lambda code: sides[str(code)],
            width=80,
        ),
        "date_taken": kinds.DateColumn(
            _("Date taken"), format="DD/MM/YYYY", min_value=EARLIEST, max_value=dates.today(), width=105
        ),
        "is_primary": kinds.CheckboxColumn(_("Primary"), width=80),
    }
