"""The filmstrip under the viewer: the only place that draws streamlit-image-select.

It works by mouse alone; all it does is on the arrow keys too, so it is hidden from readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import streamlit as st
from streamlit_image_select import image_select  # type: ignore[import-untyped]

from imgcore.ui import keys

SHOWN = 9


def draw(ids: Sequence[UUID], current: UUID) -> UUID | None:
    """Draw the current image and those after it; return another that was clicked, or None.

    The component always marks its first picture, and keeps the list it was made with: so the
    current image comes first, and the key is made from the list.
    """
    if current not in ids:
        return None
    place = ids.index(current)
    part = list(ids[place : place + SHOWN])
    digest = hashlib.sha256("".join(map(str, part)).encode()).hexdigest()[:16]
    with st.container(key="filmstrip"):
        index = image_select(
            "",
            [f"/api/images/{each}/thumbnail/" for each in part],
            return_value="index",
            use_container_width=False,
            key=keys.key("film", digest),
        )
    return part[int(index)] if index else None
