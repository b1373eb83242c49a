"""The key file and the recovery key: written down, typed again, and refused when they are wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from imgcore.errors import ConfigError, Invalid
from imgcore.storage.file_keys import FileKey, read_keys, write_keys


def test_a_recovery_key_brings_the_same_key_back_however_it_is_typed() -> None:
    key = FileKey.make()
    assert len(key.recovery.split("-")) == 14
    for typed in (key.recovery, key.recovery.lower(), key.recovery.replace("-", " "), f" {key.recovery}\n"):
        assert FileKey.recover(typed) == key


def test_a_mistyped_recovery_key_is_refused() -> None:
    key = FileKey.make()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for place, letter in enumerate(key.recovery):
        if letter != "-":
            wrong = random.Random(place).choice(letters.replace(letter, ""))
            with pytest.raises(Invalid):
                FileKey.recover(key.recovery[:place] + wrong + key.recovery[place + 1 :])
    groups = key.recovery.split("-")
    swapped = "-".join([groups[1], groups[0], *groups[2:]])
    for typed in ("", "hello", key.recovery[:-5], f"{key.recovery}-AAAA", swapped, key.recovery + "0", "é"):
        with pytest.raises(Invalid):
            FileKey.recover(typed)


def test_a_key_is_not_shown_by_accident() -> None:
    key = FileKey.make()
    assert key.secret.hex() not in repr(key) + str(key) + key.id
    assert len({FileKey.make().id for _ in range(20)}) == 20


def test_a_key_file_keeps_its_keys_in_order_and_is_private(tmp_path: Path) -> None:
    keys = tuple(FileKey.make() for _ in range(3))
    path = tmp_path / "encryption.key"
    write_keys(path, keys[:1])
    write_keys(path, keys)
    assert read_keys(path) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0o600, "no such file"),
        (b"", 0o600, "empty"),
        (b"\n \n", 0o600, "empty"),
        (b"AAAA-BBBB\n", 0o600, "not a key"),
        (b"\xff\xfe", 0o600, "cannot be read"),
        (FileKey(bytes(32)).recovery.encode(), 0o640, "chmod 600"),
        (FileKey(bytes(32)).recovery.encode(), 0o604, "chmod 600"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes | None, mode: int, reason: str
) -> None:
    path = tmp_path / "encryption.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_keys(path)
    assert reason in caught.value.message
    assert "storage key" in caught.value.hint
    assert caught.value.__cause__ is None


def test_a_key_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_keys(tmp_path / "none" / "encryption.key", (FileKey.make(),))
