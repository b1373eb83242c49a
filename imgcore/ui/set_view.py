"""An open image set: its pictures in a grid, one of them large, and its hash."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.sets import ImageSet, SetItem, Withheld, pictures_of
from imgcore.services.pages import LARGEST_PAGE, Turn
from imgcore.texts import _
from imgcore.ui import (
    analysis_runs,
    clinic,
    dates,
    heading,
    keys,
    places,
    set_forms,
    set_models,
    set_people,
    suggestions,
    words,
)

_TILES = 24


def draw(who: Actor, set_id: UUID) -> None:
    """Draw the set that the URL names, or the one picture of it."""
    st.html(f"<style>\n{_sheet()}</style>")
    image_set = clinic.services().image_sets.get(who, set_id)
    items = _all_items(who, set_id)
    shown = [item for item in items if not item.withheld]
    number = places.here().picture
    if number is not None and any(item.place == number for item in shown):
        _large(image_set, shown, number)
        return
    st.button(
        _("All image sets"), key="all-sets", icon=":material/arrow_back:", type="tertiary", on_click=close
    )
    heading.draw(image_set.name, facts(image_set), lambda: _buttons(who, image_set))
    if image_set.note:
        st.markdown(set_people.lines(image_set.note))
    _hash(image_set)
    if clinic.may(who, Action.SET_EDIT):
        set_people.answers(who, image_set)
    _grid(image_set, items)
    set_models.draw(who, image_set)
    if clinic.may(who, Action.SET_EDIT):
        set_people.draw(who, image_set)


def facts(image_set: ImageSet) -> str:
    """Return what stands beneath a set's name: how many pictures, for what, by whom and when."""
    made = ", ".join(filter(None, (image_set.created_by_name, dates.moment(image_set.created_at))))
    pictures = pictures_of(image_set.shown, image_set.size)
    return " · ".join([pictures, set_forms.purposes()[image_set.purpose], made])


def close() -> None:
    """Go back to the list of sets; call it from ``on_click``."""
    places.go(replace(places.here(), set=None, picture=None))


def _all_items(who: Actor, set_id: UUID) -> list[SetItem]:
    """Return every picture of a set, so that the large view knows its neighbours."""
    items: list[SetItem] = []
    number, pages = 1, 1
    while number <= pages:
        page = clinic.services().image_sets.items(who, set_id, Turn(number, LARGEST_PAGE))
        items += page.items
        number, pages = number + 1, page.total_pages
    return items


def _buttons(who: Actor, image_set: ImageSet) -> None:
    if not image_set.shown:
        return
    with st.container(horizontal=True, width="content", gap="small"):
        if clinic.may(who, Action.RESULT_RUN):
            st.button(
                _("Analyse"), key="analyse-set", icon=":material/biotech:", on_click=analysis_runs.ask_set,
                args=(image_set,),
            )  # fmt: skip
        address = f"/api/image-sets/{image_set.id}/download/"
        st.link_button(_("Download"), address, icon=":material/download:", help=_("All pictures as a ZIP"))


def _hash(image_set: ImageSet) -> None:
    states = {
        "same": _("checked now: unchanged"),
        "incomplete": _("pictures were removed for good, so it can no longer be checked"),
        "different": _("checked now: the set is not what it was"),
    }
    bad = " bad" if image_set.hash_state == "different" else ""
    text = escape(states[image_set.hash_state])
    st.html(f'<p class="imgcore-set-hash{bad}">SHA-256 <code>{escape(image_set.hash)}</code> · {text}</p>')


def _grid(image_set: ImageSet, items: list[SetItem]) -> None:
    if not items:
        st.markdown(_("None of its pictures can be shown any more."))
        return
    name = keys.key("pictures", image_set.id)
    page = 1
    if len(items) > _TILES:
        page = st.pagination(-(-len(items) // _TILES), key=name) or 1
    with st.container(key="set-pictures"):
        for item in items[(page - 1) * _TILES : page * _TILES]:
            with st.container(key=keys.key("set-tile", item.place), gap=None):
                _tile(image_set, item)


def _tile(image_set: ImageSet, item: SetItem) -> None:
    title = title_of(item)
    if item.withheld:
        picture = f'<div class="imgcore-set-picture withheld">{escape(_why(item.withheld))}</div>'
    else:
        address = f"/api/image-sets/{image_set.id}/images/{item.place}/thumbnail/"
        alt = escape(f"{title}, {item.category}")
        picture = f'<div class="imgcore-set-picture"><img src="{address}" loading="lazy" alt="{alt}"></div>'
    said = f'<p class="imgcore-set-words">{escape(title)}<span>{escape(item.category)}</span></p>'
    st.html(picture + said)
    if not item.withheld:
        opening = _("Open {title}").format(title=words.literal(title))
        st.button(opening, key=keys.key("picture", item.place), on_click=_go_to, args=(item.place,))


def _large(image_set: ImageSet, shown: list[SetItem], number: int) -> None:
    """Draw one picture; the arrow keys lead to its neighbours, Escape back to all."""
    at = next(index for index, item in enumerate(shown) if item.place == number)
    item = shown[at]
    before, after = shown[at - 1 : at] if at else [], shown[at + 1 : at + 2]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(gap=None, width="content"):
            st.markdown(f"**{words.literal(title_of(item))}**")
            st.caption(words.literal(_details(item, at + 1, len(shown))))
        with st.container(horizontal=True, width="content"):
            _step(_("Previous"), ":material/chevron_left:", "Left", before)
            _step(_("Next"), ":material/chevron_right:", "Right", after)
            st.button(
                _("All pictures"), key="all-pictures", icon=":material/close:", shortcut="Escape",
                on_click=_go_to, args=(None,),
            )  # fmt: skip
    address = f"/api/image-sets/{image_set.id}/images/{item.place}/picture/"
    alt = escape(f"{title_of(item)}, {item.category}")
    st.html(
        f'<div class="imgcore-set-large"><img src="{address}" width="{item.width}" height="{item.height}" '
        f'alt="{alt}"></div>'
    )


def _step(label: str, icon: str, shortcut: str, items: list[SetItem]) -> None:
    st.button(
        label,
        key=keys.key("step", shortcut),
        icon=icon,
        shortcut=shortcut,
        disabled=not items,
        on_click=_go_to,
        args=(items[0].place if items else None,),
    )


def _go_to(place: int | None) -> None:
    places.go(replace(places.here(), picture=place))


def title_of(item: SetItem) -> str:
    """Return how a picture is called: "P-7K3QXM, picture 4"."""
    return _("{pseudonym}, picture {place}").format(pseudonym=item.pseudonym, place=item.place)


def _details(item: SetItem, number: int, count: int) -> str:
    side = suggestions.sides()[item.laterality] if item.laterality in ("L", "R", "B") else ""
    place = _("{number} of {count}").format(number=number, count=count)
    size = f"{item.width} × {item.height}"
    parts = [place, item.category, item.image_type, item.body_location, side, size]
    return " · ".join(filter(None, parts))


def _why(withheld: Withheld) -> str:
    return {
        "consent": _("Withheld: the consent was withdrawn"),
        "trash": _("Withheld: in the trash"),
        "moved": _("Withheld: moved to another patient"),
        "identity": _("Withheld: an identity document"),
        "": "",
    }[withheld]


@cache
def _sheet() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
