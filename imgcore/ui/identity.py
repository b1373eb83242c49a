"""Who looks at the screen: asked of the database on every run, since a session can end at any moment."""

from __future__ import annotations

from html import escape
from typing import NoReturn
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import streamlit as st

from imgcore.bootstrap import in_use
from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Actor, visitor
from imgcore.texts import _


def current_actor() -> Actor:
    """Return who is signed in; when nobody is any more, say so and stop the run.

    The guard lets no message of a locked tab through; what began before goes on to its end, or the
    lock would take from the screen what was typed there.
    """
    asking = visitor(address=st.context.ip_address or "", request_id=uuid4().hex)
    token = st.context.cookies.get(SESSION_COOKIE, "")
    ask = in_use().services.sign_in.by_cookie
    actor = ask(asking, token, is_use=False, even_locked=True) if token else None
    if actor is None:
        _ask_to_sign_in()
    return actor


def _ask_to_sign_in() -> NoReturn:
    page = urlsplit(st.context.url or "/")
    wanted = page.path + (f"?{page.query}" if page.query else "")
    st.info(_("Your session has ended."), icon=":material/lock:")
    link = f"/auth/login?{urlencode({'next': wanted})}"
    st.html(f'<p><a href="{escape(link)}" target="_self">{escape(_("Sign in again"))}</a></p>')
    st.stop()
