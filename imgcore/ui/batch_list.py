"""The list of a patient's batches in the sidebar: one of them is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Batch, Counts, Page
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import (
    analysis_runs,
    batch_forms,
    clinic,
    dates,
    icons,
    keys,
    move_forms,
    places,
    thumbnails,
    visit_forms,
    words,
)
from imgcore.ui.opened import Opened

PAGE_SIZE = 20
_MENU: dict[str, tuple[str, Callable[[], str], Callable[[Batch], None]]] = {
    "rename": (":material/edit:", lambda: _("Rename or change the day"), batch_forms.ask_rename),
    "visit": (":material/stethoscope:", lambda: _("Assign to a visit"), visit_forms.ask_assign),
    "move": (":material/drive_file_move:", lambda: _("Move to another patient"), move_forms.ask_batch),
    "analyse": (":material/biotech:", lambda: _("Analyse all images"), analysis_runs.ask_batch),
}


def draw(who: Actor, opened: Opened) -> Batch | None:
    """Draw the list, and return the batch that is open: the one in the URL, or the newest."""
    if clinic.may(who, Action.BATCH_CREATE):
        batch_forms.add_button(opened.patient.id, "side")
    if not opened.counts.batches:
        return None
    text = _filter_box(opened)
    page = _page(who, opened, text)
    chosen = _chosen(who, opened, page)
    with st.container(key="batches", gap="xxsmall"):
        for batch in page.items:
            _row(who, batch, is_open=chosen is not None and batch.id == chosen.id)
    if not page.items:
        st.caption(_("No batch has this in its name."))
        st.button(_("Clear the filter"), key="clear-filter", on_click=_clear_filter)
    if page.total_pages > 1:
        st.pagination(page.total_pages, key=_page_key(opened), max_visible_pages=5)
    st.caption(footer(opened.counts))
    return chosen


def footer(counts: Counts) -> str:
    """Return "24 images, 82 MB, last upload 14:02"."""
    parts = [words.images(counts.images)]
    if counts.images:
        parts.append(words.size(counts.file_size))
    if counts.last_upload_at is not None:
        parts.append(_("last upload {when}").format(when=dates.moment(counts.last_upload_at)))
    return ", ".join(parts)


def _filter_box(opened: Opened) -> str:
    key = keys.key(keys.FILTER, opened.patient.id)
    st.session_state.setdefault(key, places.here().filter)
    if opened.counts.batches < 2 and not st.session_state[key]:
        return ""
    return (
        st.text_input(
            _("Filter batches"),
            key=key,
            type="search",
            placeholder=_("Filter batches"),
            label_visibility="collapsed",
            live="300ms",
            on_change=_filter,
            args=(key,),
        )
        or ""
    )


def _filter(key: str) -> None:
    places.go(replace(places.here(), filter=st.session_state[key].strip()))


def _clear_filter() -> None:
    place = places.here()
    places.go(replace(place, filter=""))
    for key in [each for each in st.session_state if str(each).startswith(keys.FILTER)]:
        st.session_state[key] = ""


def _page(who: Actor, opened: Opened, text: str) -> Page[Batch]:
    number = st.session_state.get(_page_key(opened), 1)
    of_patient = clinic.services().batches.of_patient
    page = of_patient(who, opened.patient.id, text, Turn(number, PAGE_SIZE))
    if page.items or number == 1:
        return page
    return of_patient(who, opened.patient.id, text, Turn(1, PAGE_SIZE))


def _page_key(opened: Opened) -> str:
    return keys.key("batch-page", opened.patient.id)


def _chosen(who: Actor, opened: Opened, page: Page[Batch]) -> Batch | None:
    wanted = places.here().batch
    if wanted is None:
        return page.items[0] if page.items else None
    for batch in page.items:
        if batch.id == wanted:
            return batch
    batch = clinic.services().batches.get(who, wanted)
    if batch.patient_id != opened.patient.id:  # moved to the right patient, or a link put together by hand
        places.go(replace(places.here(), patient=str(batch.patient_id)))
        st.rerun()
    return batch


def _row(who: Actor, batch: Batch, *, is_open: bool) -> None:
    name = "batch-row-open" if is_open else "batch-row"
    with st.container(key=keys.key(name, batch.id), gap=None):
        with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", wrap=False):
            st.button(
                f"**{words.literal(batch.name)}**",
                key=keys.key("name", batch.id),
                icon=":material/expand_more:" if is_open else ":material/chevron_right:",
                type="tertiary",
                width="stretch",
                on_click=_open,
                args=(batch,),
            )
            _icons(who, batch)
        st.html(_summary(batch, shows_work=clinic.may(who, Action.IMAGE_EDIT)))


def _open(batch: Batch) -> None:
    places.go(replace(places.here(), patient=str(batch.patient_id), batch=batch.id, image=None))


def _icons(who: Actor, batch: Batch) -> None:
    name = words.literal(batch.name)
    if clinic.may(who, Action.BATCH_DOWNLOAD):
        st.link_button(
            _("Download {name}").format(name=name),
            f"/api/images/batches/{batch.id}/download/",
            key=keys.key("icon-blue-download", batch.id),
            icon=":material/download:",
            type="tertiary",
            help=_("Download all images as a ZIP"),
            disabled=not batch.image_count,
        )
    if clinic.may(who, Action.BATCH_TRASH):
        icons.button(
            keys.key("red-trash", batch.id), "delete", _("Move {name} to the trash").format(name=name),
            batch_forms.ask_trash, batch, tip=_("Move to the trash"),
        )  # fmt: skip
    if clinic.may(who, Action.BATCH_EDIT):
        key = keys.key("icon-menu", batch.id)
        st.menu_button(
            _("More for {name}").format(name=name),
            list(_MENU),
            key=key,
            icon=":material/more_vert:",
            type="tertiary",
            help=_("More"),
            format_func=lambda option: f"{_MENU[option][0]} {_MENU[option][1]()}",
            on_click=_choose,
            args=(key, batch),
        )


def _choose(key: str, batch: Batch) -> None:
    chosen = st.session_state[key]
    if chosen in _MENU:
        _MENU[chosen][2](batch)


def _summary(batch: Batch, *, shows_work: bool) -> str:
    """Return thumbnails, day, count and what is left to do, as HTML."""
    day = dates.day(batch.taken_on)
    facts = [] if batch.name == day else [day]
    facts.append(words.images(batch.image_count))
    lines = " ".join(f"<span>{escape(each)}</span>" for each in facts)
    return (
        f'<div class="imgcore-batch">{thumbnails.strip(batch.cover_ids, batch.name)}'
        f"<div><p>{lines}</p>{_to_do(batch) if shows_work else ''}</div></div>"
    )


def _to_do(batch: Batch) -> str:
    if batch.uncategorised:
        return f'<p class="imgcore-open">{escape(words.uncategorised(batch.uncategorised))}</p>'
    return f'<p class="imgcore-done">✓ {escape(_("complete"))}</p>' if batch.image_count else ""
