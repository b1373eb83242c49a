"""The server: sign-in, REST interface, image routes and screens in one process, behind one guard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from imgcore.api import server
from imgcore.api.guard import PERSON_HEADER
from imgcore.ui import tabs

tabs.prepare(__file__, PERSON_HEADER)

app = st.App(
    Path(__file__).parent / "pages" / "_frame.py",
    routes=server.routes(address=st.get_option("server.address")),
    middleware=server.middleware(tabs),
    lifespan=server.lifespan,
)
