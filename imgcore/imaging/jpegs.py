"""Reads the header of a JPEG file (ITU T.81) and takes the metadata out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.directories import Directories
from imgcore.imaging.facts import Limits

END, SCAN = b"\xff\xd9", 0xDA
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Arithmetic, lossless and hierarchical coding is for programs; browsers show these three.
FRAMES_OF_BROWSERS = frozenset({0xC0, 0xC1, 0xC2})
# Application data that says how to read the pixels: JFIF and Adobe's colour transform.
KEPT_APPLICATIONS = frozenset({0xE0, 0xEE})
METADATA = (frozenset(range(0xE0, 0xF0)) - KEPT_APPLICATIONS) | {0xFE}
# The marker of application data that no decoder looks into.
UNREAD = b"\xef"
EXIF, ICC, PICTURES = b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0"


def read(data: View, limits: Limits) -> Container:
    """Read the segments before the first scan; whether the scans are whole the decoder notices.

    What follows the end of the picture is left in peace: phones keep a film, a depth map or their
    own notes there.
    """
    exif, profile, masks = b"", list[bytes](), list[tuple[int, bytes]]()
    width = height = components = coding = 0
    for marker, start, end in _segments(data):
        body = data[start:end]
        if marker == 0xE1 and body.startswith(EXIF):
            exif = exif or body
        elif marker == 0xE2 and body.startswith(ICC):
            profile.append(body[len(ICC) :])
        elif marker == 0xE2 and body.startswith(PICTURES):
            _check_pictures(data, start + len(PICTURES), body[len(PICTURES) :])
        elif marker in FRAMES and len(body) >= 6:
            coding, components = marker, body[5]
            height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            limits.check_size(width, height)
        if marker in METADATA:
            masks.append((start - 3, UNREAD))
    if not width or not height:
        raise damaged()
    plain = coding in FRAMES_OF_BROWSERS and components in (1, 3)
    return Container(exif=exif, icc=_joined(profile), masks=tuple(masks), plain=plain)


def _segments(data: View) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the body of each segment up to the first scan, that one included."""
    at, marker = 2, 0
    while marker != SCAN:
        # Cameras pad between segments, and a few leave stray bytes there.
        at = data.find(b"\xff", at)
        while data[at : at + 1] == b"\xff":
            at += 1
        if at <= 0 or at + 3 > len(data):
            raise cut_short()
        marker = data[at]
        if marker in ALONE or marker == 0:
            at += 1
            continue
        end = at + 1 + int.from_bytes(data[at + 1 : at + 3])
        if end > len(data):
            raise cut_short()
        yield marker, at + 3, end
        at = end


def _joined(profile: list[bytes]) -> bytes:
    # Each part starts with its number and the number of parts.
    return b"".join(part[2:] for part in sorted(profile))


def _check_pictures(data: View, start: int, index: bytes) -> None:
    """Refuse a file that ends within a further picture that its index (CIPA DC-007) names.

    Programs that drop the further pictures leave the index behind: then the file ends with the
    first one, which is whole.
    """
    try:
        directories = Directories(index)
        entries = directories.raw(directories.read(directories.first), 0xB002)
    except ValueError:
        return
    order: Literal["little", "big"] = "little" if index[:2] == b"II" else "big"
    for at in range(16, len(entries) - 15, 16):
        size = int.from_bytes(entries[at + 4 : at + 8], order)
        offset = int.from_bytes(entries[at + 8 : at + 12], order)
        if start + offset + size > len(data) and data[-2:] != END:
            raise cut_short()
