"""The place in the URL."""

from __future__ import annotations

from uuid import UUID

from streamlit.testing.v1 import AppTest

from imgcore.ui.places import Place

BATCH = UUID("0b7a4b8e-6f43-4f5c-9f0e-0f1d3c2b1a00")


def _show() -> None:
    import streamlit as st

    from imgcore.ui import places

    screen = st.session_state.get("menu", "images")
    place, wanted = places.move(screen)
    places.settle(wanted)
    st.session_state["shown"] = (place, wanted)
    st.button("go", on_click=places.go, args=(places.Place("7", filter="cast"), "images"))


def _app(**query: str) -> AppTest:
    app = AppTest.from_function(_show)
    app.query_params = dict(query)
    return app.run()


def _shown(app: AppTest) -> tuple[Place, str]:
    shown: tuple[Place, str] = app.session_state["shown"]
    return shown


def test_a_deep_link_names_the_place() -> None:
    app = _app(patient="7", batch=str(BATCH), filter="cast & cut")
    assert _shown(app) == (Place("7", BATCH, filter="cast & cut"), "images")


def test_the_table_is_named_and_no_other_view_is() -> None:
    assert _shown(_app(patient="7", view="table"))[0] == Place("7", view="table")
    assert _shown(_app(patient="7", view="<b>"))[0] == Place("7")


def test_an_id_that_is_none_is_left_out() -> None:
    assert _shown(_app(patient="7", batch="../x", image="1"))[0] == Place("7")


def test_a_callback_leads_to_a_place_on_another_screen() -> None:
    app = _app()
    app.session_state["menu"] = "patients"
    app.button[0].click().run()
    assert _shown(app) == (Place("7", filter="cast"), "images")


def test_a_callback_leads_to_another_place_on_the_screen() -> None:
    app = _app(patient="3")
    app.button[0].click().run()
    assert _shown(app) == (Place("7", filter="cast"), "images")
    assert app.query_params == {"patient": "7", "filter": "cast"}


def test_the_menu_takes_the_patient_along() -> None:
    app = _app(patient="7")
    app.query_params = {}
    app.session_state["menu"] = "trash"
    app.run()
    assert _shown(app) == (Place("7"), "trash")
    assert app.query_params == {"patient": "7"}


def test_an_emptied_url_empties_the_place() -> None:
    app = _app(patient="7")
    app.query_params = {}
    app.run()
    assert _shown(app)[0] == Place()
