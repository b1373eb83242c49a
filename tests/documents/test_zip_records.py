from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from imgcore.documents.zip_records import Member, dos_stamp, end_records

GIB = 1024**3
STAMP = dos_stamp(datetime(2025, 11, 6, 14, 2, 31))  # noqa: DTZ001, ZIP knows no zones


def sparse_archive(path: Path, sizes: list[int]) -> zipfile.ZipFile:
    """Write an archive of files of these sizes that are holes on the disk, and open it."""
    members: list[Member] = []
    with path.open("wb") as file:
        for number, size in enumerate(sizes):
            members.append(Member(f"{number}.jpg".encode(), size, STAMP, file.tell()))
            file.write(members[-1].local_header())
            file.seek(size, 1)
            file.write(members[-1].descriptor(number))
        start = file.tell()
        directory = b"".join(member.central_header(number) for number, member in enumerate(members))
        file.write(directory + end_records(len(members), len(directory), start))
    return zipfile.ZipFile(path)


@pytest.mark.parametrize(
    "sizes",
    [
        [1, 2],
        [4 * GIB - 2, 1],
        [4 * GIB - 1, 1],
        [5 * GIB, 3, 6 * GIB],
        [3 * GIB, 3 * GIB, 7],
    ],
    ids=["small", "just below 4 GiB", "at the limit", "large files", "far offsets"],
)
def test_sizes_and_offsets_are_read_back_beyond_4_gib(tmp_path: Path, sizes: list[int]) -> None:
    with sparse_archive(tmp_path / "large.zip", sizes) as opened:
        infos = opened.infolist()
        assert [info.file_size for info in infos] == sizes
        assert [info.CRC for info in infos] == list(range(len(sizes)))
        assert {info.date_time for info in infos} == {(2025, 11, 6, 14, 2, 30)}
        large = [max(info.file_size, info.header_offset) >= 0xFFFFFFFF for info in infos]
        assert [info.extract_version == 45 for info in infos] == large
        for info in infos:
            opened.open(info).close()  # raises unless the header of this very file stands at the offset


def test_the_zip64_end_is_written_from_the_first_count_that_needs_it() -> None:
    assert len(end_records(65_534, 0, 0)) == 22
    assert len(end_records(65_535, 0, 0)) == 22 + 76
    assert len(end_records(1, 0, 0xFFFFFFFE)) == 22
    assert len(end_records(1, 0, 0xFFFFFFFF)) == 22 + 76


@pytest.mark.parametrize(
    ("year", "kept"), [(1979, (1980, 1, 1, 0, 0)), (2025, (2025, 6, 5, 4, 3)), (2108, (2107, 12, 31, 23, 59))]
)
def test_a_year_that_zip_cannot_hold_becomes_the_nearest(
    tmp_path: Path, year: int, kept: tuple[int, int, int, int, int]
) -> None:
    member = Member(b"a.jpg", 0, dos_stamp(datetime(year, 6, 5, 4, 3)), 0)  # noqa: DTZ001
    directory = member.central_header(0)
    body = member.local_header() + member.descriptor(0)
    path = tmp_path / "a.zip"
    path.write_bytes(body + directory + end_records(1, len(directory), len(body)))
    with zipfile.ZipFile(path) as opened:
        assert opened.infolist()[0].date_time[:5] == kept
