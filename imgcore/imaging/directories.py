"""Directories of tags as TIFF 6.0 lays them out; EXIF and the multi-picture index use them too."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from imgcore.imaging.containers import View

_ORDERS = {b"II": "<", b"MM": ">"}
# Bytes of one value, by the kind of the tag; and the struct code of the kinds that are whole numbers.
_SIZES = dict(enumerate((0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)))
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class Tag:
    """One value of a directory, by its place in the data."""

    kind: int
    count: int
    start: int

    @property
    def end(self) -> int:
        """Where the value ends; that can be beyond the end of the data."""
        return self.start + _SIZES.get(self.kind, 0) * self.count


@dataclass(frozen=True)
class Directory:
    """The tags of one directory by number, where it ends and where the next one starts (0: nowhere)."""

    tags: dict[int, Tag]
    end: int
    next: int


class Directories:
    """Reads directories from data that starts with a TIFF header; ``ValueError`` when there is none.

    Offsets count from the start of ``data``. Tags that the data does not hold in full are left out.
    """

    def __init__(self, data: View) -> None:
        order = _ORDERS.get(data[:2])
        if order is None or len(data) < 8:
            raise ValueError("no TIFF header")
        self.data = data
        self._order = order
        # BigTIFF (43) writes offsets and counts with eight bytes.
        self._big = struct.unpack_from(order + "H", data, 2)[0] == 43
        self.first = self._number("Q", 8) if self._big else self._number("I", 4)

    def read(self, offset: int) -> Directory:
        """Return the directory at ``offset``; ``ValueError`` when the data ends before it starts."""
        count = self._number("Q" if self._big else "H", offset)
        start, size = offset + (8 if self._big else 2), 20 if self._big else 12
        end = start + count * size
        held = min(count, (len(self.data) - start) // size)
        tags = dict(self._tag(start + index * size) for index in range(held))
        last = end + (8 if self._big else 4)
        following = self._number("Q" if self._big else "I", end) if last <= len(self.data) else 0
        return Directory(tags, last, following)

    def integers(self, directory: Directory, number: int) -> tuple[int, ...]:
        """Return the whole numbers of a tag; none when it is absent, of another kind or not in the data."""
        tag = directory.tags.get(number)
        if tag is None or tag.kind not in _INTEGERS or tag.end > len(self.data):
            return ()
        return struct.unpack_from(f"{self._order}{tag.count}{_INTEGERS[tag.kind]}", self.data, tag.start)

    def raw(self, directory: Directory, number: int) -> bytes:
        """Return the bytes of a tag, as many as there are."""
        tag = directory.tags.get(number)
        return self.data[tag.start : tag.end] if tag else b""

    def _tag(self, at: int) -> tuple[int, Tag]:
        number, kind = struct.unpack_from(self._order + "HH", self.data, at)
        count = self._number("Q" if self._big else "I", at + 4)
        room = 8 if self._big else 4
        value = at + 4 + room
        if _SIZES.get(kind, 0) * count > room:
            value = self._number("Q" if self._big else "I", value)
        return number, Tag(kind, count, value)

    def _number(self, code: str, at: int) -> int:
        if at + struct.calcsize(self._order + code) > len(self.data):
            raise ValueError("the data ends before its directory")
        number: int = struct.unpack_from(self._order + code, self.data, at)[0]
        return number
