"""Reads the chunks of a WebP file (RFC 9649)."""

from __future__ import annotations

from collections.abc import Iterator

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.facts import Limits


def read(data: View, limits: Limits) -> Container:
    """Read every chunk; the file must be as long as its header says."""
    size = int.from_bytes(data[4:8], "little") + 8
    if size > len(data):
        raise cut_short()
    frames, exif = 0, b""
    for kind, body in _chunks(data, size):
        limits.check_size(*_canvas(kind, body))
        frames += kind == b"ANMF"
        limits.check_frames(frames)
        if kind == b"EXIF":
            exif = body
    return Container(frames=frames or 1, exif=exif)


def _chunks(data: View, length: int) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    # Some writers leave out the byte that pads the last chunk.
    while at + 8 <= length:
        start, end = at + 8, at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > length:
            raise damaged()
        yield data[at : at + 4], data[start:end]
        at = end + end % 2


def _canvas(kind: bytes, body: bytes) -> tuple[int, int]:
    """Return the size that a chunk states; nothing for chunks that state none."""
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 ":
        return _fourteen_bits(body[6:8]), _fourteen_bits(body[8:10])
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _fourteen_bits(pair: bytes) -> int:
    return int.from_bytes(pair, "little") & 0x3FFF
