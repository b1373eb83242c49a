"""Reads the boxes of HEIC, HEIF and AVIF files (ISO 14496-12 and 23008-12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.facts import Limits
from imgcore.imaging.formats import brands

# What phones append behind the picture need not be made of boxes; these are, and must be whole.
TOP = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"moof", b"free", b"skip", b"uuid", b"mpvd", b"sefd"})
SEQUENCES = frozenset({b"avis", b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"})
IN_FILE, IN_META = 0, 1
# A kind of item that nobody knows and everybody may pass over.
UNKNOWN = b"skip"


@dataclass(frozen=True)
class Box:
    """One box: its four letters, and where its body starts and ends in the file."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Item:
    """The places of one item: a picture, a tile or metadata. Offsets count from its source's start."""

    source: int
    extents: tuple[tuple[int, int], ...]


@dataclass
class Meta:
    """What the meta box tells."""

    items: dict[int, Item] = field(default_factory=dict)
    exif_item: int | None = None
    exif_kind_at: int = 0
    sizes: list[tuple[int, int]] = field(default_factory=list)
    inner: Box = field(default_factory=lambda: Box(b"idat", 0, 0))


def read(data: View, limits: Limits) -> Container:
    """Read the boxes and check that the bytes of every item lie within the file.

    The EXIF item is masked: libheif does not need it to turn the picture, and a broken one makes
    Pillow's AVIF plugin refuse the file.
    """
    top = {box.kind: box for box in _top(data)}
    if b"meta" not in top and b"moov" not in top:
        raise cut_short()
    if b"moov" not in top and brands(data)[0] in SEQUENCES:
        raise cut_short()
    meta = _meta(data, top[b"meta"]) if b"meta" in top else Meta()
    for item in meta.items.values():
        held = meta.inner.end - meta.inner.start if item.source == IN_META else len(data)
        if item.source <= IN_META and any(start + size > held for start, size in item.extents):
            raise cut_short()
    for size in meta.sizes:
        limits.check_size(*size)
    masks = ((meta.exif_kind_at, UNKNOWN),) if meta.exif_kind_at else ()
    return Container(exif=_exif(data, meta), masks=masks)


def _top(data: View) -> Iterator[Box]:
    for box in _boxes(data, 0, len(data)):
        if box.end > len(data):
            if box.kind in TOP:
                raise cut_short()
            return
        yield box


def _boxes(data: View, at: int, end: int) -> Iterator[Box]:
    while at + 8 <= end:
        size, kind, start = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = int.from_bytes(data[at + 8 : at + 16]), at + 16
        elif size == 0:
            size = end - at
        if at + size < start:
            return
        yield Box(kind, start, at + size)
        at += size


def _meta(data: View, box: Box) -> Meta:
    meta = Meta()
    # Four bytes of version and flags come before the boxes inside.
    for inner in _boxes(data, box.start + 4, box.end):
        if inner.end > box.end:
            raise damaged()
        if inner.kind == b"iloc":
            meta.items.update(_items(data, inner))
        elif inner.kind == b"iinf":
            _find_exif(data, inner, meta)
        elif inner.kind == b"iprp":
            meta.sizes.extend(_sizes(data, inner))
        elif inner.kind == b"idat":
            meta.inner = inner
    return meta


def _sizes(data: View, box: Box) -> Iterator[tuple[int, int]]:
    for properties in _boxes(data, box.start, box.end):
        if properties.kind == b"ipco":
            for one in _boxes(data, properties.start, properties.end):
                if one.kind == b"ispe":
                    at = one.start + 4
                    yield int.from_bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8])


def _find_exif(data: View, box: Box, meta: Meta) -> None:
    wide = data[box.start] > 0
    for entry in _boxes(data, box.start + (8 if wide else 6), box.end):
        # Version 3 numbers items with four bytes; version 2 and cameras use two.
        digits = 4 if data[entry.start : entry.start + 1] == b"\x03" else 2
        kind_at = entry.start + 4 + digits + 2
        if data[kind_at : kind_at + 4] == b"Exif":
            meta.exif_item = int.from_bytes(data[entry.start + 4 : entry.start + 4 + digits])
            meta.exif_kind_at = kind_at


def _exif(data: View, meta: Meta) -> bytes:
    item = meta.items.get(meta.exif_item or 0)
    if item is None:
        return b""
    base = meta.inner.start if item.source == IN_META else 0
    block = b"".join(data[base + start : base + start + size] for start, size in item.extents)
    # The first four bytes say how far behind them the TIFF header stands.
    return block[4 + int.from_bytes(block[:4]) :]


class Numbers:
    """Takes one number after the other from a box; a box that ends too early is damage."""

    def __init__(self, data: View, box: Box) -> None:
        self._data, self._at, self._end = data, box.start, box.end

    def take(self, digits: int) -> int:
        """Return the next number of so many bytes; 0 when it has none."""
        start, self._at = self._at, self._at + digits
        if self._at > self._end:
            raise damaged()
        return int.from_bytes(self._data[start : self._at])


def _items(data: View, box: Box) -> Iterator[tuple[int, Item]]:
    numbers = Numbers(data, box)
    version, _flags = numbers.take(1), numbers.take(3)
    sizes = numbers.take(2)
    offset_digits, length_digits, base_digits, index_digits = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(numbers.take(2 if version < 2 else 4)):
        number = numbers.take(2 if version < 2 else 4)
        source = numbers.take(2) & 15 if version else IN_FILE
        _reference, base = numbers.take(2), numbers.take(base_digits)
        extents = []
        for _ in range(numbers.take(2)):
            numbers.take(index_digits if version else 0)
            extents.append((base + numbers.take(offset_digits), numbers.take(length_digits)))
        yield number, Item(source, tuple(extents))
