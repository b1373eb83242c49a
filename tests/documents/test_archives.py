from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcore.documents.archives import REPORT_NAME, Archive, ArchiveEntry, LeftOut
from imgcore.domain.names import EntryLabel, entry_names
from imgcore.errors import Invalid, ObjectMissing, Unavailable

TAKEN = datetime(2025, 11, 6, 14, 2, 30)  # noqa: DTZ001, a camera's local time


class StoredFile:
    """A file as a store hands it out, in pieces; it knows whether it is still open."""

    def __init__(self, *pieces: bytes, fails: Exception | None = None) -> None:
        self.pieces = pieces
        self.fails = fails
        self.is_open = False
        self.reading: Iterator[bytes] = iter(())

    def open(self) -> Iterator[bytes]:
        self.reading = self._read()  # held here, so that only an explicit close ends it
        return self.reading

    def _read(self) -> Iterator[bytes]:
        self.is_open = True
        try:
            yield from self.pieces
            if self.fails:
                raise self.fails
        finally:
            self.is_open = False


def entry(
    name: str, content: bytes, *, file: StoredFile | None = None, size: int | None = None
) -> ArchiveEntry:
    """An entry whose row says ``content`` (or ``size``), and whose file may say something else."""
    expected = len(content) if size is None else size
    return ArchiveEntry(name, expected, crc32(content), TAKEN, (file or StoredFile(content)).open)


def packed(archive: Archive) -> zipfile.ZipFile:
    """Stream an archive, check that its announced length is true and that every CRC is right."""
    content = b"".join(archive.stream())
    assert len(content) == archive.content_length
    opened = zipfile.ZipFile(io.BytesIO(content))
    assert opened.testzip() is None
    return opened


def report_of(opened: zipfile.ZipFile) -> str:
    assert opened.namelist()[-1] == REPORT_NAME
    return opened.read(REPORT_NAME).decode()


def test_an_archive_holds_documents_then_files_then_the_report() -> None:
    one = StoredFile(b"first ", b"photo")
    entries = [
        entry("2025_L-Anterior_01.jpg", b"first photo", file=one),
        entry("2025_Fuß_01.heic", b"second"),
    ]
    opened = packed(Archive(entries, documents={"manifest.csv": b"name\r\n"}))
    names = ["manifest.csv", "2025_L-Anterior_01.jpg", "2025_Fuß_01.heic", "REPORT.txt"]
    assert opened.namelist() == names
    assert opened.read("2025_L-Anterior_01.jpg") == b"first photo"
    assert opened.read("2025_Fuß_01.heic") == b"second"
    assert opened.read("manifest.csv") == b"name\r\n"
    assert report_of(opened).startswith("Files in this archive: 2\n")


def test_files_are_stored_and_keep_the_time_of_the_camera() -> None:
    taken = packed(Archive([entry("a.jpg", b"photo")])).getinfo("a.jpg")
    assert taken.compress_type == zipfile.ZIP_STORED
    assert taken.date_time == (2025, 11, 6, 14, 2, 30)


def test_a_moment_with_a_zone_becomes_the_time_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    stored_at = datetime(2025, 11, 6, 20, 0, tzinfo=UTC)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "AEST-10")
        time.tzset()
        opened = packed(Archive([ArchiveEntry("a.jpg", 1, crc32(b"x"), stored_at, StoredFile(b"x").open)]))
    time.tzset()
    assert opened.getinfo("a.jpg").date_time == (2025, 11, 7, 6, 0, 0)


@given(st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=50)), max_size=8))
def test_the_length_is_exact_for_any_names_and_sizes(files: list[tuple[str, bytes]]) -> None:
    names = entry_names([EntryLabel(None, label, "jpg") for label, _content in files])
    entries = [entry(name, content) for name, (_label, content) in zip(names, files, strict=True)]
    opened = packed(Archive(entries, documents={"manifest.csv": b"x"}))
    assert [opened.read(name) for name in names] == [content for _label, content in files]


def test_an_archive_can_be_streamed_twice_with_the_same_bytes() -> None:
    archive = Archive([entry("a.jpg", b"photo")])
    assert b"".join(archive.stream()) == b"".join(archive.stream())


def test_a_changed_file_is_delivered_as_it_is_and_named() -> None:
    changed = entry("b.jpg", b"as stored", file=StoredFile(b"as it is!"))
    opened = packed(Archive([entry("a.jpg", b"photo"), changed, entry("c.jpg", b"photo")]))
    assert opened.read("b.jpg") == b"as it is!"
    report = report_of(opened)
    assert "changed since they were stored: 1\n" in report
    assert "  b.jpg\n" in report
    assert "a.jpg" not in report


