"""One way to show an error: what happened in one sentence, and the next step where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from imgcore.errors import ImgcoreError
from imgcore.ui import keys, words


def show(error: ImgcoreError) -> None:
    """Draw an error where the screen is now."""
    text = words.literal(error.message)
    if error.hint:
        text += "  \n" + words.literal(error.hint)
    st.error(text, icon=":material/error:")


@contextmanager
def shown() -> Iterator[None]:
    """Draw an error of the block in its place; the rest of the screen goes on."""
    try:
        yield
    except ImgcoreError as error:
        show(error)


@contextmanager
def kept() -> Iterator[None]:
    """Keep an error of a callback, which runs before anything is drawn, for ``show_kept``."""
    try:
        yield
    except ImgcoreError as error:
        st.session_state[keys.FAULT] = error


def show_kept() -> None:
    """Draw the error that a callback left, once."""
    error = st.session_state.pop(keys.FAULT, None)
    if error is not None:
        show(error)
