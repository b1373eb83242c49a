"""Reads the blocks of a GIF file (version 89a)."""

from __future__ import annotations

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.facts import Limits

EXTENSION, FRAME, TRAILER, PADDING = 0x21, 0x2C, 0x3B, 0x00


def read(data: View, limits: Limits) -> Container:
    """Read every block up to the trailer; a file without one is cut short."""
    try:
        return _read(data, limits)
    except IndexError:
        raise cut_short() from None


def _read(data: View, limits: Limits) -> Container:
    width, height = _word(data, 6), _word(data, 8)
    limits.check_size(width, height)
    frames, at = 0, 13 + _palette(data[10])
    while (block := data[at]) != TRAILER:
        at += 1
        if block == FRAME:
            # A frame may reach beyond the screen, and decoders make the screen larger for it.
            width = max(width, _word(data, at) + _word(data, at + 4))
            height = max(height, _word(data, at + 2) + _word(data, at + 6))
            limits.check_size(width, height)
            frames += 1
            limits.check_frames(frames)
            at = _after_parts(data, at + 10 + _palette(data[at + 8]))
        elif block == EXTENSION:
            at = _after_parts(data, at + 1)
        elif block != PADDING:
            raise damaged()
    if not frames:
        raise damaged()
    return Container(frames=frames)


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_parts(data: View, at: int) -> int:
    while size := data[at]:
        at += 1 + size
    return at + 1


def _word(data: View, at: int) -> int:
    return data[at] | data[at + 1] << 8
