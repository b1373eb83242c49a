"""Objects as files of a local folder, each written aside and then published under its name."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO
from uuid import uuid4

from imgcore.domain import failpoints
from imgcore.domain.failpoints import FailPoint
from imgcore.errors import ConfigError, StoreUnavailable
from imgcore.storage.disks import disk_faults
from imgcore.storage.keys import checked_key, is_key
from imgcore.storage.objects import (
    CHUNK,
    Chunks,
    ObjectInfo,
    missing,
    private,
    probe,
    save,
    spoilt,
    taken,
)
from imgcore.texts import _

# A folder can only vanish under a put while somebody deletes its last object.
PUBLISH_TRIES = 100
NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class LocalFolder:
    """The store in a folder, which is made here and never again: it may be a drive that was unplugged.

    Files are 0600 and folders 0700. The bytes are copied, not linked, or whoever edits the source
    later would change the object too.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._drafts = root / ".tmp"
        self._making = threading.Lock()
        self._was_made = not root.exists()
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                _("The folder for image files cannot be made: {reason}.").format(reason=error.strerror),
                hint=_("Set IMGCORE_STORAGE_URL to a folder that this account may write."),
            ) from error

    @property
    def name(self) -> str:
        """What the place is, fit to show."""
        return _("local folder")

    def create(self) -> bool:
        """Tell whether the folder was made just now, and try it."""
        self.check()
        return self._was_made

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        """Store the file and make it durable; a file system has no place for ``content_type``."""
        target = self._path(key)
        draft = self._drafts / uuid4().hex
        with disk_faults():
            try:
                self._copy(source, draft, sha256)
                failpoints.reach(FailPoint.OBJECT_WRITTEN)
                self._publish(draft, target, sha256)
                failpoints.reach(FailPoint.OBJECT_NAMED)
            finally:
                draft.unlink(missing_ok=True)
            self._settle(target.parent)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Chunks:
        """Open the bytes from ``start`` up to ``stop``."""
        file = self._open(key)
        try:
            with disk_faults():
                size = os.fstat(file.fileno()).st_size
                file.seek(start)
        except BaseException:
            file.close()
            raise
        end = size if stop is None else min(stop, size)
        return Chunks(file, max(0, end - start), disk_faults)

    def fetch(self, key: str, target: Path) -> None:
        """Copy the whole object to a private file."""
        save(self.read(key), target)

    def info(self, key: str) -> ObjectInfo | None:
        """Look an object up; ``None`` when there is none."""
        path = self._path(key)
        with disk_faults():
            try:
                found = path.stat()
            except NOT_THERE:
                self._stand()
                return None
        return _info(key, found) if S_ISREG(found.st_mode) else None

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects for good, and the folders that they leave empty."""
        paths = [self._path(key) for key in keys]
        with disk_faults():
            for path in paths:
                with suppress(*NOT_THERE):
                    path.unlink()
            for folder in {path.parent for path in paths}:
                self._tidy(folder)

    def walk(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Go through all objects whose key starts so."""
        with disk_faults():
            self._stand()
            folder = prefix.rpartition("/")[0]
            if not folder or is_key(folder):
                yield from self._walk(folder, prefix)

    def check(self) -> None:
        """Try to write, read and remove an object."""
        probe(self)

    def sweep_temporary(self, older_than_seconds: float) -> int:
        """Remove drafts of ``put`` calls that a crash cut short."""
        with disk_faults():
            self._stand()
            oldest = time.time() - older_than_seconds
            drafts = ((draft, _stat(draft)) for draft in self._listed(self._drafts))
            stale = [Path(draft) for draft, found in drafts if found and found.st_mtime < oldest]
            for draft in stale:
                draft.unlink(missing_ok=True)
        return len(stale)

    def close(self) -> None:
        """Do nothing: no file stays open between calls."""

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _stand(self) -> None:
        """Raise ``FileNotFoundError`` when the root itself is gone, so nothing seems lost one by one."""
        self.root.stat()

    def _open(self, key: str) -> BinaryIO:
        path = self._path(key)
        with disk_faults():
            try:
                return open(path, "rb", buffering=0)
            except NOT_THERE:
                self._stand()
        raise missing()

    def _copy(self, source: Path, draft: Path, sha256: str) -> None:
        """Copy the bytes, which must be those of ``sha256``, and bring them to the disk."""
        digest = hashlib.sha256()
        with open(source, "rb", buffering=0) as origin:
            self._drafts.mkdir(mode=0o700, exist_ok=True)
            with open(draft, "xb", opener=private) as copy:
                while chunk := origin.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
        if digest.hexdigest() != sha256:
            raise spoilt()

    def _publish(self, draft: Path, target: Path, sha256: str) -> None:
        """Give the draft its name unless somebody has it; a link, unlike a rename, never replaces."""
        for _attempt in range(PUBLISH_TRIES):
            try:
                with self._making:  # so that nobody uses a folder that is not durable yet
                    self._make(target.parent)
                os.link(draft, target)
                return
            except FileExistsError:
                try:
                    same = _digest(target) == sha256
                except FileNotFoundError:
                    continue  # deleted meanwhile
                if same:
                    return
                raise taken() from None
            except FileNotFoundError:
                self._stand()  # the folder was empty for a moment, and removed
        raise StoreUnavailable(_("The store is busy. Please try again in a moment."))

    def _make(self, folder: Path) -> None:
        """Make the folder and those above it, durably, but never the root: a drive may be unplugged."""
        if folder == self.root or folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)

    def _tidy(self, folder: Path) -> None:
        """Remove the folder if it is empty, and those above that are empty then; make it durable."""
        while folder != self.root:
            try:
                folder.rmdir()
            except NOT_THERE:
                pass  # somebody else removed it; look above
            except OSError:
                break
            folder = folder.parent
        self._settle(folder)

    def _settle(self, folder: Path) -> None:
        """Bring the entries of the folder to the disk, or of the nearest one above that is there."""
        while True:
            try:
                return _sync(folder)
            except NOT_THERE:
                if folder == self.root:
                    raise
                folder = folder.parent

    def _walk(self, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        for entry in self._listed(self.root / folder):
            key = f"{folder}/{entry.name}" if folder else entry.name
            if not is_key(key):
                continue
            if entry.is_dir(follow_symlinks=False):
                if f"{key}/".startswith(prefix):
                    yield from self._walk(key, prefix)
            elif key.startswith(prefix) and (found := _stat(entry)) and S_ISREG(found.st_mode):
                yield _info(key, found)

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except NOT_THERE:
            self._stand()
            return []


def _digest(path: Path) -> str:
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except NOT_THERE:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