def test_the_report_has_room_for_every_name_at_its_longest() -> None:
    names = [f"{number:03}_" + "ж" * 100 + ".jpg" for number in range(300)]
    opened = packed(Archive([entry(name, b"old", file=StoredFile(b"new")) for name in names]))
    assert report_of(opened).split("\n")[-301:-1] == [f"  {name}" for name in names]


def test_a_short_report_is_filled_up_with_blank_lines() -> None:
    report = report_of(packed(Archive([entry(f"{number}.jpg", b"photo") for number in range(100)])))
    lines = report.rstrip().split("\n")
    assert lines[-1] == "Files that have changed since they were stored: 0"
    assert max(len(line) for line in report.split("\n")) < 80


def test_what_was_left_out_is_named_with_its_reason() -> None:
    gone = [LeftOut("c.jpg", "The file is not in\nthe store."), LeftOut("d.jpg", "It is damaged.")]
    report = report_of(packed(Archive([entry("a.jpg", b"photo")], left_out=gone)))
    assert "Files in this archive: 1\n" in report
    assert "Files left out: 2\n  c.jpg: The file is not in the store.\n  d.jpg: It is damaged.\n" in report


def test_an_archive_of_nothing_still_says_why() -> None:
    opened = packed(Archive([], left_out=[LeftOut("a.jpg", "It is gone.")]))
    assert opened.namelist() == [REPORT_NAME]
    assert "a.jpg: It is gone." in report_of(opened)


@pytest.mark.parametrize("size", [5, 50], ids=["longer than announced", "shorter than announced"])
def test_a_file_of_another_size_cuts_the_archive_short(size: int) -> None:
    file = StoredFile(b"photo", b"graph")
    archive = Archive([entry("a.jpg", b"photograph", file=file, size=size), entry("b.jpg", b"photo")])
    sent = []
    with pytest.raises(Unavailable, match=r"a\.jpg"):
        for chunk in archive.stream():
            sent.append(chunk)
    assert b"".join(sent[1:]) == b"photograph"[:size], "more than the header and the announced bytes"
    assert not file.is_open


def test_a_file_that_vanishes_meanwhile_cuts_the_archive_short() -> None:
    lost = ObjectMissing("The file is gone.")
    archive = Archive([entry("a.jpg", b"photograph", file=StoredFile(b"photo", fails=lost))])
    with pytest.raises(ObjectMissing):
        b"".join(archive.stream())


def test_a_file_that_cannot_be_opened_cuts_the_archive_short() -> None:
    def refuse() -> Iterator[bytes]:
        raise ObjectMissing("The file is gone.")

    archive = Archive([ArchiveEntry("a.jpg", 5, 0, None, refuse)])
    with pytest.raises(ObjectMissing):
        b"".join(archive.stream())


def test_nothing_is_opened_before_its_turn_and_leaving_early_closes_it() -> None:
    first, second = StoredFile(b"one", b"two"), StoredFile(b"three")
    stream = Archive([entry("a.jpg", b"onetwo", file=first), entry("b.jpg", b"three", file=second)]).stream()
    assert not first.is_open
    while next(stream) != b"one":
        pass
    assert (first.is_open, second.is_open) == (True, False)
    stream.close()
    assert (first.is_open, second.is_open) == (False, False)


@pytest.mark.parametrize(
    "names", [("a.jpg", "a.jpg"), ("Heel.jpg", "HEEL.jpg"), ("Fuß.jpg", "FUSS.jpg"), ("report.TXT",)]
)
def test_two_files_of_one_name_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="Two files"):
        Archive([entry(name, b"photo") for name in names])


@pytest.mark.parametrize(
    "name", ["../a.jpg", "a/b.jpg", "a\\b.jpg", "/a.jpg", "a\n.jpg", "CON.jpg", "", "\ud800"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="cannot name"):
        Archive([entry(name, b"photo")])


def pieces_of(size: int) -> Callable[[], Iterator[bytes]]:
    """Make a reader of ``size`` zeros that never holds more than one piece."""
    piece = bytes(64 * 1024)
    return lambda: (piece[: size - start] for start in range(0, size, len(piece)))


def test_pieces_pass_through_as_the_store_cuts_them() -> None:
    archive = Archive([ArchiveEntry("a.jpg", 1_000_000, 0, None, pieces_of(1_000_000))])
    assert max(len(chunk) for chunk in archive.stream()) == 64 * 1024
