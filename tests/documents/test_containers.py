from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from imgcore.documents.containers import FolderContainer, FolderSource, TarContainer, TarSource, content
from imgcore.errors import Invalid, Unavailable

NAMES = ["a.txt", "images/王小明 x/1.jpg", "images/" + "ä" * 120 + "/2.jpg"]


def written(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with TarContainer(file, 0) as tar:
        for name, inside in parts.items():
            tar.add(name, len(inside), [inside[:3], inside[3:]])
    return file.getvalue()


def test_parts_come_back_in_their_order() -> None:
    parts = {name: name.encode() * 1000 for name in NAMES}
    source = TarSource(io.BytesIO(written(parts)))
    for name, inside in parts.items():
        assert source.part("something else") is None
        assert content(source, name) == inside
    source.end()


def test_any_tar_program_reads_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(written({"a.txt": b"hello"}))) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.size, member.mode) == ("a.txt", 5, 0o600)


def test_both_forms_have_the_same_sums(tmp_path: Path) -> None:
    with TarContainer(io.BytesIO(), 0) as tar:
        folder = FolderContainer(tmp_path)
        for each in (tar, folder):
            assert each.add("x/a", 5, [b"he", b"", b"llo"]).startswith("2cf24dba5fb0a30e26e83b2ac5b9e29e")
    assert (tmp_path / "x" / "a").stat().st_mode & 0o777 == 0o600
    assert b"".join(FolderSource(tmp_path).part("x/a") or ()) == b"hello"


@pytest.mark.parametrize("size", [3, 4, 6, 700_000])
def test_a_part_of_another_size_than_announced_is_a_fault(tmp_path: Path, size: int) -> None:
    folder = FolderContainer(tmp_path)
    with pytest.raises(Unavailable):
        folder.add("a", size, [b"hello"])
    with pytest.raises(Unavailable), TarContainer(io.BytesIO(), 0) as tar:
        tar.add("a", size, [b"hello"])


def test_a_tar_that_is_broken_off_gets_no_end() -> None:
    file = io.BytesIO()
    with pytest.raises(KeyError), TarContainer(file, 0) as tar:
        tar.add("a", 5, [b"hello"])
        raise KeyError
    assert len(file.getvalue()) % tarfile.RECORDSIZE or not file.getvalue()


@pytest.mark.parametrize("left", [0, 100, 512, 1000, 1100, 2000, 10_239])
def test_a_tar_that_is_cut_is_not_whole(left: int) -> None:
    cut = written({"a": b"hello", "b": b"x" * 300})[:left]
    with pytest.raises(Invalid):
        source = TarSource(io.BytesIO(cut))
        for name in ("a", "b"):
            content(source, name)
        source.end()


def test_what_follows_the_last_part_does_not_belong_there() -> None:
    source = TarSource(io.BytesIO(written({"a": b"hello", "b": b"more"})))
    content(source, "a")
    with pytest.raises(Invalid):
        source.end()


def test_a_link_is_no_part(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").symlink_to(tmp_path / "secret")
    assert FolderSource(folder).part("a") is None
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    assert TarSource(io.BytesIO(file.getvalue())).part("a") is None


def test_a_small_part_that_is_large_is_refused() -> None:
    source = TarSource(io.BytesIO(written({"a": b"x" * 2000})))
    with pytest.raises(Invalid):
        content(source, "a", most=1000)
