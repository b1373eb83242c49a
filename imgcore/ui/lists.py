"""What every long list has: a search box, and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from imgcore.domain.records import Page
from imgcore.services.pages import Turn
from imgcore.texts import _, ngettext
from imgcore.ui import keys


def search(label: str, name: str) -> str:
    """Draw the search box of a list, and return what was typed; a new text starts at the first page."""
    typed = st.text_input(
        label,
        key=keys.key("search", name),
        type="search",
        placeholder=label,
        label_visibility="collapsed",
        icon=":material/search:",
        live="300ms",
        on_change=first_page,
        args=(name,),
    )
    return (typed or "").strip()


def clear(name: str) -> None:
    """Empty the search box; call it from ``on_click``."""
    st.session_state[keys.key("search", name)] = ""
    first_page(name)


def turn(name: str, page_size: int) -> Turn:
    """Return the part of the list that is turned to."""
    return Turn(st.session_state.get(_page_key(name), 1), page_size)


def pages(page: Page[Any], name: str) -> None:
    """Draw the page numbers and how many entries there are, if there is more than one page."""
    if page.total_pages < 2:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.pagination(page.total_pages, key=_page_key(name))
        st.caption(_total(page), width="content")


@dataclass
class _Steps:
    """How far a list without page numbers was turned: the cursors that led there, and what was asked."""

    asked: object
    cursors: list[str] = field(default_factory=list)


def step(name: str, asked: object, page_size: int) -> Turn:
    """Return the part of an endless list that is turned to; another ``asked`` starts at its beginning."""
    steps: _Steps | None = st.session_state.get(_page_key(name))
    if steps is None or steps.asked != asked:
        steps = st.session_state[_page_key(name)] = _Steps(asked)
    return Turn(page_size=page_size, cursor=steps.cursors[-1] if steps.cursors else None)


def steps(page: Page[Any], name: str) -> None:
    """Draw how many entries there are, and the buttons that lead on and back."""
    turned: _Steps = st.session_state[_page_key(name)]
    if page.next_cursor is None and not turned.cursors:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, width="content", gap="small"):
            st.button(
                _("Newer"), key=keys.key("newer", name), icon=":material/chevron_left:",
                disabled=not turned.cursors, on_click=_back, args=(turned,),
            )  # fmt: skip
            st.button(
                _("Older"), key=keys.key("older", name), icon=":material/chevron_right:",
                disabled=page.next_cursor is None, on_click=turned.cursors.append, args=(page.next_cursor,),
            )  # fmt: skip
        st.caption(_total(page), width="content")


def _back(turned: _Steps) -> None:
    turned.cursors.pop()


def _total(page: Page[Any]) -> str:
    if not page.total_is_exact:
        return _("more than {count}").format(count=page.total)
    return ngettext("{count} entry", "{count} entries", page.total)


def _page_key(name: str) -> str:
    return keys.key("page", name)


def first_page(name: str) -> None:
    """Turn a list to its first page; call it from a callback."""
    st.session_state.pop(_page_key(name), None)
