"""Images, the start page: one patient's batches, and the batch that is open."""

from __future__ import annotations

from functools import partial

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Batch
from imgcore.texts import _
from imgcore.ui import (
    batch_forms,
    batch_list,
    clinic,
    dates,
    heading,
    open_batch,
    opened,
    start,
    visit_link,
    words,
)
from imgcore.ui.opened import Opened


def main() -> None:
    """Draw the batches of the open patient, or the way to open one."""
    actor = clinic.actor()
    found = opened.now()
    if found is None:
        start.draw(actor)
        return
    with st.sidebar:
        batch = batch_list.draw(actor, found)
    if batch is None:
        _without_batch(actor, found)
    else:
        _heading(actor, batch)
        open_batch.draw(actor, found, batch)


def _without_batch(actor: Actor, found: Opened) -> None:
    if found.counts.batches:
        return
    if not clinic.may(actor, Action.BATCH_CREATE):
        st.markdown(_("No photographs of you are kept here yet."))
    else:
        st.subheader(_("No batches yet"), anchor=False)
        st.markdown(_("A batch holds the photographs that were taken together."))
        batch_forms.add_button(found.patient.id, "main")


def _heading(actor: Actor, batch: Batch) -> None:
    day = dates.day(batch.taken_on)
    facts = [] if batch.name == day else [day]
    facts.append(words.images(batch.image_count))
    if batch.uncategorised and clinic.may(actor, Action.IMAGE_EDIT):
        facts.append(words.uncategorised(batch.uncategorised))
    link = partial(visit_link.draw, actor, batch.visit_id) if batch.visit_id else None
    heading.draw(batch.name, " · ".join(facts), link)


main()
