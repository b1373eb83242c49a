"""Models on one frozen image set: which have looked at it, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import CAPTURE_QUALITY, Agreement, Pair, Version
from imgcore.domain.sets import ImageSet
from imgcore.services.pages import LARGEST_PAGE
from imgcore.texts import _
from imgcore.ui import analysis_words, clinic, keys, places, result_view, words

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS, _ROW, _TALL, _HEADER = 8, 35, 64, 38  # rows of a table that are seen at once, CSS pixels


def draw(who: Actor, image_set: ImageSet) -> None:
    """Draw the models that have results of this set, and two of them side by side."""
    if not image_set.shown or not clinic.may(who, Action.RESULT_SEE):
        return
    versions = clinic.services().analyses.versions(who, image_set.id)
    if not versions:
        return
    with st.container(key="set-models", gap="small"):
        st.subheader(_("Models"), anchor=False)
        said = "; ".join(map(analysis_words.version, versions))
        st.caption(f"{words.literal(said)}. **{_('Not a diagnosis')}**")
        st.button(
            _("See the results"), key="set-results", icon=":material/biotech:", on_click=places.go,
            args=(places.Place(set=image_set.id), "analyses"),
        )  # fmt: skip
        named = [each for each in versions if each.analyser != CAPTURE_QUALITY]  # which names no labels
        if len(named) > 1:
            _compare(who, image_set, named)


def _compare(who: Actor, image_set: ImageSet, versions: Sequence[Version]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        at = _pair(versions)
        first = _version(_("First"), "first", image_set, versions, at[0])
        second = _version(_("Second"), "second", image_set, versions, at[1])
    if (first.analyser, first.version) == (second.analyser, second.version):
        st.caption(_("Choose two versions to see how far they agree."))
        return
    with st.spinner(_("Comparing …")):
        found = clinic.services().comparisons.agreement(who, image_set.id, first, second)
    if not found.images:
        st.caption(_("There is no picture that both have a result of, or they wait for your own impression."))
        return
    _numbers(found)
    _confusion(found)
    _side_by_side(image_set, found)


def _pair(versions: Sequence[Version]) -> tuple[int, int]:
    """Return which two are compared first: the newest two versions of one model, if there are such."""
    pairs = [(at, at + 1) for at in range(len(versions) - 1)]
    alike = [pair for pair in pairs if versions[pair[0]].analyser == versions[pair[1]].analyser]
    return (alike or pairs)[-1]


def _version(label: str, name: str, image_set: ImageSet, versions: Sequence[Version], at: int) -> Version:
    chosen = st.selectbox(
        label, range(len(versions)), index=at, key=keys.key("set-model", name, image_set.id), width=300,
        format_func=lambda number: analysis_words.version(versions[number]),
    )  # fmt: skip
    return versions[chosen]


def _numbers(found: Agreement) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Pictures with both"), f"{found.images:,}", width="content")
        agreeing = f"{found.agreeing:,} ({analysis_words.percent(found.share or 0.0)})"
        st.metric(_("Same label"), agreeing, width="content")
        kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
        tip = _("Agreement beyond chance: 1 is full agreement, 0 what chance alone would give.")
        st.metric(_("Cohen's kappa"), kappa, help=tip, width="content")
    if found.left_out:
        text = _("{images} left out: one of the two has no result of it, or it waits for your impression.")
        st.caption(text.format(images=words.images(found.left_out)))


def _confusion(found: Agreement) -> None:
    """Draw how often which label of the one meets which of the other."""
    import pandas as pd

    first, second = (
        analysis_words.model(each.analyser, each.version) for each in (found.first, found.second)
    )
    names = [result_view.plain(label) for label in found.labels]
    frame = pd.DataFrame(found.table, columns=names)
    frame.insert(0, f"{first} ↓  {second} →", names)
    st.dataframe(
        frame, hide_index=True, row_height=_ROW, height=_height(len(frame)), key="set-confusion",
        alt=_("How often the labels of the two models meet"),
    )  # fmt: skip


def _side_by_side(image_set: ImageSet, found: Agreement) -> None:
    key = keys.key("set-each", image_set.id)
    if not st.checkbox(_("Show each picture"), found.images <= LARGEST_PAGE, key=key):
        return
    only = st.checkbox(_("Only pictures on which they differ"), key=keys.key("set-differ", image_set.id))
    pairs = [pair for pair in found.pairs if not (only and pair.is_same)]
    if not pairs:
        st.caption(_("They name the same label for every picture."))
        return
    st.dataframe(
        _frame(image_set, found, pairs), hide_index=True, row_height=_TALL, height=_height(len(pairs), _TALL),
        key="set-side-by-side", alt=_("What the two models said of each picture"),
        column_config={_("Picture"): st.column_config.ImageColumn(width=_TALL + 16, pinned=True)},
    )  # fmt: skip


def _frame(image_set: ImageSet, found: Agreement, pairs: Sequence[Pair]) -> pd.DataFrame:
    import pandas as pd

    names = [analysis_words.named(each) for each in (found.first, found.second)]
    address = f"/api/image-sets/{image_set.id}/images"
    rows = [
        (
            f"{address}/{pair.place}/thumbnail/",
            pair.place,
            analysis_words.said(pair.first),
            analysis_words.said(pair.second),
            _("yes") if pair.is_same else _("no"),
        )
        for pair in pairs
    ]
    return pd.DataFrame(rows, columns=[_("Picture"), _("Number"), *names, _("Same label")])


def _height(rows: int, row: int = _ROW) -> int:
    return min(rows, _MOST_ROWS) * row + _HEADER
