"""Upload by Streamlit's own widget: for browsers in which the dropzone does not work.

The widget keeps every file in the server's memory, so it is for few files, and what it holds is
given back as soon as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
_RESULT = "simple-upload-result"
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
        if chosen:
            label = _("Store {images}").format(images=words.images(len(chosen)))
            st.button(
                label, key=keys.key("simple-store", batch.id), type="primary", on_click=_store, args=(batch,)
            )
        _show(st.session_state.get(_RESULT))


def _key(batch: Batch) -> str:
    return keys.key("simple-upload", batch.id, st.session_state.get(_ROUND, 0))


def _store(batch: Batch) -> None:
    files = st.session_state.get(_key(batch)) or []
    who = clinic.actor()
    with errors.kept():
        try:
            offered = [_take(who, each) for each in files[:MOST_FILES]]
            st.session_state[_RESULT] = clinic.services().uploads.store(who, batch.id, offered)
        finally:
            release(files)
            st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _take(who: Actor, file: Any) -> Offered | Refused:
    intake = clinic.services().uploads.intake(who, file.name)
    try:
        intake.write(file.getbuffer())
        return Offered(intake.finish())
    except ImgcoreError as error:
        return Refused(intake.name, error.code, error.message)


def release(files: Iterable[Any]) -> None:
    """Give back the memory of uploaded files, which Streamlit would hold until the tab closes."""
    context: Any = get_script_run_ctx()
    if context is None:
        return
    for file in files:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def _show(received: Received | None) -> None:
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
    st.button(_("Done"), key="simple-upload-dismiss", on_click=_dismiss)


def _said(already_there: bool) -> str:
    return _("already in this batch") if already_there else _("stored")


def _dismiss() -> None:
    st.session_state.pop(_RESULT, None)
