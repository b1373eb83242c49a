"""Keys of stored objects: ids only, written once and never computed again after a move."""

from __future__ import annotations

from pathlib import PurePosixPath
from uuid import UUID

from imgcore.errors import Invalid
from imgcore.texts import _

LONGEST_KEY = 1024
LONGEST_PART = 255
ENDINGS = {
    "thumbnail": "thumb",
    "display": "display",
    "compressed": "compressed",
    "analysis": "analysis",
}


def original_key(patient_id: UUID, batch_id: UUID, image_id: UUID, extension: str) -> str:
    """Return the key of an original; ``extension`` is that of its format, without the dot."""
    return f"images/{patient_id}/{batch_id}/{image_id}.{extension}"


def rendition_key(original: str, kind: str, edit_revision: int) -> str:
    """Return the key of a rendition, which is always a JPEG, beside its original."""
    stem = PurePosixPath(original).with_suffix("")
    revision = f"_r{edit_revision}" if edit_revision else ""
    return f"{stem}{revision}_{ENDINGS[kind]}.jpg"


def is_key(text: str) -> bool:
    """Tell whether every store can keep an object under ``text``.

    Parts are divided by single slashes; none starts with a dot, so there are no hidden files
    and no way up; no part holds a control character or a backslash.
    """
    if not text.isprintable() or "\\" in text or not _fits(text, LONGEST_KEY):
        return False
    return all(part and not part.startswith(".") and _fits(part, LONGEST_PART) for part in text.split("/"))


def checked_key(text: str) -> str:
    """Return ``text``, or raise ``Invalid`` when it is no key."""
    if not is_key(text):
        raise Invalid(_("No image file can be stored under this name."))
    return text


def _fits(text: str, limit: int) -> bool:
    return len(text.encode(errors="surrogateescape")) <= limit
