"""The form of an encrypted object: a header, then frames of AES-256-GCM that each open alone.

The header holds a mark, a random salt and the plain size. Every object has a key of its own, derived
from the clinic's key, this header and the object's name, so frames of one object open in no other.
Number and "last" stand in the nonce of a frame, so frames cannot be swapped, left out or cut off.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imgcore.errors import StoreUnavailable
from imgcore.storage.disks import disk_faults
from imgcore.storage.objects import CHUNK, ByteSource, Chunks, private
from imgcore.texts import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"imgcore1"
HEADER = struct.Struct(">8s32sQ")
SALT_BYTES = 32
FRAME = 64 * 1024
TAG = 16
ENCRYPTED_FRAME = FRAME + TAG


class Digests(NamedTuple):
    """SHA-256 in hex of the plain bytes and of the encrypted ones."""

    plain: str
    encrypted: str


def encrypt(chunks: Iterable[bytes], size: int, secret: bytes, key: str, target: Path) -> Digests:
    """Write ``size`` plain bytes, encrypted for the object ``key``, to a new private file."""
    header = HEADER.pack(MARK, os.urandom(SALT_BYTES), size)
    cipher = _cipher(secret, header, key)
    plain, encrypted = hashlib.sha256(), hashlib.sha256(header)
    last = _last_frame(size)
    with disk_faults(), open(target, "xb", opener=private) as file:
        file.write(header)
        for number, frame in enumerate(_frames(chunks)):
            if number > last:
                raise changed_meanwhile()
            plain.update(frame)
            closed = cipher.encrypt(_nonce(number, last), frame, None)
            encrypted.update(closed)
            file.write(closed)
        if file.tell() != encrypted_size(size):
            raise changed_meanwhile()
    return Digests(plain.hexdigest(), encrypted.hexdigest())


def pieces(path: Path) -> Iterator[bytes]:
    """Read a file."""
    with disk_faults(), open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def encrypted_size(size: int) -> int:
    """Return how many bytes a plain size takes when it is encrypted."""
    return HEADER.size + size + TAG * (_last_frame(size) + 1)


def plain_size(encrypted: int) -> int:
    """Return the plain size of an encrypted object of so many bytes; 0 when it cannot be one."""
    body = encrypted - HEADER.size
    return max(0, body - TAG * max(1, -(-body // ENCRYPTED_FRAME)))


class Encrypted:
    """An opened header: what it says of its object, and the frames that hold a range."""

    def __init__(self, header: bytes, secret: bytes, key: str) -> None:
        if len(header) != HEADER.size or not header.startswith(MARK):
            raise damaged()
        self.size: int = HEADER.unpack(header)[2]
        self._cipher = _cipher(secret, header, key)
        self._last = _last_frame(self.size)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return where in the object the frames of the plain bytes ``start`` to ``stop`` stand."""
        first, beyond = start // FRAME, -(-stop // FRAME)
        return HEADER.size + first * ENCRYPTED_FRAME, HEADER.size + beyond * ENCRYPTED_FRAME

    @property
    def last_start(self) -> int:
        """Where the last frame begins in the plain bytes."""
        return self._last * FRAME

    def open(self, source: Chunks, start: int, stop: int, begun: bytes = b"") -> Chunks:
        """Return the plain bytes from a source that begins, after ``begun``, with the frame of ``start``.

        Where no byte is asked for, that frame is opened all the same: it proves the size.
        """
        number, skip = divmod(start, FRAME)
        end = self.size - self.last_start + TAG
        frames = OpenedFrames(source, self._cipher, number, self._last, end, begun)
        try:
            if start == stop:
                frames.read(1)
            frames.skip(skip)
        except BaseException:
            source.close()
            raise
        return Chunks(frames, stop - start, nullcontext)


def open_whole(source: Chunks, secret: bytes, key: str) -> Chunks:
    """Return the plain bytes of a whole object from all of its encrypted ones."""
    begun = b""
    try:
        while len(begun) < HEADER.size and (piece := next(source, b"")):
            begun += piece
        encrypted = Encrypted(begun[: HEADER.size], secret, key)
    except BaseException:
        source.close()
        raise
    return encrypted.open(source, 0, encrypted.size, begun[HEADER.size :])


class OpenedFrames(ByteSource):
    """The plain bytes of frames from ``number`` on, each checked before one of its bytes is given away.

    The last frame has ``end`` bytes; ``begun`` was read from the source already.
    """

    def __init__(
        self, source: Chunks, cipher: AESGCM, number: int, last: int, end: int, begun: bytes
    ) -> None:
        self._source = source
        self._cipher = cipher
        self._number = number
        self._last = last
        self._end = end
        self._encrypted = bytearray(begun)
        self._plain = b""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none only at the end."""
        if not self._plain and self._number <= self._last:
            self._plain = self._opened()
        given, self._plain = self._plain[:size], self._plain[size:]
        return given

    def skip(self, size: int) -> None:
        """Leave out plain bytes of the first frame."""
        if size:
            self.read(size)

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

    def _opened(self) -> bytes:
        """Return the next frame."""
        from cryptography.exceptions import InvalidTag

        wanted = self._end if self._number == self._last else ENCRYPTED_FRAME
        while len(self._encrypted) < wanted:
            piece = next(self._source, b"")
            if not piece:
                raise damaged()
            self._encrypted += piece
        frame = bytes(self._encrypted[:wanted])
        del self._encrypted[:wanted]
        if self._number == self._last and (self._encrypted or next(self._source, b"")):
            raise damaged()
        try:
            plain = self._cipher.decrypt(_nonce(self._number, self._last), frame, None)
        except InvalidTag:
            raise damaged() from None
        self._number += 1
        return plain


def damaged() -> StoreUnavailable:
    """Return the error for an object that was cut, changed or exchanged in the store."""
    return StoreUnavailable(
        _("The stored file of this image is damaged or was exchanged; it was not opened."),
        hint=_("Tell your administrator; a backup may hold the right one."),
    )


def changed_meanwhile() -> StoreUnavailable:
    """Return the error for a file that is longer or shorter than it was said to be."""
    return StoreUnavailable(_("The file changed while it was being stored. Please send it again."))


def _cipher(secret: bytes, header: bytes, key: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derive = HKDF(algorithm=SHA256(), length=32, salt=header, info=b"imgcore object " + key.encode())
    return AESGCM(derive.derive(secret))


def _nonce(number: int, last: int) -> bytes:
    return number.to_bytes(11, "big") + bytes([number == last])


def _last_frame(size: int) -> int:
    return max(0, -(-size // FRAME) - 1)


def _frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Divide chunks into frames; without any byte there is one empty frame."""
    rest, number = b"", 0
    for chunk in chunks:
        rest += chunk
        while len(rest) > FRAME:
            yield rest[:FRAME]
            rest = rest[FRAME:]
            number += 1
    if rest or not number:
        yield rest
