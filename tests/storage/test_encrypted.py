"""Encrypted objects: nothing plain on the disk, nothing wrong given out, keys that change and come back."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imgcore.domain.failpoints import FailPoint
from imgcore.errors import ConfigError, ObjectExists, ObjectMissing, StoreUnavailable
from imgcore.storage import encrypted_store, open_store
from imgcore.storage.ciphers import ENCRYPTED_FRAME, FRAME, HEADER, encrypted_size, plain_size
from imgcore.storage.encrypted import EncryptedStore
from imgcore.storage.file_keys import FileKey, read_keys, write_keys
from imgcore.storage.local import LocalFolder

Put = Callable[..., None]
ROOT = Path(__file__).parents[2]
KEY = "images/patient/batch/image.jpg"
OTHER = "images/patient/batch/other.jpg"
SIZES = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 5 * FRAME + 7]

# What a process does that encrypts everything anew, and is ended at a fail point.
ROTATES = """
import sys
from pathlib import Path
from imgcore.storage.encrypted import EncryptedStore
from imgcore.storage.local import LocalFolder
folder, key_file, drafts = map(Path, sys.argv[1:])
print(EncryptedStore(LocalFolder(folder), key_file, drafts).rotate())
"""


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def content(store: EncryptedStore, key: str = KEY, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join(store.read(key, start, stop))


def file_of(store: EncryptedStore, key: str = KEY) -> Path:
    """Return the one file that holds an object."""
    assert isinstance(store.inner, LocalFolder)
    return next((store.inner.root / key).parent.glob(f"{Path(key).name}.*"))


def opened(store: EncryptedStore, key_file: Path) -> EncryptedStore:
    """Open the store's folder with another key file."""
    return EncryptedStore(store.inner, key_file, store._drafts)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_neither_bytes_nor_key_lie_in_the_folder(encrypted: EncryptedStore, put: Put, key_file: Path) -> None:
    put(encrypted, KEY, b"a picture of a patient " * 10_000)
    root = file_of(encrypted).parents[3]
    found = everything(root)
    assert b"patient " not in found
    assert read_keys(key_file)[0].secret not in found
    assert list(encrypted._drafts.iterdir()) == []
    assert {path.stat().st_mode & 0o077 for path in root.rglob("*")} == {0}


def test_the_same_bytes_never_look_the_same_twice(encrypted: EncryptedStore, put: Put) -> None:
    put(encrypted, KEY, bytes(FRAME * 3))
    put(encrypted, OTHER, bytes(FRAME * 3))
    first, second = file_of(encrypted).read_bytes(), file_of(encrypted, OTHER).read_bytes()
    frames = [each[HEADER.size + n * ENCRYPTED_FRAME :][:64] for each in (first, second) for n in range(3)]
    assert len(set(frames)) == 6


@pytest.mark.parametrize("size", SIZES)
def test_ranges_at_the_borders_of_frames(encrypted: EncryptedStore, put: Put, size: int) -> None:
    put(encrypted, KEY, noise(size))
    info = encrypted.info(KEY)
    assert info and info.size == size and list(encrypted.walk()) == [info]
    assert file_of(encrypted).stat().st_size == encrypted_size(size)
    assert plain_size(encrypted_size(size)) == size
    edges = sorted({0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, max(0, size - 1), size, size + 1})
    for start in edges:
        assert content(encrypted, KEY, start) == noise(size)[start:]
        for stop in edges:
            assert content(encrypted, KEY, start, stop) == noise(size)[start:stop], (start, stop)


def test_a_range_reads_its_frames_and_no_others(encrypted: EncryptedStore, put: Put) -> None:
    put(encrypted, KEY, noise(5 * FRAME))
    path = file_of(encrypted)
    damaged = bytearray(path.read_bytes())
    damaged[HEADER.size + 2 * ENCRYPTED_FRAME + 5] ^= 1
    path.write_bytes(damaged)
    assert content(encrypted, KEY, 0, 2 * FRAME) == noise(5 * FRAME)[: 2 * FRAME]
    assert content(encrypted, KEY, 3 * FRAME) == noise(5 * FRAME)[3 * FRAME :]
    with pytest.raises(StoreUnavailable):
        content(encrypted, KEY, 2 * FRAME, 2 * FRAME + 1)


