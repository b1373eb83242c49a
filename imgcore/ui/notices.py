"""What has just been done, said at the foot of the screen for a while, with Undo where it can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from uuid import UUID, uuid4

import streamlit as st

from imgcore.texts import _
from imgcore.ui import clinic, errors, keys

SHOWN_FOR = timedelta(seconds=12)


@dataclass(frozen=True)
class Notice:
    """One sentence, and the change that Undo takes back, with those made before it in the same step.

    Its time begins when it is first drawn: a server that takes long must not use it up.
    """

    text: str
    change_id: UUID | None = None
    also: tuple[UUID, ...] = ()
    id: UUID = field(default_factory=uuid4)
    drawn_at: datetime | None = None


def keep(notice: Notice) -> None:
    """Show this notice from the next run on, instead of the one before."""
    st.session_state[keys.NOTICE] = notice


def current() -> UUID | None:
    """Return the id of the last notice."""
    notice: Notice | None = st.session_state.get(keys.NOTICE)
    return notice.id if notice is not None else None


def draw() -> None:
    """Draw the notice while it is fresh; the style sheet takes it away when its time is over."""
    notice: Notice | None = st.session_state.get(keys.NOTICE)
    if notice is None:
        return
    if notice.drawn_at is None:
        notice = st.session_state[keys.NOTICE] = replace(notice, drawn_at=datetime.now(UTC))
    elif datetime.now(UTC) - notice.drawn_at > SHOWN_FOR:
        return
    with st.container(
        key=keys.key("notice", notice.id),
        horizontal=True,
        vertical_alignment="center",
        width="content",
        gap="small",
    ):
        st.html(f'<span role="status">{escape(notice.text)}</span>', width="content")
        if notice.change_id is not None:
            st.button(
                _("Undo"),
                key=keys.key("undo", notice.id),
                on_click=_undo,
                args=((*notice.also, notice.change_id),),
                icon=":material/undo:",
                type="tertiary",
            )


def _undo(change_ids: tuple[UUID, ...]) -> None:
    st.session_state.pop(keys.NOTICE, None)
    with errors.kept():
        st.session_state[keys.IMAGES_CHANGED] = True
        for change_id in reversed(change_ids):
            clinic.services().history.undo(clinic.actor(), change_id)
        keep(Notice(_("Undone.")))
