"""Reads the directories of a TIFF file."""

from __future__ import annotations

from imgcore.imaging.containers import Container, View, cut_short, damaged
from imgcore.imaging.directories import Directories, Directory
from imgcore.imaging.facts import Limits
from imgcore.imaging.formats import camera_raw

KIND, WIDTH, HEIGHT, FURTHER, DNG_VERSION = 254, 256, 257, 330, 50706
# Where the pixels are and how many bytes they take: strips, then tiles.
PLACES = ((273, 279), (324, 325))
PREVIEW = 1


def read(data: View, limits: Limits) -> Container:
    """Read the directory of every page; all that they name must lie within the file."""
    try:
        return _read(data, limits)
    except ValueError:
        raise cut_short() from None


def _read(data: View, limits: Limits) -> Container:
    directories = Directories(data)
    offset, seen = directories.first, set[int]()
    # A directory that names an earlier one as the next is the last.
    while offset and offset not in seen:
        seen.add(offset)
        limits.check_frames(len(seen))
        page = directories.read(offset)
        _check_whole(directories, page)
        if len(seen) == 1:
            _check_photograph(directories, page)
        limits.check_size(*_size(directories, page))
        offset = page.next
    if not seen:
        raise damaged()
    return Container(frames=len(seen), exif=data)


def _check_whole(directories: Directories, page: Directory) -> None:
    held = len(directories.data)
    if page.end > held or any(tag.end > held for tag in page.tags.values()):
        raise cut_short()
    for places, counts in PLACES:
        starts = directories.integers(page, places)
        sizes = directories.integers(page, counts) or (0,) * len(starts)
        if any(start + size > held for start, size in zip(starts, sizes, strict=False)):
            raise cut_short()


def _check_photograph(directories: Directories, page: Directory) -> None:
    """Refuse camera raw files: their first page is a preview the size of a stamp."""
    preview = PREVIEW & (*directories.integers(page, KIND), 0)[0]
    canon = directories.data[8:10] == b"CR"
    if canon or DNG_VERSION in page.tags or (preview and FURTHER in page.tags):
        raise camera_raw()


def _size(directories: Directories, page: Directory) -> tuple[int, int]:
    width, height = (*directories.integers(page, WIDTH), 0)[0], (*directories.integers(page, HEIGHT), 0)[0]
    if width <= 0 or height <= 0:
        raise damaged()
    return width, height
