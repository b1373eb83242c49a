"""The server: sign-in, REST interface, image routes and screens in one process, behind one guard."""

from __future__ import annotations

import gc
from pathlib import Path

gc.disable()  # all that is loaded now stays: looking for garbage in it would take a fifth of the start

import streamlit as st

from imgcore.api import server
from imgcore.api.guard import PERSON_HEADER
from imgcore.ui import navigation, tabs

tabs.prepare(__file__, PERSON_HEADER)

app = st.App(
    Path(__file__).parent / "pages" / "_frame.py",
    routes=server.routes(address=st.get_option("server.address")),
    middleware=server.middleware(tabs, navigation.start_of),
    lifespan=server.lifespan,
)

gc.freeze()
gc.enable()
