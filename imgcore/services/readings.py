"""Readings of stored objects that tell a damaged object from a store that is away."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import IO, Literal, Protocol

from imgcore.domain.checksums import crc32
from imgcore.errors import ObjectMissing, StoreUnavailable
from imgcore.storage import ObjectStore

Outcome = Literal["whole", "missing", "unreadable"]
IN_MEMORY = 4 * 1024 * 1024


class Taker(Protocol):
    """Where the bytes of an object go; ``begin`` forgets those of a try that failed."""

    def begin(self) -> None: ...

    def take(self, chunk: bytes) -> None: ...


def read(store: ObjectStore, key: str, taker: Taker) -> Outcome:
    """Read an object; "unreadable" when it cannot be read twice though the store works."""
    for is_last in (False, True):
        taker.begin()
        try:
            with store.read(key) as chunks:
                for chunk in chunks:
                    taker.take(chunk)
            return "whole"
        except ObjectMissing:
            return "missing"
        except StoreUnavailable:
            if is_last:
                store.check()
    return "unreadable"


class Sums:
    """What is worked out of an object: its size, its SHA-256 and its CRC-32."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what was taken."""
        self._digest = hashlib.sha256()
        self.size = self.crc32 = 0

    def take(self, chunk: bytes) -> None:
        """Count some bytes in."""
        self._digest.update(chunk)
        self.crc32 = crc32(chunk, self.crc32)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """Digest of what was taken."""
        return self._digest.hexdigest()


class Held(Sums):
    """The bytes of an object themselves, in memory or, where they are many, in a file without a name."""

    def __init__(self, folder: Path) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder))  # noqa: SIM115
        super().__init__()

    def begin(self) -> None:
        """Forget what was taken."""
        super().begin()
        self.file.seek(0)
        self.file.truncate()

    def take(self, chunk: bytes) -> None:
        """Keep some bytes."""
        super().take(chunk)
        self.file.write(chunk)
