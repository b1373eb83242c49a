"""The open batch: upload, grid, and beside it the viewer with its filmstrip."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Batch
from imgcore.domain.values import NewBatch
from imgcore.texts import _
from imgcore.ui import (
    analysis_panel,
    analysis_runs,
    clinic,
    errors,
    filmstrip,
    image_forms,
    keys,
    looks_list,
    move_forms,
    places,
    privacy,
    set_forms,
    simple_upload,
    suggestions,
    table_view,
    words,
)
from imgcore.ui.components.grid import grid
from imgcore.ui.components.upload import upload
from imgcore.ui.components.viewer import viewer
from imgcore.ui.notices import Notice, keep
from imgcore.ui.opened import Opened

_REVISION = "images-revision"


def draw(who: Actor, opened: Opened, batch: Batch) -> None:
    """Draw the images of a batch, and the way to add more."""
    st.html(f"<style>\n{_sheet()}</style>")
    categories = clinic.services().categories
    if image_forms.take_changed():
        changed()
    image_id = places.here().image
    # Always one element, empty beside an open picture: the grid keeps its place in the page, and with it
    # its images, its selection and where it was scrolled to.
    with st.container(key="above-grid"):
        is_table = image_id is None and _above(who, opened, batch)
    if not batch.image_count and image_id is None:
        return
    if is_table:
        table_view.draw(who, batch, _revision(batch))
        return
    with st.container(key="split", horizontal=True, gap="medium"):
        with st.container(key="split-grid"):
            key = keys.key("grid", batch.id)
            grid(
                batch,
                categories,
                key=key,
                open_id=image_id,
                revision=_revision(batch),
                may_edit=clinic.may(who, Action.IMAGE_EDIT),
                on_event=lambda: _on_grid(key, batch),
            )
        with st.container(key="split-viewer"):
            if image_id is not None:
                _viewer(who, opened, batch, image_id)


def _above(who: Actor, opened: Opened, batch: Batch) -> bool:
    """Draw the upload and the choice of view, and tell whether it is the table."""
    if clinic.may(who, Action.IMAGE_UPLOAD):
        _upload(opened, batch)
        simple_upload.draw(batch)
    return bool(batch.image_count) and clinic.may(who, Action.IMAGE_EDIT) and table_view.switch()


def _upload(opened: Opened, batch: Batch) -> None:
    key = keys.key("upload", batch.id)
    upload(
        batch,
        privacy.person(opened.patient),
        clinic.services().categories,
        clinic.services().settings,
        key=key,
        body_locations=suggestions.body_locations(),
        image_types=suggestions.image_types(),
        sides=suggestions.sides(),
        on_finished=lambda: _finished(key),
        on_second_batch=lambda: _second_batch(key, opened.patient.id),
    )


def _viewer(who: Actor, opened: Opened, batch: Batch, image_id: UUID) -> None:
    with errors.shown():
        clinic.services().images.get(who, image_id)  # not there any more: said here, once
        key = keys.key("viewer", batch.id)
        viewer(
            batch,
            image_id,
            clinic.services().categories,
            key=key,
            revision=_revision(batch),
            sides=suggestions.sides(),
            may_edit=clinic.may(who, Action.IMAGE_EDIT),
            may_see_looks=clinic.may(who, Action.LOOKS_SEE),
            may_analyse=clinic.may(who, Action.RESULT_RUN),
            on_event=lambda: _on_viewer(key, opened, batch),
        )
        chosen = filmstrip.draw(clinic.services().images.ids(who, batch.id), image_id)
        if chosen is not None:
            places.go(replace(places.here(), image=chosen))
            st.rerun()


@cache
def _sheet() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def changed() -> None:
    """Make grid and viewer read their images again with the next run."""
    st.session_state[_REVISION] = st.session_state.get(_REVISION, 0) + 1


def _revision(batch: Batch) -> str:
    return f"{st.session_state.get(_REVISION, 0)}-{batch.image_count}-{batch.version}"


def _event(key: str, name: str) -> dict[str, Any] | None:
    """Return what a component has just told under a name, if it has."""
    state = st.session_state.get(key)
    return getattr(state, name, None) if state is not None else None


def _finished(key: str) -> None:
    told = _event(key, "finished")
    if told and told["stored"]:
        changed()
        keep(Notice(_("Stored: {images}.").format(images=words.images(told["stored"]))))


def _second_batch(key: str, patient_id: UUID) -> None:
    told = _event(key, "second_batch")
    if not told:
        return
    with errors.kept():
        new = NewBatch(taken_on=date.fromisoformat(told["day"]))
        batch = clinic.services().batches.create(clinic.actor(), patient_id, new)
        places.go(places.Place(str(patient_id), batch.id), "images")
        keep(Notice(_("Batch “{name}” was made. Choose its photos now.").format(name=batch.name)))


def _on_grid(key: str, batch: Batch) -> None:
    if told := _event(key, "open"):
        places.go(replace(places.here(), batch=batch.id, image=UUID(told["id"])))
    if told := _event(key, "details"):
        image_forms.ask_details([UUID(each) for each in told["ids"]])
    if told := _event(key, "move"):
        move_forms.ask_images(batch, [UUID(each) for each in told["ids"]])
    if told := _event(key, "image_set"):
        set_forms.ask_set(batch.patient_id, [UUID(each) for each in told["ids"]])
    if told := _event(key, "share"):
        set_forms.ask_second_opinion(batch.patient_id, [UUID(each) for each in told["ids"]])
    if told := _event(key, "analyse"):
        analysis_runs.ask_images(batch, [UUID(each) for each in told["ids"]])


def _on_viewer(key: str, opened: Opened, batch: Batch) -> None:
    if told := _event(key, "step"):
        places.go(replace(places.here(), batch=batch.id, image=UUID(told["id"])))
    if _event(key, "close"):
        places.go(replace(places.here(), image=None))
    if told := _event(key, "changed"):
        changed()
        if told["id"]:
            places.go(replace(places.here(), batch=batch.id, image=UUID(told["id"])))
    if told := _event(key, "details"):
        image_forms.ask_details([UUID(each) for each in told["ids"]])
    if told := _event(key, "looks"):
        looks_list.ask(opened.patient, UUID(told["image"]))
    if told := _event(key, "results"):
        analysis_panel.ask(batch.patient_id, UUID(told["image"]))