def refuse(store: EncryptedStore, expected: bytes, key: str = KEY) -> None:
    """Reading what was tampered with ends in an error, and gives out no wrong byte before it."""
    given = b""
    with pytest.raises(StoreUnavailable) as caught:
        for chunk in store.read(key):
            given += chunk
    assert "damaged" in caught.value.message
    assert expected.startswith(given)
    for start in (0, len(expected) // 2, len(expected)):
        given = b""
        try:
            for chunk in store.read(key, start, len(expected) + 1):
                given += chunk
        except StoreUnavailable:
            pass
        else:
            assert given == expected[start:]
        assert expected[start:].startswith(given)


@pytest.mark.parametrize("size", SIZES)
def test_a_flipped_bit_anywhere_is_found(encrypted: EncryptedStore, put: Put, size: int) -> None:
    put(encrypted, KEY, noise(size))
    path = file_of(encrypted)
    whole = path.read_bytes()
    places = {0, 8, HEADER.size - 1, HEADER.size, len(whole) // 2, len(whole) - 1}
    for place in places | set(range(0, len(whole), max(1, len(whole) // 20))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        refuse(encrypted, noise(size))
    path.write_bytes(whole)
    assert content(encrypted) == noise(size)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_is_cut_or_longer_is_found(encrypted: EncryptedStore, put: Put, size: int) -> None:
    put(encrypted, KEY, noise(size))
    path = file_of(encrypted)
    whole = path.read_bytes()
    borders = {HEADER.size + number * ENCRYPTED_FRAME for number in range(6)}
    for length in {0, 1, HEADER.size - 1, len(whole) - 1, len(whole) - 16, len(whole) // 2} | borders:
        if length < len(whole):
            path.write_bytes(whole[:length])
            refuse(encrypted, noise(size))
    for more in (b"\0", whole[-ENCRYPTED_FRAME:]):
        path.write_bytes(whole + more)
        refuse(encrypted, noise(size))


def test_a_shorter_size_in_the_header_is_found(encrypted: EncryptedStore, put: Put) -> None:
    put(encrypted, KEY, noise(3 * FRAME))
    path = file_of(encrypted)
    whole = path.read_bytes()
    for size in (0, FRAME, 2 * FRAME, 2**60):
        path.write_bytes(whole[: HEADER.size - 8] + size.to_bytes(8, "big") + whole[HEADER.size :])
        refuse(encrypted, noise(3 * FRAME))
        with pytest.raises(StoreUnavailable):
            content(encrypted, KEY, 3 * FRAME)


def test_frames_that_change_places_are_found(encrypted: EncryptedStore, put: Put) -> None:
    put(encrypted, KEY, noise(4 * FRAME))
    path = file_of(encrypted)
    whole = path.read_bytes()
    header, body = whole[: HEADER.size], whole[HEADER.size :]
    frames = [body[start : start + ENCRYPTED_FRAME] for start in range(0, len(body), ENCRYPTED_FRAME)]
    for order in ([1, 0, 2, 3], [0, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 2], [0, 1, 3]):
        path.write_bytes(header + b"".join(frames[number] for number in order))
        refuse(encrypted, noise(4 * FRAME))


def test_objects_that_change_places_are_found(encrypted: EncryptedStore, put: Put) -> None:
    for seed, key in enumerate((KEY, OTHER)):
        put(encrypted, key, noise(2 * FRAME, seed))
    first, second = file_of(encrypted), file_of(encrypted, OTHER)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    refuse(encrypted, noise(2 * FRAME, 0))
    first.write_bytes(one[: HEADER.size] + two[HEADER.size :])
    refuse(encrypted, noise(2 * FRAME, 0))
    assert content(encrypted, OTHER) == noise(2 * FRAME, 1)


def test_a_wrong_key_opens_nothing_and_says_so(encrypted: EncryptedStore, put: Put, tmp_path: Path) -> None:
    put(encrypted, KEY, b"x")
    write_keys(tmp_path / "wrong.key", (FileKey.make(),))
    stranger = opened(encrypted, tmp_path / "wrong.key")
    for attempt in (stranger.read, stranger.info, lambda key: stranger.fetch(key, tmp_path / "copy")):
        with pytest.raises(StoreUnavailable) as caught:
            attempt(KEY)
        assert "not in the key file" in caught.value.message
    assert [info.key for info in stranger.walk()] == [KEY]
    assert not (tmp_path / "copy").exists()
    path = file_of(encrypted)
    path.rename(path.with_name(f"image.jpg.{stranger._keys[0].id}.encrypted"))
    refuse(stranger, b"x")


def test_plain_objects_of_before_stay_readable(encrypted: EncryptedStore, put: Put) -> None:
    put(encrypted.inner, KEY, noise(100_000))
    put(encrypted, OTHER, b"new")
    assert content(encrypted) == noise(100_000)
    assert content(encrypted, KEY, 70_000, 70_010) == noise(100_000)[70_000:70_010]
    assert {info.key: info.size for info in encrypted.walk()} == {KEY: 100_000, OTHER: 3}
    put(encrypted, KEY, noise(100_000))
    with pytest.raises(ObjectExists):
        put(encrypted, KEY, b"other")
    assert content(encrypted) == noise(100_000)
    encrypted.delete([KEY, OTHER])
    assert list(encrypted.inner.walk()) == []


def test_a_folder_that_is_encrypted_is_not_opened_without_its_keys(
    encrypted: EncryptedStore, key_file: Path, tmp_path: Path
) -> None:
    plain = open_store(str(tmp_path / "objects"))
    with pytest.raises(ConfigError) as caught:
        encrypted_store(plain, None, tmp_path)
    assert "IMGCORE_ENCRYPTION_KEY_FILE" in caught.value.hint
    another = open_store(str(tmp_path / "another"))
    assert encrypted_store(another, None, tmp_path) is another
    beside = tmp_path / "another" / "key"
    shutil.copy(key_file, beside)
    with pytest.raises(ConfigError):
        encrypted_store(another, beside, tmp_path)


def renew(key_file: Path) -> FileKey:
    """Put a new key before those in the file."""
    new = FileKey.make()
    write_keys(key_file, (new, *read_keys(key_file)))
    return new


def test_rotation_leaves_nothing_under_an_older_key_or_plain(
    encrypted: EncryptedStore, put: Put, key_file: Path
) -> None:
    put(encrypted.inner, "plain.jpg", noise(70_000, 1))
    put(encrypted, "old.jpg", noise(70_000, 2))
    new = renew(key_file)
    store = opened(encrypted, key_file)
    put(store, "new.jpg", noise(70_000, 3))
    done = store.rotate()
    assert (done.moved, done.failed) == (2, [])
    assert store.rotate().moved == 0
    write_keys(key_file, (new,))
    alone = opened(encrypted, key_file)
    for seed, key in enumerate(("plain.jpg", "old.jpg", "new.jpg"), start=1):
        assert content(alone, key) == noise(70_000, seed)
    assert [info.key for info in alone.inner.walk()] == [
        path.name for path in map(file_of, [alone] * 3, (info.key for info in alone.walk()))
    ]
    assert noise(70_000, 1)[:64] not in everything(file_of(alone, "old.jpg").parent)


@pytest.mark.parametrize(
    "point",
    [
        FailPoint.OBJECT_WRITTEN,
        FailPoint.OBJECT_NAMED,
        FailPoint.ROTATION_WRITTEN,
        FailPoint.ROTATION_REMOVED,
    ],
)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_rotation_cut_off_anywhere_loses_nothing_and_goes_on(
    encrypted: EncryptedStore, put: Put, key_file: Path, point: FailPoint, turn: int
) -> None:
    put(encrypted.inner, "plain.jpg", noise(70_000, 0))
    put(encrypted, "old.jpg", noise(70_000, 1))
    renew(key_file)
    folder = file_of(encrypted, "old.jpg").parent
    command = [sys.executable, "-c", ROTATES, *map(str, (folder, key_file, encrypted._drafts))]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"IMGCORE_FAILPOINT": f"{point}#{turn}"}, check=False
    )
    assert ended.returncode == 86
    store = opened(encrypted, key_file)
    for _again in range(2):
        sizes = [(info.key, info.size) for info in store.walk()]
        assert sorted(sizes) == [("old.jpg", 70_000), ("plain.jpg", 70_000)]
        assert content(store, "plain.jpg") == noise(70_000, 0)
        assert content(store, "old.jpg") == noise(70_000, 1)
        store.rotate()
    assert len(list(store.inner.walk())) == 2
    store.delete(["plain.jpg", "old.jpg"])
    assert list(store.inner.walk()) == []


def test_what_cannot_be_opened_is_named_and_left(encrypted: EncryptedStore, put: Put, key_file: Path) -> None:
    put(encrypted, KEY, b"whole")
    put(encrypted, OTHER, b"damaged")
    path = file_of(encrypted, OTHER)
    path.write_bytes(path.read_bytes()[:-1])
    renew(key_file)
    store = opened(encrypted, key_file)
    done = store.rotate()
    assert (done.moved, done.failed) == (1, [OTHER])
    assert path.exists()
    assert content(store) == b"whole"


def test_an_object_removed_during_its_rotation_stays_removed(
    encrypted: EncryptedStore, put: Put, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(encrypted, KEY, b"x")
    renew(key_file)
    store = opened(encrypted, key_file)
    store_anew = store._store

    def removed_first(*arguments: object) -> None:
        encrypted.delete([KEY])
        store_anew(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_store", removed_first)
    assert store.rotate().moved == 0
    assert list(store.inner.walk()) == []


def test_a_server_learns_of_a_new_key_while_it_runs(
    encrypted: EncryptedStore, put: Put, key_file: Path
) -> None:
    put(encrypted, KEY, b"x")
    new = renew(key_file)
    opened(encrypted, key_file).rotate()
    assert content(encrypted) == b"x"
    put(encrypted, OTHER, b"y")
    assert new.id in file_of(encrypted, OTHER).name
    encrypted.delete([KEY])
    assert [info.key for info in encrypted.walk()] == [OTHER]
    assert len(list(encrypted.inner.walk())) == 1


def test_a_key_file_that_gets_lost_is_told_and_work_goes_on(
    encrypted: EncryptedStore, put: Put, key_file: Path
) -> None:
    put(encrypted, KEY, b"x")
    for lose in (lambda: key_file.write_text("damaged"), key_file.unlink):
        lose()
        assert content(encrypted) == b"x"
        with pytest.raises(ConfigError):
            encrypted.check()


def test_a_digest_that_does_not_fit_stores_nothing(encrypted: EncryptedStore, put: Put) -> None:
    with pytest.raises(StoreUnavailable):
        put(encrypted, KEY, b"x", sha256=hashlib.sha256(b"y").hexdigest())
    assert list(encrypted.inner.walk()) == []
    with pytest.raises(ObjectMissing):
        encrypted.read(KEY)
    assert list(encrypted._drafts.iterdir()) == []
