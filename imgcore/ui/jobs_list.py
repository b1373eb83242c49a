"""The jobs as a list: how each stands, how far it is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from imgcore.domain.access import Action
from imgcore.domain.jobs import CAN_RETRY, Job, JobState
from imgcore.texts import _
from imgcore.ui import clinic, dates, errors, keys, lists, words

PAGE_SIZE = 10
LOOK_SECONDS = 2.0
_NAME = "jobs"
_GOING_ON = keys.key("jobs", "going-on")
_MOST_REFUSED = 10


def draw() -> None:
    """Draw the jobs that the person may see; while one is going on, they are looked up again and again."""
    is_going_on = st.session_state.get(_GOING_ON, False)
    st.fragment(_draw, run_every=LOOK_SECONDS if is_going_on else None)()


def _draw() -> None:
    who = clinic.actor()
    with errors.shown():
        page = clinic.services().jobs.list(who, lists.turn(_NAME, PAGE_SIZE))
        _look_again(any(job.is_going_on for job in page.items))
        errors.show_kept()
        if not page.items:
            st.markdown(_("Nothing has been done in the background yet."))
        may_manage = clinic.may(who, Action.JOB_MANAGE)
        for job in page.items:
            _row(job, may_manage)
        lists.pages(page, _NAME)


def _look_again(is_going_on: bool) -> None:
    """Start or stop looking again and again; the whole screen is drawn once for that."""
    if is_going_on != st.session_state.get(_GOING_ON, False):
        st.session_state[_GOING_ON] = is_going_on
        st.rerun()


def _row(job: Job, may_manage: bool) -> None:
    with st.container(key=keys.key("row-job", job.id), gap=None):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{words.literal(job.title)}** {_state(job)}", width="content")
            with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
                st.caption(_about(job), width="content")
                if may_manage:
                    _buttons(job)
        if job.state is JobState.RUNNING:
            _progress(job)
        if job.error:
            st.caption(words.literal(job.error))
        if job.result is not None:
            _result(job)


def _about(job: Job) -> str:
    named = words.literal(str(job.ids.get("analyser", ""))), words.literal(job.created_by_name)
    return ", ".join(filter(None, (*named, dates.moment(job.created_at))))


def _state(job: Job) -> str:
    if job.is_cancelling:
        return _("is being cancelled")
    return {
        JobState.WAITING: _("waits"),
        JobState.RUNNING: _("is being done"),
        JobState.DONE: _("done"),
        JobState.FAILED: _("failed"),
        JobState.CANCELLED: _("cancelled"),
    }[job.state]


def _progress(job: Job) -> None:
    """Draw the bar with its counts; without a total there is none to draw."""
    if job.total:
        text = _("{done} of {total}").format(done=job.progress, total=job.total)
        st.progress(min(1.0, job.progress / job.total), text=text)
    elif job.progress:
        st.caption(_("{done} done so far").format(done=job.progress))


def _result(job: Job) -> None:
    """Draw the counts that a job ended with, and the first of what it could not do."""
    result = dict(job.result or {})
    refused = result.get("refused")
    counts = {name: value for name, value in result.items() if type(value) in (int, str)}
    if counts:
        st.caption(words.literal(", ".join(f"{_word(name)}: {value}" for name, value in counts.items())))
    findings = result.get("findings")
    for text in findings[:_MOST_REFUSED] if isinstance(findings, list) else ():
        st.caption(words.literal(str(text)))
    for each in refused[:_MOST_REFUSED] if isinstance(refused, list) else ():
        st.caption(words.literal(f"{each['path']}: {each['message']}"))


def _word(name: str) -> str:
    """Return what a count of a result is called."""
    known = {
        "stored": _("stored"),
        "already_there": _("already there"),
        "computed": _("analysed"),
        "gone": _("no longer there"),
        "not_stored": _("not stored"),
        "images": _("images"),
        "made": _("made"),
        "failed": _("failed"),
        "found": _("faults"),
        "mended": _("mended"),
        "damaged": _("damaged before"),
        "file": _("file"),
        "batches": _("batches"),
        "patients": _("patients"),
    }
    return known.get(name, name.replace("_", " "))


def _buttons(job: Job) -> None:
    if job.is_going_on and not job.is_cancelling:
        _button(job, "job-cancel", _("Cancel"), ":material/cancel:", clinic.services().jobs.cancel)
    if job.state in CAN_RETRY:
        _button(job, "job-retry", _("Try again"), ":material/replay:", clinic.services().jobs.retry)


def _button(job: Job, name: str, label: str, icon: str, act: Callable[..., object]) -> None:
    key = keys.key(name, job.id)
    st.button(label, key=key, icon=icon, type="tertiary", on_click=_act, args=(act, job.id))


def _act(act: Callable[..., object], job_id: UUID) -> None:
    with errors.kept():
        act(clinic.actor(), job_id)
