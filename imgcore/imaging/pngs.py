"""Reads the chunks of a PNG file (ISO 15948) and takes the metadata out of it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from imgcore.imaging.containers import Container, View, cut_short
from imgcore.imaging.facts import Limits

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
TRANSPARENCY = b"tRNS"
# A kind of chunk that nobody knows and everybody may pass over.
UNKNOWN = b"sKIP"
PROFILE_BYTES = 4 * 1024 * 1024


def read(data: View, limits: Limits) -> Container:
    """Read every chunk up to the end; the decoder sees those that make the picture."""
    frames, exif, icc = 1, b"", b""
    masks = list[tuple[int, bytes]]()
    for kind, start, end in _chunks(data):
        if kind == b"IHDR":
            limits.check_size(*struct.unpack_from(">II", data, start))
        elif kind == b"acTL":
            frames = int.from_bytes(data[start : start + 4])
            limits.check_frames(frames)
        elif kind == b"eXIf":
            exif = data[start:end]
        elif kind == b"iCCP":
            icc = _profile(data[start:end])
        if kind in PIXELS:
            continue
        if kind != TRANSPARENCY or _checksum(kind, data, start, end) != data[end : end + 4]:
            masks += (start - 4, UNKNOWN), (end, _checksum(UNKNOWN, data, start, end))
    return Container(frames=frames, exif=exif, icc=icc, masks=tuple(masks))


def _checksum(kind: bytes, data: View, start: int, end: int) -> bytes:
    with memoryview(data) as view:
        return zlib.crc32(view[start:end], zlib.crc32(kind)).to_bytes(4)


def _chunks(data: View) -> Iterator[tuple[bytes, int, int]]:
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        kind, start = data[at + 4 : at + 8], at + 8
        end = start + int.from_bytes(data[at : at + 4])
        if end + 4 > len(data):
            raise cut_short()
        yield kind, start, end
        at = end + 4


def _profile(body: bytes) -> bytes:
    """Return the colour profile of an iCCP chunk; none when it is broken or swells beyond reason."""
    _name, _null, packed = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], PROFILE_BYTES)
    except zlib.error:
        return b""
