"""The one dialog that can be open in a tab: asked for by a button, drawn by the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import streamlit as st

from imgcore.texts import _
from imgcore.ui import errors, keys, notices


@dataclass(frozen=True)
class Dialog:
    """A dialog that was asked for: ``draw`` gets the arguments each time it is drawn."""

    title: str
    draw: Callable[..., None]
    arguments: tuple[Any, ...]


def ask(title: str, draw: Callable[..., None], *arguments: Any) -> None:
    """Open a dialog with the next run; call it from ``on_click``."""
    st.session_state[keys.DIALOG] = Dialog(title, draw, arguments)


def close() -> None:
    """Forget the open dialog."""
    st.session_state.pop(keys.DIALOG, None)


def cancel() -> NoReturn:
    """Close the dialog without doing anything; call it from ``on_click`` inside the dialog."""
    close()
    st.rerun()


def finish(notice: notices.Notice | None = None) -> NoReturn:
    """Close the dialog from its own callback, and draw the whole screen anew."""
    close()
    if notice is not None:
        notices.keep(notice)
    st.rerun()


def draw() -> None:
    """Draw the dialog that is open, if any."""
    dialog: Dialog | None = st.session_state.get(keys.DIALOG)
    if dialog is not None:
        st.dialog(dialog.title, on_dismiss=close)(_body)(dialog)


def _body(dialog: Dialog) -> None:
    dialog.draw(*dialog.arguments)
    errors.show_kept()


def confirm(label: str, act: Callable[..., None], *arguments: Any) -> None:
    """Draw the button that does what a dialog asked about, in red because it destroys, and the way back."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Cancel"), key=keys.key("dialog", "cancel"), on_click=cancel)
        st.button(
            f":red[{label}]",
            key=keys.key("dialog", "confirm"),
            icon=":material/delete:",
            on_click=act,
            args=arguments,
        )
