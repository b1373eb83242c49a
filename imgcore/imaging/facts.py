"""What is known of a photograph once it was checked, and what may be spent on checking it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from imgcore.errors import TooManyPixels
from imgcore.texts import _

Kind = Literal["thumbnail", "display", "compressed", "analysis"]
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one file may cost; ``max_seconds`` is wall time, ``max_memory_bytes`` is address space.

    500 frames is far more than any camera writes (bursts have 30, films of a gait about 100), and few
    enough for a screen to play. Without ``max_memory_bytes`` a worker may use what ``max_pixels`` need.
    """

    max_pixels: int = 64_000_000
    max_frames: int = 500
    max_memory_bytes: int | None = None
    max_seconds: float = 20.0

    @property
    def address_space(self) -> int:
        """Bytes that a worker may map; the costliest picture, a turned WebP, takes 21 for each pixel."""
        return self.max_memory_bytes or 512 * MEBIBYTE + 24 * self.max_pixels

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture with more pixels than allowed."""
        if width * height > self.max_pixels:
            raise TooManyPixels(
                _("This picture has {count} megapixels; at most {limit} are accepted.").format(
                    count=_millions(width * height), limit=_millions(self.max_pixels)
                ),
                hint=_("Save it smaller and try again."),
            )

    def check_frames(self, count: int) -> None:
        """Refuse a file with more pictures than allowed."""
        if count > self.max_frames:
            raise TooManyPixels(
                _("This file has more than {limit} frames or pages.").format(limit=self.max_frames),
                hint=_("Send the frames that matter as single photographs."),
            )


@dataclass(frozen=True)
class Facts:
    """What the bytes say of themselves; ``width`` and ``height`` are after the turn.

    ``orientation`` is the EXIF value, 1 to 8, from which the camera's pixels are turned upright.
    ``captured_at`` is the camera's local time and ``captured_offset`` its distance from UTC ("+02:00").
    ``browser_shows`` is false when a screen needs the display copy.
    """

    format: str
    mime_type: str
    extension: str
    width: int
    height: int
    orientation: int
    frames: int
    captured_at: datetime | None
    captured_offset: str | None
    camera_make: str | None
    camera_model: str | None
    browser_shows: bool


@dataclass(frozen=True)
class RenditionFile:
    """A copy that was written for one purpose, always a JPEG without metadata."""

    path: Path
    width: int
    height: int
    file_size: int
    crc32: int


@dataclass(frozen=True)
class Prepared:
    """A photograph that was found whole, with its thumbnail."""

    facts: Facts
    thumbnail: RenditionFile


def _millions(count: int) -> str:
    return f"{count / 1_000_000:,.1f}".removesuffix(".0")
