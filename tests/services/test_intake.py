from __future__ import annotations

import hashlib
import resource
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcore.errors import StorageFull, TooLarge, Unavailable
from imgcore.services import intake
from imgcore.services.intake import Intake, clean_name


@pytest.fixture
def small_disk() -> Iterator[None]:
    """A disk that is full after 4 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_counted_and_hashed_as_it_arrives(tmp_path: Path) -> None:
    intake = Intake(tmp_path, "foot.jpg", 1000)
    for chunk in (b"abc", b"", b"def"):
        intake.write(chunk)
    file = intake.finish()
    assert file.path.read_bytes() == b"abcdef"
    assert (file.size, file.crc32) == (6, zlib.crc32(b"abcdef"))
    assert file.sha256 == hashlib.sha256(b"abcdef").hexdigest()
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    intake = Intake(tmp_path, "foot.jpg", 1000)
    intake.write(b"x" * 1000)
    assert not intake.is_too_large
    assert intake.finish().size == 1000


def test_a_file_over_the_limit_is_read_on_and_dropped(tmp_path: Path) -> None:
    intake = Intake(tmp_path, "foot.jpg", 1000)
    for _ in range(5):
        intake.write(b"x" * 700)
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_size <= 1000
    with pytest.raises(TooLarge):
        intake.finish()
    assert list(tmp_path.iterdir()) == []
    intake.discard()


def test_a_file_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    intake = Intake(tmp_path, "foot.jpg", 1000)
    intake.write(b"x")
    intake.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    intake = Intake(tmp_path, "foot.jpg", 1_000_000)
    with pytest.raises(StorageFull):
        for _ in range(100):
            intake.write(b"x" * 4000)
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_free_on_a_disk_is_not_for_uploads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "KEPT_FREE", 2 * shutil.disk_usage(tmp_path).total)
    with pytest.raises(StorageFull):
        Intake(tmp_path, "foot.jpg", 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Intake(tmp_path / "gone", "foot.jpg", 1000)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("foot.jpg", "foot.jpg"),
        ("C:\\Photos\\left foot.jpg", "left foot.jpg"),
        ("../../etc/passwd", "passwd"),
        ("a\0b\r\n\u202ec.jpg", "abc.jpg"),
        ("", "image"),
        ("folder/", "image"),
        ("字" * 300, "字" * 255),
    ],
)
def test_a_name_is_a_label(sent: str, kept: str) -> None:
    assert clean_name(sent) == kept
