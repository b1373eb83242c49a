"""Analyses of many pictures: the dialog that starts a run, and the strip that follows it on every screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.jobs import CAN_RETRY, Job, JobState
from imgcore.domain.records import Batch, Patient
from imgcore.domain.sets import ImageSet
from imgcore.errors import NotFound
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import analysis_words, clinic, dialogs, errors, keys, places, words

KIND = "analyses"
LOOK_SECONDS = 1.0
_NEWEST = 10  # jobs among which a new tab looks for one that goes on


@dataclass(frozen=True)
class Wanted:
    """What a run shall look at: options of the job, how many images, and where its results will stand."""

    options: Mapping[str, Any]
    images: int
    place: places.Place


@dataclass(frozen=True)
class Followed:
    """A run that this tab started, as it stood when it was last looked at."""

    job_id: UUID
    title: str
    place: places.Place
    is_going_on: bool = True


def ask_images(batch: Batch, image_ids: Sequence[UUID]) -> None:
    """Open the dialog for a selection of a batch; call it from a callback."""
    if len(image_ids) == batch.image_count:
        ask_batch(batch)
        return
    options = {"image_ids": [str(each) for each in image_ids]}
    _ask(Wanted(options, len(image_ids), places.Place(patient=str(batch.patient_id))))


def ask_image(patient_id: UUID, image_id: UUID) -> None:
    """Open the dialog for one picture; call it from a callback."""
    place = places.Place(patient=str(patient_id), image=image_id)
    _ask(Wanted({"image_ids": [str(image_id)]}, 1, place))


def ask_batch(batch: Batch) -> None:
    """Open the dialog for a whole batch; call it from a callback."""
    place = places.Place(patient=str(batch.patient_id))
    _ask(Wanted({"batch_id": str(batch.id)}, batch.image_count, place))


def ask_patient(patient: Patient, images: int) -> None:
    """Open the dialog for all images of a patient; call it from a callback."""
    _ask(Wanted({"patient_id": str(patient.id)}, images, places.Place(patient=str(patient.id))))


def ask_set(image_set: ImageSet) -> None:
    """Open the dialog for an image set; call it from a callback."""
    _ask(Wanted({"image_set_id": str(image_set.id)}, image_set.shown, places.Place(set=image_set.id)))


def _ask(wanted: Wanted) -> None:
    title = _("Analyse {images}").format(images=words.images(wanted.images))
    dialogs.ask(title, _choose, wanted)


def _choose(wanted: Wanted) -> None:
    models = {each.name: each for each in clinic.services().analyses.models(clinic.actor())}
    chosen = st.selectbox(
        _("Model"), list(models), key=_key("model"),
        format_func=lambda name: analysis_words.offered(models[name]),
    )  # fmt: skip
    model = models[chosen]
    for heading, text in ((_("For"), model.intended_use), (_("Limits"), model.limits)):
        if text:
            st.caption(f"**{heading}:** {words.literal(text)}")
    if model.missing:
        st.warning(words.literal(model.missing), icon=":material/extension_off:")
    again = st.checkbox(_("Look again at images that this model knows already"), key=_key("again"))
    st.caption(_("It goes on in the background. What comes of it is an estimate, and **not a diagnosis**."))
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Cancel"), key=keys.key("dialog", "cancel"), on_click=dialogs.cancel)
        st.button(
            _("Analyse"), key=_key("start"), type="primary", icon=":material/biotech:",
            disabled=bool(model.missing) or not wanted.images, on_click=_start,
            args=(wanted, model.name, model.title, again),
        )  # fmt: skip


def _start(wanted: Wanted, model: str, title: str, again: bool) -> None:
    with errors.kept():
        options = {**wanted.options, "analyser": model, "again": again}
        job = clinic.services().jobs.start(clinic.actor(), KIND, options)
        st.session_state[keys.RUN] = Followed(job.id, title, replace(wanted.place, model=model))
        dialogs.finish()


def strip(who: Actor) -> None:
    """Draw how the run stands that the person started last; while it goes on, look again and again.

    A tab that is new, or was loaded anew, takes up what still goes on.
    """
    if keys.RUN not in st.session_state:
        st.session_state[keys.RUN] = _going_on(who)
    followed: Followed | None = st.session_state[keys.RUN]
    if followed is not None:
        st.fragment(_strip, run_every=LOOK_SECONDS if followed.is_going_on else None)(followed)


def _going_on(who: Actor) -> Followed | None:
    if not clinic.may(who, Action.RESULT_RUN):
        return None
    newest = clinic.services().jobs.list(who, Turn(page_size=_NEWEST)).items
    for job in newest:
        if job.is_going_on and job.kind == KIND and job.created_by == who.user_id:
            return _followed(job)
    return None


def _followed(job: Job) -> Followed:
    """Return a run with the place where its results will stand, the newest first."""
    name, image_set = str(job.ids["analyser"]), job.ids.get("image_set_id")
    titles = {each.name: each.title for each in clinic.services().analyses.models(clinic.actor())}
    place = places.Place(job.ids.get("patient_id"), set=UUID(image_set) if image_set else None, model=name)
    return Followed(job.id, titles.get(name, name), place)


def _strip(followed: Followed) -> None:
    if st.session_state.get(keys.RUN) is None:  # closed a moment ago
        return
    with errors.shown():
        try:
            job = clinic.services().jobs.get(clinic.actor(), followed.job_id)
        except NotFound:
            _forget()
            return
        if job.is_going_on != followed.is_going_on:  # once: the screen beneath may show its results
            st.session_state[keys.RUN] = replace(followed, is_going_on=job.is_going_on)
            st.rerun()
        _standing(job, followed)


def _standing(job: Job, followed: Followed) -> None:
    """Draw how a run stands, and what can be done about it."""
    with st.container(key=keys.key("run-strip", job.id), gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            said = _("{model}: {state}").format(model=followed.title, state=_state(job))
            st.html(f'<span role="status">{escape(said)}</span>', width="content")
            _buttons(job, followed)
        if job.is_going_on and job.total:
            st.progress(min(1.0, job.progress / job.total))
        errors.show_kept()


def _state(job: Job) -> str:
    """Return how a run stands: "12 of 40 images", "38 analysed, 2 known before"."""
    if job.is_cancelling:
        return _("is being cancelled")
    if job.state is JobState.WAITING:
        return _("waits")
    if job.state is JobState.RUNNING:
        return _("{done} of {images}").format(done=job.progress, images=words.images(job.total))
    if job.state is JobState.CANCELLED:
        return _("cancelled after {images}").format(images=words.images(job.progress))
    if job.state is JobState.FAILED:
        return job.error or _("failed")
    return counts(job.result or {})


def counts(result: Mapping[str, Any]) -> str:
    """Return what came of a run: "38 analysed, 2 known before, 1 failed"."""
    texts = {
        "computed": _("{count} analysed"),
        "already_there": _("{count} known before"),
        "failed": _("{count} failed"),
        "gone": _("{count} no longer there"),
    }
    said = [text.format(count=result[name]) for name, text in texts.items() if result.get(name)]
    return ", ".join(said) or _("there was nothing to look at")


def _buttons(job: Job, followed: Followed) -> None:
    with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
        if job.is_going_on:
            if not job.is_cancelling:
                _button("cancel", _("Cancel"), ":material/cancel:", _act, "cancel", job.id)
            return
        if job.state in CAN_RETRY:
            _button("retry", _("Try again"), ":material/replay:", _act, "retry", job.id)
        elif (job.result or {}).get("failed"):
            _button("failed", _("Try the failed again"), ":material/replay:", _again, job, followed)
        _button("results", _("See the results"), ":material/biotech:", _to_results, followed.place)
        _button("close", _("Close"), ":material/close:", _close)


def _button(name: str, label: str, icon: str, act: Any, *arguments: object) -> None:
    st.button(label, key=_key("strip", name), icon=icon, type="tertiary", on_click=act, args=arguments)


def _act(what: str, job_id: UUID) -> None:
    with errors.kept():
        jobs = clinic.services().jobs
        (jobs.cancel if what == "cancel" else jobs.retry)(clinic.actor(), job_id)


def _again(job: Job, followed: Followed) -> None:
    """Start another run over what failed, or when those are too many to be named, over all not known yet."""
    with errors.kept():
        result, options = job.result or {}, dict(job.ids)
        named = result.get("failed_images", [])
        if len(named) == result.get("failed"):
            options = {"analyser": options["analyser"], "again": options.get("again", False)}
            options["image_ids"] = named
        else:
            options["again"] = False
        started = clinic.services().jobs.start(clinic.actor(), KIND, options)
        st.session_state[keys.RUN] = replace(followed, job_id=started.id, is_going_on=True)
        st.rerun()


def _to_results(place: places.Place) -> None:
    _forget()
    places.go(place, "analyses")
    st.rerun()


def _close() -> None:
    _forget()
    st.rerun()


def _forget() -> None:
    st.session_state[keys.RUN] = None


def _key(*parts: object) -> str:
    return keys.key("run", *parts)
