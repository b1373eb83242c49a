"""What a click or an edit sets off is done to its end, whatever is clicked next."""

from __future__ import annotations

from typing import Any

from streamlit.runtime.state import SafeSessionState

_interruptible = SafeSessionState.on_script_will_rerun


def run_to_their_end() -> None:
    """Let callbacks finish before the next click is dealt with; call it with every run.

    Streamlit ends a run as soon as the browser has asked for another one: before its callbacks, so that a
    click is forgotten, and in them at any look at the session, between "done" and the notice that says so.
    """
    SafeSessionState.on_script_will_rerun = _whole  # type: ignore[method-assign, assignment]


def _whole(state: SafeSessionState, *arguments: Any, **options: Any) -> None:
    runner: Any = state._yield_callback.__self__  # type: ignore[attr-defined]
    runner._execing = False  # Streamlit's word for "now is no time to give way"
    try:
        _interruptible(state, *arguments, **options)
    finally:
        runner._execing = True
