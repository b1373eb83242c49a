"""Upload by Streamlit's own widget: for browsers in which the dropzone does not work.

The widget keeps every file in the server's memory, so it is for few files, and what it holds is
given back as soon as it is stored, or left behind for another batch.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from imgcore.domain.access import Actor
from imgcore.domain.records import Batch, Received, Refused
from imgcore.errors import ImgcoreError
from imgcore.services.uploads import Offered
from imgcore.texts import _
from imgcore.ui import clinic, errors, keys, words

MOST_FILES = 40
_ROUND = "simple-upload-round"
_HELD = "simple-upload-held"
_TYPES = ["jpg", "jpeg", "png", "gif", "webp", "heic", "heif", "tif", "tiff", "bmp", "avif", "mpo"]


def draw(batch: Batch) -> None:
    """Draw the widget, and what became of the files it sent last."""
    with st.expander(_("Simple upload"), icon=":material/upload_file:"):
        st.caption(_("For up to {count} files, 200 MB in all.").format(count=MOST_FILES))
        chosen = st.file_uploader(
            _("Photographs"),
            type=_TYPES,
            accept_multiple_files=True,
            key=_key(batch),
            label_visibility="collapsed",
        )
        _hold({each.file_id for each in chosen})
        if chosen:
            label = _("Store {images}").format(images=words.images(len(chosen)))
            st.button(
                label, key=keys.key("simple-store", batch.id), type="primary", on_click=_store, args=(batch,)
            )
        _show(batch.id)


def _hold(file_ids: set[str]) -> None:
    """Keep what is chosen now, and release what was: the widget forgets it without giving it back."""
    before: set[str] = st.session_state.get(_HELD, set())
    st.session_state[_HELD] = file_ids
    if left := before - file_ids:
        release(left)


def _result(batch_id: UUID) -> str:
    return keys.key("simple-upload-result", batch_id)


def _key(batch: Batch) -> str:
    return keys.key("simple-upload", batch.id, st.session_state.get(_ROUND, 0))


def _store(batch: Batch) -> None:
    files = st.session_state.get(_key(batch)) or []
    who = clinic.actor()
    with errors.kept():
        try:
            offered = [_take(who, each) for each in files[:MOST_FILES]]
            st.session_state[_result(batch.id)] = clinic.services().uploads.store(who, batch.id, offered)
        finally:
            for each in files:
                each.close()
            st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _take(who: Actor, file: Any) -> Offered | Refused:
    intake = clinic.services().uploads.intake(who, file.name)
    try:
        intake.write(file.getvalue())  # a buffer would be a second copy
        return Offered(intake.finish())
    except ImgcoreError as error:
        return Refused(intake.name, error.code, error.message)


def release(file_ids: Iterable[str]) -> None:
    """Give back the memory of uploaded files, which Streamlit would hold until the tab closes."""
    context: Any = get_script_run_ctx()
    if context is None:
        return
    for file_id in file_ids:
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)
    _trim()


def _trim() -> None:
    """Hand freed memory to the machine: the C library of Linux would keep large pieces for itself."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def _show(batch_id: UUID) -> None:
    received: Received | None = st.session_state.get(_result(batch_id))
    if received is None:
        return
    lines = [
        f"- {words.literal(each.image.original_name)}: {_said(each.already_there)}"
        for each in received.uploaded
    ]
    lines += [
        f"- :red[{words.literal(each.name)}: {words.literal(each.message)}]" for each in received.failed
    ]
    st.markdown("\n".join(lines))
    st.button(_("Done"), key="simple-upload-dismiss", on_click=_dismiss, args=(batch_id,))


def _said(already_there: bool) -> str:
    return _("already in this batch") if already_there else _("stored")


def _dismiss(batch_id: UUID) -> None:
    st.session_state.pop(_result(batch_id), None)
