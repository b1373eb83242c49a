"""Files on their way in: written to a private file, counted and hashed as they arrive."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from imgcore.domain.checksums import crc32
from imgcore.errors import ImgcoreError, StorageFull, TooLarge, Unavailable
from imgcore.texts import _

LONGEST_NAME = 255
# Left on the disk for everything but uploads: on a disk that is full nobody could even look at a
# picture, for who looks is written down first.
KEPT_FREE = 256 * 1024 * 1024


@dataclass(frozen=True)
class Incoming:
    """A file that has arrived whole; ``path`` is private and is nobody else's."""

    path: Path
    name: str
    size: int
    sha256: str
    crc32: int


class Intake:
    """Takes one file in, chunk by chunk; beyond ``max_bytes`` the rest is counted and dropped."""

    def __init__(self, folder: Path, name: str, max_bytes: int) -> None:
        self.name = clean_name(name)
        self.size = 0
        self._max_bytes = max_bytes
        self._sha256 = hashlib.sha256()
        self._crc32 = 0
        self._path = folder / f"{uuid4()}.part"
        require_room(folder)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _reason(error) from error
        self._file = open(descriptor, "wb")  # noqa: SIM115

    @property
    def is_too_large(self) -> bool:
        """Whether more bytes came than are allowed."""
        return self.size > self._max_bytes

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; ``StorageFull`` when the disk has no room for them."""
        self.size += len(chunk)
        if self.is_too_large:
            return
        self._sha256.update(chunk)
        self._crc32 = crc32(chunk, self._crc32)
        try:
            self._file.write(chunk)
        except OSError as error:
            self.discard()
            raise _reason(error) from error

    def finish(self) -> Incoming:
        """Close the file; ``TooLarge`` when it is over the limit, and then nothing is kept."""
        if self.is_too_large:
            self.discard()
            raise TooLarge(
                _("The file has {size} MB; at most {most} MB are allowed.").format(
                    size=-(-self.size // 1_000_000), most=self._max_bytes // (1024 * 1024)
                ),
                hint=_("Take the picture again with a lower resolution."),
            )
        try:
            self._file.close()
        except OSError as error:
            self.discard()
            raise _reason(error) from error
        return Incoming(self._path, self.name, self.size, self._sha256.hexdigest(), self._crc32)

    def discard(self) -> None:
        """Forget the file; harmless when it is gone already."""
        with suppress(OSError):  # what could not be flushed is dropped with the file
            self._file.close()
        self._path.unlink(missing_ok=True)


def require_room(folder: Path) -> None:
    """Raise ``StorageFull`` when what is free on this disk is kept for other things than uploads."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _reason(error) from error
    if free < KEPT_FREE:
        raise _full()


def clean_name(name: str) -> str:
    """Return a file's name as a label: the last part of a path, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in last if c.isprintable()).strip()
    return (shown or "image")[:LONGEST_NAME]


def _reason(error: OSError) -> ImgcoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _full()
    return Unavailable(_("The server cannot take files in at the moment; nothing was stored."))


def _full() -> StorageFull:
    return StorageFull(_("There is no space left on the server for this upload; nothing was stored."))
