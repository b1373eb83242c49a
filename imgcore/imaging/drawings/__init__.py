"""Photographs that nobody took: drawn pictures of feet and devices, in files like those of a camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from imgcore.imaging.formats import AVIF, BMP, GIF, HEIC, JPEG, PNG, TIFF, WEBP, Format

FORMATS: dict[str, Format] = {
    format.extension: format for format in (JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, HEIC)
}
WITHOUT_EXIF = frozenset({"gif", "bmp"})


@dataclass(frozen=True)
class Drawing:
    """What to draw: one of the motifs, whose foot, and the seed of what differs from picture to picture.

    ``growth`` is the foot's length as a share of 250 mm; ``size`` is that of the upright picture.
    """

    motif: str
    seed: str
    side: str = "R"
    tone: str = "fair"
    growth: float = 1.0
    size: tuple[int, int] = (1600, 1200)


@dataclass(frozen=True)
class Shot:
    """What a camera writes beside the pixels; ``taken_at`` is aware, in the zone of the place.

    ``orientation`` is 1, 3, 6 or 8, as the camera was held; other than 1 only in JPEG files.
    """

    camera_make: str
    camera_model: str
    taken_at: datetime
    orientation: int = 1


def photograph(drawing: Drawing, shot: Shot, extension: str = "jpg") -> bytes:
    """Return the drawing as a file of one of ``FORMATS``; the same arguments give the same bytes."""
    from imgcore.imaging.drawings.files import written

    return written(drawing, shot, extension)
