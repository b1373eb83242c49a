"""Callbacks are done to their end, though the browser asks for the next run meanwhile."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def screen() -> None:
    """Draw a button whose callback is overtaken by the next click before it has done anything."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from imgcore.ui import callbacks

    callbacks.run_to_their_end()

    def act() -> None:
        context = get_script_run_ctx()
        assert context is not None and context.script_requests is not None
        assert context.script_requests.request_rerun(RerunData())
        st.session_state["begun"] = st.session_state.get("begun", 0) + 1
        st.query_params["place"] = "here"
        st.session_state["ended"] = st.session_state.get("ended", 0) + 1

    st.button("Act", on_click=act)
    st.write("drawn")


def test_a_callback_that_is_overtaken_is_done_once_and_whole() -> None:
    app = AppTest.from_function(screen).run()
    app.button[0].click().run()
    assert not app.exception
    assert (app.session_state["begun"], app.session_state["ended"]) == (1, 1)
    assert app.markdown[0].value == "drawn"
