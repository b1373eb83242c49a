"""What the readers of the formats tell of a file before any pixel of it is decoded."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

from imgcore.errors import Damaged
from imgcore.texts import _

# A file as the readers see it. A mapped file costs no copy, and hands out bytes where it is sliced.
View = bytes | mmap.mmap


@dataclass(frozen=True)
class Container:
    """A file that was found whole and within the limits.

    ``exif`` is the EXIF block as found. ``masks`` are the places to write over, and with what, in the
    decoder's view of the file, so that it passes over the metadata: broken metadata must not spoil a
    good picture. ``icc`` is the colour profile where a mask hides it. ``plain`` is false when browsers
    fail at this kind of coding.
    """

    frames: int = 1
    exif: View = b""
    icc: bytes = b""
    masks: tuple[tuple[int, bytes], ...] = ()
    plain: bool = True


def damaged() -> Damaged:
    """Return the error for a file whose content does not make a picture."""
    return Damaged(
        _("This photograph is damaged and cannot be opened."),
        hint=_("Copy it from the camera or phone again."),
    )


def cut_short() -> Damaged:
    """Return the error for a file that ends before its picture does."""
    return Damaged(
        _("This photograph is cut short: part of the file is missing."),
        hint=_("Copy it from the camera or phone again."),
    )
