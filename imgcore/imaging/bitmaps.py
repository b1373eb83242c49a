"""Reads the header of a BMP file."""

from __future__ import annotations

import struct

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.facts import Limits

RUN_LENGTH = (1, 2)
OLD_HEADER = 12


def read(data: View, limits: Limits) -> Container:
    """Read the header and check that the rows it promises are there."""
    if len(data) < 26:
        raise cut_short()
    start, header = struct.unpack_from("<II", data, 10)
    coding = packed = 0
    if header == OLD_HEADER:
        width, height, _planes, bits = struct.unpack_from("<HHHH", data, 18)
    elif len(data) < 38:
        raise cut_short()
    else:
        width, height, _planes, bits, coding, packed = struct.unpack_from("<iiHHII", data, 18)
    # A negative height means that the rows stand from top to bottom.
    height = abs(height)
    if width <= 0 or not height:
        raise damaged()
    limits.check_size(width, height)
    # Rows take whole groups of four bytes.
    rows = packed if coding in RUN_LENGTH else (width * bits + 31) // 32 * 4 * height
    if start + rows > len(data):
        raise cut_short()
    return Container()
