"""The store in a folder: crashes, full and read-only disks, drives that go and come back."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imgcore.errors import ConfigError, ObjectMissing, StorageFull, StoreUnavailable
from imgcore.storage.disks import disk_faults
from imgcore.storage.local import LocalFolder

Put = Callable[..., None]
ROOT = Path(__file__).parents[2]
KEY = "images/patient/batch/image.jpg"
NOBODY = 65534

# What a process does that dies between writing the bytes and giving them their name.
DIES_BEFORE_PUBLISHING = """
import hashlib, os, sys
from pathlib import Path
from imgcore.storage.local import LocalFolder
os.link = lambda *_: os._exit(86)
source = Path(sys.argv[1])
digest = hashlib.sha256(source.read_bytes()).hexdigest()
LocalFolder(Path(sys.argv[2])).put(sys.argv[3], source, content_type="image/jpeg", sha256=digest)
"""

# What a process does whose files may not grow beyond a megabyte: a disk that is full for real.
HAS_LITTLE_SPACE = """
import hashlib, resource, sys
from pathlib import Path
from imgcore.errors import StorageFull
from imgcore.storage.local import LocalFolder
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
source, store, key = Path(sys.argv[1]), LocalFolder(Path(sys.argv[2])), sys.argv[3]
digest = hashlib.sha256(source.read_bytes()).hexdigest()
try:
    store.put(key, source, content_type="image/jpeg", sha256=digest)
except StorageFull:
    assert store.info(key) is None
    assert b"".join(store.read("small.jpg")) == b"small"
    try:
        store.fetch("large.jpg", source.with_name("copy"))
    except StorageFull:
        sys.exit(0 if not source.with_name("copy").exists() else 1)
sys.exit(2)
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "objects")


def drafts(store: LocalFolder) -> list[Path]:
    return list((store.root / ".tmp").glob("*"))


