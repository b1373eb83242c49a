"""When, with what and how upright a photograph was taken, as its EXIF block tells."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from imgcore.imaging.containers import View
from imgcore.imaging.directories import Directories, Directory

MAKE, MODEL, ORIENTATION, CHANGED, EXIF_DIRECTORY = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769
# Each time with the offset that belongs to it, best first: taken, digitised, file changed.
TIMES = ((0x9003, 0x9011), (0x9004, 0x9012), (CHANGED, 0x9010))
_TIME = re.compile(rb"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(rb"\s*([+-])(\d\d):?([0-5]\d)")
NAME_LENGTH = 100


@dataclass(frozen=True)
class Capture:
    """The part of the metadata that Imgcore keeps; what is absent or senseless is None, or upright."""

    captured_at: datetime | None = None
    captured_offset: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    orientation: int = 1


def read_capture(exif: View) -> Capture:
    """Read an EXIF block; one that is broken tells what can still be read, and never fails."""
    try:
        directories = Directories(exif[6:] if exif[:6] == b"Exif\0\0" else exif)
        main = directories.read(directories.first)
    except ValueError:
        return Capture()
    detail = _detail(directories, main)
    captured_at, captured_offset = _taken(directories, main, detail)
    orientation = (*directories.integers(main, ORIENTATION), 1)[0]
    return Capture(
        captured_at=captured_at,
        captured_offset=captured_offset,
        camera_make=_name(directories.raw(main, MAKE)),
        camera_model=_name(directories.raw(main, MODEL)),
        orientation=orientation if 1 <= orientation <= 8 else 1,
    )


def _detail(directories: Directories, main: Directory) -> Directory:
    try:
        return directories.read(directories.integers(main, EXIF_DIRECTORY)[0])
    except (IndexError, ValueError):
        return Directory({}, 0, 0)


def _taken(
    directories: Directories, main: Directory, detail: Directory
) -> tuple[datetime | None, str | None]:
    for time, offset in TIMES:
        taken = _time(directories.raw(main if time == CHANGED else detail, time))
        if taken:
            return taken, _offset(directories.raw(detail, offset))
    return None, None


def _time(value: bytes) -> datetime | None:
    found = _TIME.match(value)
    try:
        # Naive on purpose: it is the local time of the camera.
        return datetime(*map(int, found.groups())) if found else None  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def _offset(value: bytes) -> str | None:
    found = _OFFSET.match(value)
    if found is None or int(found[2]) > 14:
        return None
    return (b"%b%b:%b" % found.groups()).decode()


def _name(value: bytes) -> str | None:
    text = value.split(b"\0")[0].decode("utf-8", "replace")
    kept = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
    return kept.strip()[:NAME_LENGTH].strip() or None
