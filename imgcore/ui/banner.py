"""The patient banner: who is open and how much is kept, in a colour of the patient's own."""

from __future__ import annotations

import hashlib
from html import escape
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Role
from imgcore.texts import _
from imgcore.ui import clinic, privacy, team_view, words
from imgcore.ui.opened import Opened

_HUES = 12


def draw(opened: Opened) -> None:
    """Draw the banner where the screen is now."""
    patient, counts = opened.patient, opened.counts
    details = escape(privacy.details(patient))
    first, second = _colours(patient.id)
    badges = (
        (words.batches(counts.batches), st.get_option("theme.light.blueColor")),
        (words.images(counts.images), st.get_option("theme.light.redColor")),
    )
    drawn = "".join(
        f'<span class="imgcore-badge" style="background:{colour}">{escape(text)}</span>'
        for text, colour in badges
    )
    marks = "".join(f'<p class="imgcore-emergency">{escape(mark)}</p>' for mark in _marks(opened))
    st.html(
        f'<section class="imgcore-banner" aria-label="{escape(_("Open patient"))}">'
        f'<div class="imgcore-stripe" style="background:linear-gradient({first} 50%,{second} 50%)"></div>'
        f"<div><strong>{escape(privacy.shown(patient.name))}</strong>"
        f'<p title="{details}">{details}</p>'
        f'{marks}<div class="imgcore-badges">{drawn}</div></div></section>'
    )


def _marks(opened: Opened) -> list[str]:
    actor = clinic.actor()
    held = opened.patient.is_held and actor.role is not Role.PATIENT
    marks = [_("Legal hold: nothing can be removed")] if held else []
    return marks + (team_view.marks(opened.emergencies, actor.user_id) if opened.emergencies else [])


def _colours(patient_id: UUID) -> tuple[str, str]:
    """Return the two colours of a patient; two patients have a chance of 1 in 144 to share both."""
    digest = hashlib.sha256(patient_id.bytes).digest()
    # From yellow to violet: red is for what destroys.
    first, second = (f"hsl({50 + byte % _HUES * 20} 55% 50%)" for byte in digest[:2])
    return first, second
