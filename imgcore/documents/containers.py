"""The two forms of a copy of the clinic: a folder, and a tar file that is written and read in one go."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, cast

from imgcore.domain.copies import cut_off
from imgcore.errors import Invalid, Unavailable
from imgcore.texts import _

CHUNK = 256 * 1024


class Container(Protocol):
    """Where the parts of a copy go, each once and in their order."""

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Write a part of exactly ``size`` bytes and return its SHA-256; ``Unavailable`` for another size."""


class Source(Protocol):
    """Where the parts of a copy come from, in the order in which they were written."""

    def part(self, name: str) -> Iterator[bytes] | None:
        """Return the bytes of the next part if it is this one, otherwise None; read it to its end."""

    def end(self) -> None:
        """Raise ``Invalid`` when something is left that does not belong there."""


class FolderContainer:
    """A folder that fills with the parts as files, for their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Write a file; what lies below a name is made too."""
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            passing = Passing(chunks, size)
            for chunk in passing:
                file.write(chunk)
        return passing.sha256


class FolderSource:
    """A folder as it was written by ``FolderContainer``; files of others in it are passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def part(self, name: str) -> Iterator[bytes] | None:
        """Read a file of the folder; a link that leads elsewhere is none."""
        path = self._folder / name
        if not path.is_file() or not path.resolve().is_relative_to(self._folder.resolve()):
            return None
        return _chunks(path.open("rb"))

    def end(self) -> None:
        """Do nothing: what a person laid beside the parts is theirs."""


class TarContainer:
    """A tar file that is written without going back; it gets its end when the block is left in peace."""

    def __init__(self, file: BinaryIO, made_at: float) -> None:
        self._sink = _Sink(file)
        form, sink = tarfile.PAX_FORMAT, cast("Any", self._sink)
        self._tar = tarfile.open(mode="w|", fileobj=sink, format=form, bufsize=CHUNK)  # noqa: SIM115
        self._made_at = int(made_at)

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Write a member."""
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, self._made_at, 0o600
        passing = Passing(chunks, size)
        self._tar.addfile(member, io.BufferedReader(passing, CHUNK))
        passing.finish()
        _forget(self._tar)
        return passing.sha256

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._sink.file = None
        self._tar.close()


class TarSource:
    """A tar file that is read without going back."""

    def __init__(self, file: BinaryIO) -> None:
        self._counted = _Counted(file)
        with _unreadable():
            self._tar = tarfile.open(mode="r|", fileobj=cast("Any", self._counted), bufsize=CHUNK)  # noqa: SIM115
        self._next: tarfile.TarInfo | None = None
        self._is_read = True

    def part(self, name: str) -> Iterator[bytes] | None:
        """Read the next member if it has this name."""
        member = self._look()
        if member is None or member.name != name or not member.isreg():
            return None
        self._is_read = True
        return self._member(member)

    def end(self) -> None:
        """Look whether the file ends as a whole one does: nothing more, and full records to the last."""
        if self._look() is not None:
            raise cut_off()
        with _unreadable():
            while self._counted.read(CHUNK):
                pass
        if self._counted.count % tarfile.RECORDSIZE:
            raise cut_off()

    def _look(self) -> tarfile.TarInfo | None:
        if self._is_read:
            with _unreadable():
                self._next = self._tar.next()
                _forget(self._tar)
            self._is_read = False
        return self._next

    def _member(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        with _unreadable():
            file = self._tar.extractfile(member)
        left = member.size
        while file is not None and left:
            with _unreadable():
                chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise cut_off()
            left -= len(chunk)
            yield chunk


def _forget(tar: Any) -> None:
    """Drop what the file remembers of its members: of a million pictures that is a gigabyte."""
    tar.members.clear()


class Passing(io.RawIOBase):
    """Bytes on their way into a part: counted and hashed; another size than announced is a fault."""

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        super().__init__()
        self._source = chunks
        self._chunks = iter(chunks)
        self._left = size
        self._rest = memoryview(b"")
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Digest of what has passed."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._pass(chunk)
            yield chunk
        self.finish()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with what comes next; 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._check_end()
                return 0
            self._pass(chunk)
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def finish(self) -> None:
        """Raise unless everything that was announced has passed, and no more."""
        if self._rest or next(self._chunks, None) is not None:
            raise _other_size()
        self._check_end()

    def _pass(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._left -= len(chunk)
        if self._left < 0:
            raise _other_size()

    def _check_end(self) -> None:
        if self._left:
            raise _other_size()


class _Sink:
    """Passes writes on until there is nowhere to pass them to."""

    def __init__(self, file: BinaryIO) -> None:
        self.file: BinaryIO | None = file

    def write(self, content: bytes) -> int:
        return self.file.write(content) if self.file else len(content)


class _Counted:
    """A file that counts what is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.count += len(chunk)
        return chunk


@contextmanager
def _unreadable() -> Iterator[None]:
    """Turn what ``tarfile`` says of a file that is cut or spoilt into one sentence."""
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise cut_off() from error


def content(source: Source, name: str, most: int = 64 * 1024 * 1024) -> bytes:
    """Return a small part that must come next; ``Invalid`` when it is not there."""
    chunks = source.part(name)
    if chunks is None:
        raise cut_off()
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > most:
            raise Invalid(_("A part of this copy is larger than it can be."))
    return bytes(found)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def _other_size() -> Unavailable:
    return Unavailable(_("A file changed while it was copied. Please try again."))
