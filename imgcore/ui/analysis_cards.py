"""Results as cards: the picture, what a model said of it, and what people thought of it themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import Impression, NewImpression
from imgcore.domain.records import Patient, Result
from imgcore.domain.values import parse
from imgcore.texts import _
from imgcore.ui import analysis_words, clinic, dashboard_words, errors, keys, privacy, result_view
from imgcore.ui.notices import Notice, keep


def styles() -> None:
    """Send the style sheet of the cards to the browser, once on a screen."""
    # A dialog stands outside the page, which alone knows whether it is dark.
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    st.html(f"<style>\n[data-testid=stDialog] {{ color-scheme: {scheme}; }}\n{_sheet()}</style>")


def impressions_of(who: Actor, results: Sequence[Result]) -> Mapping[UUID, list[Impression]]:
    """Return what people thought of the pictures of some results, as far as it is shown to this person."""
    ids = {each.image_id for each in results if each.image_id is not None}
    if not ids or not clinic.may(who, Action.IMPRESSION_SEE):
        return {}
    found: dict[UUID, list[Impression]] = {}
    for each in clinic.services().impressions.of_images(who, ids):
        found.setdefault(each.image_id, []).append(each)
    return found


def body(result: Result, patient: Patient | None, impressions: Sequence[Impression]) -> None:
    """Draw picture and result side by side; never without the words that it is not a diagnosis."""
    aside = "".join(map(_impression, impressions))
    if aside:
        aside = f'<section class="imgcore-own"><h4>{escape(_("Impressions"))}</h4>{aside}</section>'
    st.html(
        f'<article class="imgcore-analysis">{_picture(result)}<div class="imgcore-said">'
        f"<h3>{escape(analysis_words.title(result))}{_badges(result)}</h3>"
        f"{_scores(result)}{_error(result)}"
        f"<p>{escape(_whose(result, patient))}</p><p>{escape(analysis_words.facts(result))}</p>"
        f"<p><strong>{escape(_('Not a diagnosis'))}</strong></p></div>{aside}</article>"
    )


def ask_impression(result: Result) -> None:
    """Draw the form for one's own impression, in the place of a result that waits for it."""
    names = {"": _("No risk level")} | {each: result_view.risk_name(each) for each in analysis_words.RISKS}
    with st.form(_key("impression", result.id), border=False):
        st.text_area(_("Your impression"), key=_key("text", result.id), max_chars=2_000, height=80)
        st.selectbox(
            _("Risk level"), list(names), key=_key("own-risk", result.id), width=240,
            format_func=lambda each: names[each],
        )  # fmt: skip
        st.form_submit_button(
            _("Keep my impression"), key=_key("keep", result.id), type="primary", on_click=_keep,
            args=(result,),
        )  # fmt: skip


def _keep(result: Result) -> None:
    with errors.kept():
        text, risk = (st.session_state[_key(name, result.id)] for name in ("text", "own-risk"))
        new = parse(NewImpression, text=str(text or ""), risk_level=risk or None)
        if result.image_id is not None:
            clinic.services().impressions.add(clinic.actor(), result.image_id, new)
            keep(Notice(_("Your impression was kept.")))


def picture_address(result: Result) -> str:
    """Return where the thumbnail of a result's picture is; "" for one that was kept without."""
    if result.image_set_id is not None:
        return f"/api/image-sets/{result.image_set_id}/images/{result.place}/thumbnail/"
    return f"/api/images/{result.image_id}/thumbnail/" if result.image_id is not None else ""


def _picture(result: Result) -> str:
    address = picture_address(result)
    if not address:
        return f'<div class="imgcore-no-picture">{escape(_("Kept without its picture"))}</div>'
    alt = escape(_("The picture that was looked at"))
    return f'<img src="{address}" loading="lazy" alt="{alt}">'


def _badges(result: Result) -> str:
    badges = ""
    if result.risk_level:
        badges += risk_badge(result.risk_level)
    if result.released_at is not None and result.image_set_id is None:
        badges += f'<span class="imgcore-mark">{escape(_("Released to the patient"))}</span>'
    return badges


def risk_badge(level: str) -> str:
    """Return the badge of a risk level as HTML."""
    colour = result_view.colour(level)
    return f'<span class="imgcore-mark {colour}">{escape(result_view.risk_name(level))}</span>'


def _scores(result: Result) -> str:
    lines = ""
    for label, score in analysis_words.scores(result):
        poor = analysis_words.is_quality(result) and score < dashboard_words.POOR
        share = max(0.0, min(100.0, 100 * score))
        lines += (
            f"<li{' class=poor' if poor else ''}><span>{escape(result_view.plain(label))}</span>"
            f'<i><b style="width:{share:.0f}%"></b></i><em>{escape(analysis_words.percent(score))}</em></li>'
        )
    return f'<ul class="imgcore-scores">{lines}</ul>' if lines else ""


def _error(result: Result) -> str:
    return f'<p class="imgcore-fault">{escape(result.error)}</p>' if result.error is not None else ""


def _whose(result: Result, patient: Patient | None) -> str:
    if result.image_set_id is not None:
        return _("{pseudonym}, picture {place}").format(pseudonym=result.pseudonym, place=result.place)
    return privacy.person(patient) if patient is not None else ""


def _impression(each: Impression) -> str:
    risk = risk_badge(each.risk_level) if each.risk_level else ""
    text = f"<blockquote>{escape(each.text)}</blockquote>" if each.text else ""
    return f"<div>{risk}{text}<p>{escape(analysis_words.impression(each))}</p></div>"


@cache
def _sheet() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def _key(*parts: object) -> str:
    return keys.key("analysis", *parts)
