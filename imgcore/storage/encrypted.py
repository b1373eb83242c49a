"""Objects that are encrypted before another store keeps them, and decrypted when they are read.

An encrypted object stands under its key with the id of what encrypted it and ``.encrypted`` added. So a
name says which key opens it, and a newer key is brought in by writing aside and removing the former.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from imgcore.domain.failpoints import FailPoint, reach
from imgcore.errors import ConfigError, ObjectExists, ObjectMissing, StoreUnavailable
from imgcore.storage.ciphers import HEADER, Encrypted, encrypt, open_whole, pieces, plain_size
from imgcore.storage.disks import disk_faults
from imgcore.storage.file_keys import FileKey, read_keys
from imgcore.storage.keys import checked_key
from imgcore.storage.local import LocalFolder
from imgcore.storage.objects import Chunks, ObjectInfo, ObjectStore, missing, save, spoilt, taken
from imgcore.texts import _

ENCRYPTED_NAME = re.compile(r"(.+)\.([0-9a-f]{8})\.encrypted", re.DOTALL)
ENCRYPTED_TYPE = "application/octet-stream"


class Place(NamedTuple):
    """A name under which the inner store may keep an object, and the key that opens it.

    Plain objects have no ``key_id``; where there is one and no ``key``, the key file lacks it.
    """

    name: str
    key_id: str = ""
    key: FileKey | None = None


@dataclass
class Rotation:
    """How many objects were encrypted anew, and the keys of those that could not be opened."""

    moved: int = 0
    failed: list[str] = field(default_factory=list)


class EncryptedStore:
    """The store around another one; plain objects that stand there already stay readable.

    The key file is read at the start, and again when it has changed; while it cannot be read, the keys of
    before are used. What is on its way into the inner store lies encrypted in the folder ``drafts``.
    """

    def __init__(self, inner: ObjectStore, key_file: Path, drafts: Path) -> None:
        self.inner = inner
        self._key_file = key_file
        self._drafts = drafts
        self._stamp = _stamp(key_file)
        self._keys = read_keys(key_file)
        if isinstance(inner, LocalFolder):
            _remember(inner, key_file)

    @property
    def name(self) -> str:
        """What the place is, fit to show."""
        return _("{store}, encrypted").format(store=self.inner.name)

    def create(self) -> bool:
        """Make the inner store unless it is there."""
        return self.inner.create()

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        """Encrypt the file and store it; the type of its content is not told."""
        former = self._places(key)[1:]
        if any(self.inner.info(place.name) for place in former):
            return self._compare(key, sha256)
        with disk_faults():
            size = source.stat().st_size
        try:
            self._store(key, pieces(source), size, sha256)
        except ObjectExists:
            self._compare(key, sha256)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Chunks:
        """Open the bytes from ``start`` up to ``stop``; only frames with some of them are loaded."""
        for place in self._tries(key):
            try:
                return self._open(key, place, start, stop)
            except ObjectMissing:
                continue
        raise missing()

    def fetch(self, key: str, target: Path) -> None:
        """Write the plain bytes of the whole object to a private file."""
        save(self.read(key), target)

    def info(self, key: str) -> ObjectInfo | None:
        """Look an object up; its size is that of the plain bytes."""
        for place in self._tries(key):
            if found := self.inner.info(place.name):
                return _plain(key, place, found)
        return None

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects for good, under whichever key they are encrypted.

        The former names go first: a rotation under way finds that out and takes back what it wrote.
        """
        places = [self._places(key) for key in keys]
        self.inner.delete([place.name for of_key in places for place in of_key[1:]])
        self.inner.delete([of_key[0].name for of_key in places])

    def walk(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Go through all objects, each once, those under a key that is not at hand included."""
        for found in self.inner.walk(prefix):
            key, place = self._named(found.key)
            if key.startswith(prefix) and self._is_first(key, place):
                yield _plain(key, place, found)

    def check(self) -> None:
        """Try the inner store, and whether the key file can be read."""
        read_keys(self._key_file)
        self.inner.check()

    def sweep_temporary(self, older_than_seconds: float) -> int:
        """Remove what interrupted ``put`` calls left in the inner store."""
        return self.inner.sweep_temporary(older_than_seconds)

    def close(self) -> None:
        """Let go of what the inner store holds open."""
        self.inner.close()

    def rotate(self) -> Rotation:
        """Encrypt everything under the first key that is plain or under another one.

        When this is broken off, each object stands whole under its former name, its new one or both;
        the next run goes on.
        """
        done = Rotation()
        for found in self.inner.walk():
            key, place = self._named(found.key)
            if place.name == self._places(key)[0].name:
                continue
            try:
                done.moved += self._move(key, place)
            except StoreUnavailable:
                done.failed.append(key)
        return done

    def _move(self, key: str, place: Place) -> bool:
        """Encrypt one object anew; ``False`` when somebody removed it meanwhile."""
        current = self._places(key)[0]
        try:
            with self._open(key, place) as chunks:
                self._store(key, chunks, chunks.left)
        except ObjectMissing:
            return False
        except ObjectExists:  # a run before this one was broken off here
            self._compare(key, self._digest(key, place))
        reach(FailPoint.ROTATION_WRITTEN)
        if self.inner.info(place.name) is None:
            self.inner.delete([current.name])
            return False
        self.inner.delete([place.name])
        reach(FailPoint.ROTATION_REMOVED)
        return True

    def _store(self, key: str, chunks: Iterable[bytes], size: int, sha256: str = "") -> None:
        """Encrypt the bytes aside, check them, and give them to the inner store under the first key."""
        place = self._places(key)[0]
        draft = self._drafts / f"{uuid4().hex}.encrypted"
        with disk_faults():
            try:
                digests = encrypt(chunks, size, _at_hand(place).secret, key, draft)
                if sha256 and digests.plain != sha256:
                    raise spoilt()
                self.inner.put(place.name, draft, content_type=ENCRYPTED_TYPE, sha256=digests.encrypted)
            finally:
                draft.unlink(missing_ok=True)

    def _places(self, key: str) -> list[Place]:
        """Return where the object may stand: the name that is written to first, the plain one last."""
        plain = Place(checked_key(key))
        return [*(Place(f"{key}.{one.id}.encrypted", one.id, one) for one in self._known()), plain]

    def _known(self) -> tuple[FileKey, ...]:
        """Return the keys of the file as it is now: what another program encrypted must be found at once."""
        with suppress(ConfigError):
            if (stamp := _stamp(self._key_file)) != self._stamp:
                self._keys = read_keys(self._key_file)
                self._stamp = stamp
        return self._keys

    def _named(self, name: str) -> tuple[str, Place]:
        """Return which object the inner store keeps under a name, and how."""
        match = ENCRYPTED_NAME.fullmatch(name)
        if match is None:
            return name, Place(name)
        key, key_id = match.groups()
        return key, Place(name, key_id, next((one for one in self._known() if one.id == key_id), None))

    def _tries(self, key: str) -> Iterator[Place]:
        """Yield where to look; the first once more, since a rotation may move the object meanwhile."""
        places = self._places(key)
        yield from places
        yield places[0]
        if any(self._named(found.key)[0] == key for found in self.inner.walk(f"{key}.")):
            raise no_key()

    def _is_first(self, key: str, place: Place) -> bool:
        """Whether no better name of the same object is there, as between two steps of a rotation."""
        for better in self._places(key):
            if better.name == place.name:
                return True
            if self.inner.info(better.name):
                return False
        return True

    def _open(self, key: str, place: Place, start: int = 0, stop: int | None = None) -> Chunks:
        if not place.key_id:
            return self.inner.read(place.name, start, stop)
        secret = _at_hand(place).secret
        if start == 0 and stop is None:
            return open_whole(self.inner.read(place.name), secret, key)
        with self.inner.read(place.name, 0, HEADER.size) as chunks:
            encrypted = Encrypted(b"".join(chunks), secret, key)
        beyond = encrypted.size if stop is None else min(stop, encrypted.size)
        if start >= beyond:
            start = beyond = encrypted.last_start
        source = self.inner.read(place.name, *encrypted.span(start, max(beyond, start + 1)))
        return encrypted.open(source, start, beyond)

    def _digest(self, key: str, place: Place) -> str:
        digest = hashlib.sha256()
        with self._open(key, place) as chunks:
            for chunk in chunks:
                digest.update(chunk)
        return digest.hexdigest()

    def _compare(self, key: str, sha256: str) -> None:
        """Raise ``ObjectExists`` unless the object holds just these bytes."""
        places = (place for place in self._places(key) if self.inner.info(place.name))
        if (place := next(places, None)) is None:
            raise StoreUnavailable(_("The store is busy. Please try again in a moment."))
        if self._digest(key, place) != sha256:
            raise taken()


def no_key() -> StoreUnavailable:
    """Return the error for an object whose key is not in the key file."""
    return StoreUnavailable(
        _("The stored file of this image is encrypted with a key that is not in the key file."),
        hint=_("Bring the key back with: python -m imgcore storage key --recover"),
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with every new key file; ``None`` when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _at_hand(place: Place) -> FileKey:
    if place.key is None:
        raise no_key()
    return place.key


def _plain(key: str, place: Place, found: ObjectInfo) -> ObjectInfo:
    return replace(found, key=key, size=plain_size(found.size) if place.key_id else found.size)


def encrypted_store(store: ObjectStore, key_file: Path | None, drafts: Path) -> ObjectStore:
    """Return the store with encryption around it, or as it is when no key file is set."""
    if key_file is not None:
        return EncryptedStore(store, key_file, drafts)
    if isinstance(store, LocalFolder) and _mark(store).exists():
        raise ConfigError(
            _("The image files in this folder are encrypted, and no key file is set."),
            hint=_("Set IMGCORE_ENCRYPTION_KEY_FILE as it was before."),
        )
    return store


def _remember(folder: LocalFolder, key_file: Path) -> None:
    """Mark a folder as encrypted: without its keys everything in it would seem lost."""
    if key_file.resolve().is_relative_to(folder.root.resolve()):
        raise ConfigError(_("IMGCORE_ENCRYPTION_KEY_FILE must not lie beside the files that it encrypts."))
    with disk_faults():
        _mark(folder).touch(mode=0o600)


def _mark(folder: LocalFolder) -> Path:
    return folder.root / ".encrypted"
