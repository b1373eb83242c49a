"""What every store of objects can do, and the parts that all of them share."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self
from uuid import uuid4

from imgcore.errors import ConfigError, ObjectExists, ObjectMissing, StoreUnavailable
from imgcore.storage.disks import disk_faults
from imgcore.texts import _

CHUNK = 256 * 1024  # larger pieces leave the processor's cache: measured slower


@dataclass(frozen=True)
class ObjectInfo:
    """What a store knows of an object without reading it; ``size`` is in bytes."""

    key: str
    size: int
    modified_at: datetime


class ByteSource(Protocol):
    """An open file or an open answer of a server."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Chunks(Iterator[bytes]):
    """The bytes of an object in pieces of at most 1 MiB, read as they are asked for.

    Fewer bytes than announced, or a fault on the way, raise ``StoreUnavailable``. The source is
    closed at the end, at a fault, and by ``close``, at whichever comes first.
    """

    def __init__(
        self, source: ByteSource, length: int, faults: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._source = source
        self._left = length
        self._faults = faults

    @property
    def left(self) -> int:
        """How many bytes are still to come."""
        return self._left

    def __next__(self) -> bytes:
        if not self._left:
            self.close()
            raise StopIteration
        try:
            with self._faults():
                chunk = self._source.read(min(CHUNK, self._left))
            if not chunk:
                raise StoreUnavailable(_("The store broke off in the middle of a file. Please try again."))
        except BaseException:
            self.close()
            raise
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the file or connection; what was not read stays unread."""
        self._left = 0
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ObjectStore(Protocol):
    """A place for objects that are written once, whole, and never changed.

    Every method may be called from many threads at once and raises ``StoreUnavailable`` when the
    place does not answer, and ``Invalid`` for what is no key.
    """

    @property
    def name(self) -> str:
        """What the place is, fit to show."""

    def create(self) -> bool:
        """Make the place unless it is there, and tell whether it was made now.

        ``ConfigError`` when somebody without credentials can read it.
        """

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        """Store the file; when this returns, it survives a power cut.

        ``sha256`` is in hex; bytes that do not match it are not stored. The same content under
        the same key once more is a retry and fine; other content raises ``ObjectExists``.
        Without space: ``StorageFull``.
        """

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Chunks:
        """Open the bytes from ``start`` up to, not including, ``stop``; ``ObjectMissing`` is raised now.

        Bytes beyond the end are no error: there are fewer, or none.
        """

    def fetch(self, key: str, target: Path) -> None:
        """Write the whole object to a local file, which is private to its owner, or leave none."""

    def info(self, key: str) -> ObjectInfo | None:
        """Look an object up; ``None`` when there is none."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects for good; those that are not there are fine."""

    def walk(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Go through all objects whose key starts so, in no certain order, those of others included.

        What comes or goes meanwhile may be seen or not. Names that are no key are passed over.
        """

    def check(self) -> None:
        """Write, read and remove a small object under ``probes/``, and raise what stands in the way."""

    def sweep_temporary(self, older_than_seconds: float) -> int:
        """Remove what interrupted ``put`` calls left behind; return how many files that were."""

    def close(self) -> None:
        """Let go of files and connections."""


def save(chunks: Chunks, target: Path) -> None:
    """Write an open object to a file for its owner only; a fault leaves no file."""
    with disk_faults(), chunks:
        try:
            with open(target, "wb", opener=private) as file:
                file.writelines(chunks)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, from its first byte; an ``opener`` for ``open``."""
    return os.open(path, flags, 0o600)


def missing() -> ObjectMissing:
    """Return the error for a key without an object."""
    return ObjectMissing(_("The file of this image is missing from the store."))


def taken() -> ObjectExists:
    """Return the error for a key that holds other content."""
    return ObjectExists(_("Another file is already stored under this name; it was left as it is."))


def spoilt() -> StoreUnavailable:
    """Return the error for bytes that changed on their way into the store."""
    return StoreUnavailable(_("The file was damaged on its way into the store. Please send it again."))


def probe(store: ObjectStore) -> bool:
    """Try what a store must do; return whether it leaves an object alone that is written again."""
    key = f"probes/{uuid4()}.txt"
    with disk_faults(), tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe"
        _offer(store, key, source, b"first")
        with store.read(key) as chunks:
            kept = b"".join(chunks) == b"first"
        try:
            _offer(store, key, source, b"second")
            first_stays = False
        except ObjectExists:
            first_stays = True
        store.delete([key])
    if not kept:
        raise StoreUnavailable(_("The store gives back other bytes than it was given."))
    return first_stays


def refuse_public(store: ObjectStore, reads_unsigned: Callable[[str], bool]) -> None:
    """Raise ``ConfigError`` when somebody without credentials can read an object of the store."""
    key = f"probes/{uuid4()}.txt"
    with disk_faults(), tempfile.TemporaryDirectory() as folder:
        _offer(store, key, Path(folder) / "probe", b"private")
        try:
            is_public = reads_unsigned(key)
        finally:
            store.delete([key])
    if is_public:
        raise ConfigError(
            _("Everybody can read this place without credentials: {name}.").format(name=store.name),
            hint=_("Take public access off, or set IMGCORE_STORAGE_URL to a private place."),
        )


def _offer(store: ObjectStore, key: str, source: Path, content: bytes) -> None:
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    store.put(key, source, content_type="text/plain", sha256=digest)
