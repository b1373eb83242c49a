"""Small pictures beside a row, by their URL: the browser fetches and keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from uuid import UUID

from imgcore.texts import _


def strip(image_ids: Sequence[UUID], name: str) -> str:
    """Return the HTML of up to three thumbnails of what is called ``name``."""
    return (
        '<div class="imgcore-strip">'
        + "".join(
            f'<img src="/api/images/{image_id}/thumbnail/?v=0" loading="lazy" alt="{escape(alt)}">'
            for number, image_id in enumerate(image_ids, start=1)
            if (alt := _("Image {number} of {name}").format(number=number, name=name))
        )
        + "</div>"
    )
