from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgcore.imaging.captures import Capture, read_capture
from tests.imaging.conftest import Prepare
from tests.imaging.pictures import every_format, exif, noise, saved, with_chunk

TAKEN = datetime(2024, 5, 2, 10, 11, 12)  # noqa: DTZ001 - the camera's local time
FULL = {
    "Make": "Canon",
    "Model": "Canon EOS R6",
    "DateTime": "2025:01:01 00:00:00",
    "DateTimeOriginal": "2024:05:02 10:11:12",
    "DateTimeDigitized": "2024:06:01 00:00:00",
    "OffsetTimeOriginal": "+02:00",
}
KEPT = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")


@pytest.mark.parametrize("format", KEPT)
def test_every_format_that_holds_exif_tells_when_and_with_what(format: str, prepared: Prepare) -> None:
    facts = prepared(saved(noise(), format, exif=exif(**FULL))).facts
    assert facts.captured_at == TAKEN
    assert facts.captured_offset == "+02:00"
    assert (facts.camera_make, facts.camera_model) == ("Canon", "Canon EOS R6")


def test_without_metadata_nothing_is_claimed(prepared: Prepare) -> None:
    facts = prepared(every_format()["jpeg"]).facts
    assert (facts.captured_at, facts.captured_offset, facts.camera_make, facts.camera_model) == (None,) * 4
    assert facts.orientation == 1


@pytest.mark.parametrize(
    ("fields", "captured_at", "offset"),
    [
        ({"DateTimeDigitized": "2024:05:02 10:11:12", "DateTime": "2025:01:01 00:00:00"}, TAKEN, None),
        ({"DateTime": "2024:05:02 10:11:12", "OffsetTime": "-03:30"}, TAKEN, "-03:30"),
        ({"DateTimeOriginal": "0000:00:00 00:00:00", "DateTime": "2024:05:02 10:11:12"}, TAKEN, None),
        ({"DateTimeOriginal": "2024-05-02T10:11:12"}, TAKEN, None),
        ({"DateTimeOriginal": "2024:02:30 10:11:12"}, None, None),
        ({"DateTimeOriginal": "    :  :     :  :  "}, None, None),
        ({"DateTimeOriginal": "yesterday"}, None, None),
        ({"DateTimeOriginal": "2024:05:02 10:11:12", "OffsetTimeOriginal": "   :  "}, TAKEN, None),
        ({"DateTimeOriginal": "2024:05:02 10:11:12", "OffsetTimeOriginal": "+99:00"}, TAKEN, None),
        # The offset of one time says nothing of another.
        ({"DateTimeOriginal": "2024:05:02 10:11:12", "OffsetTime": "+02:00"}, TAKEN, None),
    ],
)
def test_the_best_time_that_makes_sense_counts(
    fields: dict[str, Any], captured_at: datetime | None, offset: str | None
) -> None:
    capture = read_capture(exif(**fields))
    assert (capture.captured_at, capture.captured_offset) == (captured_at, offset)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  NIKON CORPORATION  ", "NIKON CORPORATION"),
        ("Canon\0\0garbage", "Canon"),
        ("Can\x07on\n", "Canon"),
        ("x" * 300, "x" * 100),
        ("\0\0\0", None),
        ("   ", None),
    ],
)
def test_names_of_cameras_are_cleaned(written: str, kept: str | None) -> None:
    assert read_capture(exif(Make=written)).camera_make == kept


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_without_meaning_leaves_the_picture_as_it_is(orientation: int) -> None:
    assert read_capture(exif(Orientation=orientation)).orientation == 1


def test_what_stands_before_a_break_is_still_read() -> None:
    block = exif(**FULL)
    found = [read_capture(block[:end]) for end in range(len(block))]
    assert any(capture.camera_make and not capture.captured_at for capture in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0"]))
def test_no_bytes_make_reading_fail(block: bytes, start: bytes) -> None:
    assert isinstance(read_capture(start + block), Capture)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_block_with_wrong_bytes_never_fails(data: st.DataObject) -> None:
    block = bytearray(exif(Orientation=6, **FULL))
    for _ in range(4):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read_capture(bytes(block)), Capture)


BROKEN = (
    b"Exif\0\0",
    b"Exif\0\0II*\0\xff\xff\xff\xff",
    b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40,
    b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\5\0\1\0\0\0\xff\xff\xff\xff\0\0\0\0",
    b"Exif\0\0 this is no TIFF at all",
)


@pytest.mark.parametrize("block", BROKEN)
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "HEIF"])
def test_a_good_picture_with_broken_exif_is_accepted(format: str, block: bytes, prepared: Prepare) -> None:
    assert prepared(saved(noise(), format, exif=block)).facts.width == 400


@pytest.mark.parametrize("block", BROKEN)
def test_a_good_png_with_broken_exif_is_accepted(block: bytes, prepared: Prepare) -> None:
    picture = with_chunk(every_format()["png"], b"eXIf", block.removeprefix(b"Exif\0\0"))
    assert prepared(picture).facts.width == 400


def test_a_good_avif_with_broken_exif_is_accepted(prepared: Prepare) -> None:
    block = exif(**FULL)
    broken = saved(noise(), "AVIF", exif=block, speed=10).replace(block[6:], b"\xff" * (len(block) - 6))
    assert b"\xff" * 50 in broken
    facts = prepared(broken).facts
    assert (facts.width, facts.camera_make) == (400, None)


@pytest.mark.parametrize("number", [34665, 34853])
@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
def test_a_good_tiff_whose_exif_is_nowhere_is_accepted(
    number: int, compression: str | None, prepared: Prepare
) -> None:
    directory = Image.Exif()
    directory[271] = "Canon"
    content = saved(noise(), "TIFF", exif=directory, compression=compression)
    # The entry of the maker becomes a pointer to a directory far beyond the end.
    at = content.index(struct.pack("<HHII", 271, 2, 6, 0)[:8])
    pointer = struct.pack("<HHII", number, 4, 1, 0xFFFFFFF0)
    assert prepared(content[:at] + pointer + content[at + 12 :]).facts.width == 400
