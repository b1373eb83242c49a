from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from imgcore.errors import StorageFull, Unavailable
from imgcore.imaging import Limits, prepare
from tests.imaging.conftest import Prepare
from tests.imaging.pictures import (
    CORNERS,
    SIZE,
    alike,
    animated,
    corners,
    every_format,
    exif,
    noise,
    saved,
    seen_corners,
    turned,
)

LOSSY = {"JPEG": {"quality": 95}, "HEIF": {"quality": 90}, "WEBP": {"quality": 95}, "AVIF": {"quality": 90}}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_turn_of_the_camera_ends_upright(format: str, orientation: int, prepared: Prepare) -> None:
    stored = turned(orientation).resize((400, 300) if orientation < 5 else (300, 400))
    content = saved(stored, format, exif=exif(Orientation=orientation), **LOSSY.get(format, {}))
    result = prepared(content)
    assert (result.facts.width, result.facts.height) == (400, 300)
    with Image.open(result.thumbnail.path) as thumbnail:
        assert thumbnail.size == (300, 225) == (result.thumbnail.width, result.thumbnail.height)
        seen = seen_corners(thumbnail)
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, CORNERS, strict=True)), seen


def test_the_orientation_that_the_camera_wrote_is_told(prepared: Prepare) -> None:
    assert prepared(saved(turned(6), "JPEG", exif=exif(Orientation=6))).facts.orientation == 6


@pytest.mark.parametrize("name", every_format())
def test_the_facts_of_every_format_are_right(name: str, prepared: Prepare) -> None:
    facts = prepared(every_format()[name]).facts
    several = any(word in name for word in ("animated", "pages"))
    small = SIZE if "16 bits" in name else (400, 300)
    assert (facts.width, facts.height) == ((80, 60) if several else small)
    assert facts.frames == (3 if several else 1)


def test_an_animation_shows_its_first_frame(prepared: Prepare) -> None:
    result = prepared(animated("GIF"))
    with Image.open(result.thumbnail.path) as thumbnail:
        shown = thumbnail.convert("RGB").resize((8, 6)).tobytes()
    first = noise((80, 60), seed=1).resize((8, 6)).tobytes()
    assert all(abs(one - other) < 40 for one, other in zip(shown, first, strict=True))


def test_the_thumbnail_is_described_as_it_was_written(prepared: Prepare) -> None:
    thumbnail = prepared(every_format()["jpeg"]).thumbnail
    content = thumbnail.path.read_bytes()
    assert (thumbnail.file_size, thumbnail.crc32) == (len(content), zlib.crc32(content))
    with Image.open(thumbnail.path) as image:
        assert (image.format, image.size) == ("JPEG", (thumbnail.width, thumbnail.height))


def test_a_small_picture_is_not_blown_up(prepared: Prepare) -> None:
    assert prepared(saved(corners(), "PNG")).thumbnail.width == SIZE[0]


def test_a_picture_of_one_line_keeps_one_line(prepared: Prepare) -> None:
    thumbnail = prepared(saved(Image.new("RGB", (9000, 2)), "PNG")).thumbnail
    assert (thumbnail.width, thumbnail.height) == (300, 1)


def test_the_original_is_left_bit_for_bit(source: Path, prepared: Prepare) -> None:
    for name, content in every_format().items():
        prepared(content)
        assert source.read_bytes() == content, name


def test_a_file_that_is_gone_can_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        prepare(tmp_path / "none.jpg", tmp_path / "thumbnail.jpg", Limits())


def test_a_full_disk_is_no_fault_of_the_photograph(source: Path) -> None:
    source.write_bytes(every_format()["jpeg"])
    with pytest.raises(StorageFull, match="No space is left"):
        prepare(source, Path("/dev/full"), Limits())


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_photograph(source: Path, tmp_path: Path) -> None:
    source.write_bytes(every_format()["jpeg"])
    with pytest.raises(Unavailable, match="cannot be written"):
        prepare(source, tmp_path / "missing" / "thumbnail.jpg", Limits())