def run(script: str, *arguments: object) -> int:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def test_files_and_folders_are_private(store: LocalFolder, put: Put) -> None:
    old = os.umask(0)
    try:
        put(store, KEY, b"x")
    finally:
        os.umask(old)
    for path in (store.root, *store.root.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_crash_before_publishing_leaves_no_object(store: LocalFolder, put: Put, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    assert run(DIES_BEFORE_PUBLISHING, tmp_path / "source", store.root, KEY) == 86
    assert store.info(KEY) is None
    assert list(store.walk()) == []
    assert len(drafts(store)) == 1
    assert store.sweep_temporary(3600) == 0
    put(store, KEY, b"content")
    os.utime(drafts(store)[0], (time.time() - 7200, time.time() - 7200))
    assert store.sweep_temporary(3600) == 1
    assert drafts(store) == []
    assert b"".join(store.read(KEY)) == b"content"


def test_on_a_full_disk_nothing_is_stored_and_reading_goes_on(
    store: LocalFolder, put: Put, tmp_path: Path
) -> None:
    put(store, "small.jpg", b"small")
    put(store, "large.jpg", bytes(2_000_000))
    (tmp_path / "source").write_bytes(bytes(2_000_000))
    assert run(HAS_LITTLE_SPACE, tmp_path / "source", store.root, KEY) == 0
    assert drafts(store) == []
    assert {info.key for info in store.walk()} == {"small.jpg", "large.jpg"}
    put(store, KEY, bytes(2_000_000))


@pytest.fixture
def read_only(put: Put) -> Iterator[LocalFolder]:
    """A store with one object in a folder that this process may read and not write.

    Root may write everywhere, so a run as root is somebody else meanwhile.
    """
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        store = LocalFolder(Path(folder) / "objects")
        put(store, KEY, b"x")
        everything = [Path(folder), *Path(folder).rglob("*")]
        for path in everything:
            path.chmod(0o500 if path.is_dir() else 0o400)
            if root:
                os.chown(path, NOBODY, NOBODY)
        if root:
            os.seteuid(NOBODY)
        try:
            yield store
        finally:
            if root:
                os.seteuid(0)
            for path in everything:
                path.chmod(0o700)


def test_a_read_only_folder_can_be_read(read_only: LocalFolder, tmp_path: Path) -> None:
    assert b"".join(read_only.read(KEY)) == b"x"
    assert [info.key for info in read_only.walk()] == [KEY]


def test_a_read_only_folder_is_told(read_only: LocalFolder) -> None:
    with tempfile.NamedTemporaryFile() as source:
        digest = hashlib.sha256(b"").hexdigest()
        with pytest.raises(StoreUnavailable):
            read_only.put("new.jpg", Path(source.name), content_type="image/jpeg", sha256=digest)
    with pytest.raises(StoreUnavailable):
        read_only.delete([KEY])
    with pytest.raises(StoreUnavailable):
        read_only.check()
    assert b"".join(read_only.read(KEY)) == b"x"
    with pytest.raises(ConfigError):
        LocalFolder(read_only.root / "inside")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EFBIG, StorageFull),
        (errno.EROFS, StoreUnavailable),
        (errno.EACCES, StoreUnavailable),
        (errno.EIO, StoreUnavailable),
        (errno.ESTALE, StoreUnavailable),
    ],
)
def test_what_a_disk_refuses_is_told_in_our_words(number: int, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught, disk_faults():
        raise OSError(number, os.strerror(number), "/private/folder")
    assert "/private" not in str(caught.value)


def test_an_unplugged_drive_is_neither_empty_nor_made_anew(store: LocalFolder, put: Put) -> None:
    put(store, KEY, b"x")
    away = store.root.rename(store.root.with_name("away"))
    for attempt in (
        lambda: put(store, KEY, b"x"),
        lambda: store.read(KEY),
        lambda: store.info(KEY),
        lambda: store.delete([KEY]),
        lambda: list(store.walk()),
        lambda: list(store.walk("images/patient/")),
        lambda: store.sweep_temporary(0),
        store.check,
    ):
        with pytest.raises(StoreUnavailable):
            attempt()
    assert not store.root.exists()
    away.rename(store.root)
    assert b"".join(store.read(KEY)) == b"x"


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_answer(
    store: LocalFolder, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def watched_sync(descriptor: int) -> None:
        steps.append(str(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(store.root)))
        sync(descriptor)

    def watched_link(draft: Path, target: Path) -> None:
        steps.append("link")
        link(draft, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "link", watched_link)
    put(store, KEY, b"x")
    assert steps[0].startswith(".tmp/")
    assert steps[1:] == [".", "images", "images/patient", "link", "images/patient/batch"]
    steps.clear()
    put(store, f"{KEY}2", b"x")
    assert steps[1:] == ["link", "images/patient/batch"]
    store.delete([f"{KEY}2"])
    assert steps[3:] == ["images/patient/batch"]
    steps.clear()
    store.delete([KEY])
    assert steps == ["."]


def test_deleting_the_last_object_removes_its_folders(store: LocalFolder, put: Put) -> None:
    put(store, "a/b/c/1.jpg", b"x")
    put(store, "a/2.jpg", b"x")
    store.delete(["a/b/c/1.jpg"])
    assert [path.name for path in store.root.iterdir() if path.name != ".tmp"] == ["a"]
    assert [path.name for path in (store.root / "a").iterdir()] == ["2.jpg"]
    store.delete(["a/2.jpg"])
    assert [path.name for path in store.root.iterdir()] == [".tmp"]


def test_putting_and_deleting_in_one_folder_at_once(store: LocalFolder, put: Put) -> None:
    def come_and_go(number: int) -> None:
        for _turn in range(100):
            put(store, f"a/b/c/{number}.jpg", b"x")
            assert b"".join(store.read(f"a/b/c/{number}.jpg")) == b"x"
            store.delete([f"a/b/c/{number}.jpg"])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come_and_go, range(4)))
    assert list(store.walk()) == []
    assert drafts(store) == []


def test_an_object_cut_short_under_a_reader_is_told(store: LocalFolder, put: Put) -> None:
    put(store, KEY, bytes(3_000_000))
    chunks = store.read(KEY)
    next(chunks)
    os.truncate(store.root / KEY, 10)
    with pytest.raises(StoreUnavailable):
        list(chunks)


def test_files_of_others_are_walked_unless_hidden(store: LocalFolder, put: Put) -> None:
    put(store, KEY, b"x")
    (store.root / "stray.txt").write_text("stray")
    (store.root / ".DS_Store").write_text("hidden")
    (store.root / ".git").mkdir()
    (store.root / ".git" / "config").write_text("hidden")
    assert {info.key for info in store.walk()} == {KEY, "stray.txt"}
    assert store.info("images") is None
    with pytest.raises(ObjectMissing):
        store.read("images")
