"""The records of a ZIP file, for stored members whose size is known and whose CRC is known last.

Written here because zipstream-ng 1.9.3 gives streamed members no date of their own, and announces
76 bytes too few for an archive of exactly 65,535 members. Section numbers are those of PKWARE's
APPNOTE 6.3.10.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

# From these values on a field of 32 or 16 bits is full and the ZIP64 record holds the number.
FULL_32 = 0xFFFFFFFF
FULL_16 = 0xFFFF

_VERSION, _VERSION_64 = 20, 45
_MADE_ON_UNIX = 3 << 8
# Bit 3: CRC and sizes follow the data (4.3.9). Bit 11: the name is UTF-8.
_FLAGS = 0x0008 | 0x0800
# A plain file that only its owner may read, for whoever unpacks on a shared computer.
_FILE_MODE = 0o100600 << 16

_LOCAL = struct.Struct("<4sHHHLLLLHH")
_DESCRIPTOR = struct.Struct("<4sLLL")
_DESCRIPTOR_64 = struct.Struct("<4sLQQ")
_CENTRAL = struct.Struct("<4sHHHHLLLLHHHHHLL")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")
_END = struct.Struct("<4sHHHHLLH")


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; ``offset`` is where its local header begins."""

    name: bytes
    size: int
    stamp: int
    offset: int

    @property
    def is_large(self) -> bool:
        """Whether its size needs the ZIP64 fields."""
        return self.size >= FULL_32

    def local_header(self) -> bytes:
        """Return what stands before the data (4.3.7)."""
        version, size, extra = _VERSION, 0, b""
        if self.is_large:
            # Empty numbers, because the true ones follow the data. macOS gives up without the field.
            version, size, extra = _VERSION_64, FULL_32, _extra_64(0, 0)
        numbers = (self.stamp, 0, size, size, len(self.name), len(extra))
        return _LOCAL.pack(b"PK\x03\x04", version, _FLAGS, 0, *numbers) + self.name + extra

    def descriptor(self, crc32: int) -> bytes:
        """Return what stands after the data (4.3.9)."""
        layout = _DESCRIPTOR_64 if self.is_large else _DESCRIPTOR
        return layout.pack(b"PK\x07\x08", crc32, self.size, self.size)

    def central_header(self, crc32: int) -> bytes:
        """Return the entry in the directory at the end (4.3.12)."""
        is_far = self.offset >= FULL_32
        large = (self.size, self.size) if self.is_large else ()
        extra = _extra_64(*large, *((self.offset,) if is_far else ()))
        version = _VERSION_64 if extra else _VERSION
        size, offset = min(self.size, FULL_32), min(self.offset, FULL_32)
        numbers = (self.stamp, crc32, size, size, len(self.name), len(extra), 0, 0, 0, _FILE_MODE, offset)
        versions = (_MADE_ON_UNIX | version, version, _FLAGS, 0)
        return _CENTRAL.pack(b"PK\x01\x02", *versions, *numbers) + self.name + extra


def end_records(count: int, directory_size: int, directory_offset: int) -> bytes:
    """Return what closes the archive (4.3.14 to 4.3.16)."""
    small = (min(count, FULL_16), min(directory_size, FULL_32), min(directory_offset, FULL_32))
    end = _END.pack(b"PK\x05\x06", 0, 0, small[0], *small, 0)
    if count < FULL_16 and directory_size < FULL_32 and directory_offset < FULL_32:
        return end
    counts = (count, count, directory_size, directory_offset)
    end_64 = _END_64.pack(b"PK\x06\x06", _END_64.size - 12, _VERSION_64, _VERSION_64, 0, 0, *counts)
    return end_64 + _LOCATOR_64.pack(b"PK\x06\x07", 0, directory_offset + directory_size, 1) + end


def dos_stamp(moment: datetime) -> int:
    """Return a moment as ZIP keeps it: wall-clock time, even seconds, 1980 to 2107 (4.4.6)."""
    if moment.year < 1980:
        moment = datetime(1980, 1, 1, tzinfo=moment.tzinfo)
    elif moment.year > 2107:
        moment = datetime(2107, 12, 31, 23, 59, 59, tzinfo=moment.tzinfo)
    day = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return day << 16 | moment.hour << 11 | moment.minute << 5 | moment.second // 2


def _extra_64(*numbers: int) -> bytes:
    """Return the ZIP64 field of a header (4.5.3), nothing for no numbers."""
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
