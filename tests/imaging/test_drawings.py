"""Drawn pictures look like what they are named, and their files like those of a camera."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from imgcore.imaging import Limits, prepare
from imgcore.imaging.drawings import FORMATS, WITHOUT_EXIF, Drawing, Shot, photograph
from imgcore.imaging.drawings.feet import TONES
from imgcore.imaging.drawings.motifs import MOTIFS

TAKEN_AT = datetime(2025, 11, 6, 9, 14, 30, tzinfo=timezone(timedelta(hours=11)))
SHOT = Shot("Pedalia", "ClinicCam 2", TAKEN_AT)
SMALL = (320, 240)


def drawn(drawing: Drawing, shot: Shot = SHOT) -> Image.Image:
    """Return the picture as its file shows it before it is turned."""
    return Image.open(io.BytesIO(photograph(drawing, shot, "png"))).convert("RGB")


def outline(image: Image.Image) -> Image.Image:
    """Return where a foot or device is on its pale background, without the corner of the scale bar."""
    part = image.crop((0, 0, image.width, image.height * 17 // 20))
    red, _green, blue = part.split()
    dark = part.convert("L").point([255 if value < 150 else 0 for value in range(256)])
    warm = ImageChops.subtract(red, blue).point([255 if value > 30 else 0 for value in range(256)])
    return ImageChops.lighter(dark, warm)


def share(mask: Image.Image) -> float:
    return ImageStat.Stat(mask).mean[0] / 255


@pytest.mark.parametrize("motif", MOTIFS)
@pytest.mark.parametrize("size", [SMALL, SMALL[::-1]])
def test_every_motif_fills_a_picture_of_any_shape(motif: str, size: tuple[int, int]) -> None:
    image = drawn(Drawing(motif, "seed", size=size))
    assert image.size == size
    spread = ImageStat.Stat(image.convert("L")).stddev[0]
    assert spread > 8, "nothing is drawn on the background"


@pytest.mark.parametrize(
    "motif", ["from_above", "from_below", "anterior", "posterior", "lateral", "shoe", "brace"]
)
def test_left_is_the_mirror_image_of_right(motif: str) -> None:
    right = outline(drawn(Drawing(motif, "seed", "R", "deep", size=SMALL)))
    left = outline(drawn(Drawing(motif, "seed", "L", "deep", size=SMALL)))
    mirrored = left.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    different = share(ImageChops.difference(right, mirrored))
    assert different < 0.02
    assert different < share(ImageChops.difference(right, left)) / 2


def test_toes_of_a_right_foot_point_right_when_seen_from_its_outer_side() -> None:
    foot = outline(drawn(Drawing("lateral", "seed", "R", "deep", size=SMALL)))
    toes = foot.crop((0, foot.height * 4 // 5, foot.width, foot.height)).getbbox()
    shin = foot.crop((0, 0, foot.width, foot.height // 5)).getbbox()
    assert toes and shin
    assert toes[2] - shin[2] > shin[0] - toes[0]


@pytest.mark.parametrize("growth", [1.0, 0.72])
def test_scale_bar_is_as_long_as_50_mm_of_the_foot_in_the_picture(growth: float) -> None:
    image = drawn(Drawing("foot_length", "seed", tone="deep", growth=growth, size=(1600, 1200)))
    corner = image.convert("L").crop((0, 1050, 800, 1200))
    dark = [[corner.getpixel((x, y)) < 110 for x in range(800)] for y in range(150)]  # type: ignore[operator]
    bar = max(len(list(run)) for row in dark for is_dark, run in groupby(row) if is_dark)
    # 1600 pixels show 400 mm when the foot has its usual 250.
    assert bar == pytest.approx(50 * 4 / growth, rel=0.03)


def test_tones_of_skin_can_be_told_apart() -> None:
    middles = [
        drawn(Drawing("lateral", "seed", tone=tone, size=SMALL)).getpixel((130, 120)) for tone in TONES
    ]
    brightness = [sum(middle) for middle in middles if isinstance(middle, tuple)]
    assert brightness == sorted(brightness, reverse=True)
    assert min(first - second for first, second in pairwise(brightness)) > 40


@pytest.mark.parametrize("extension", FORMATS)
def test_same_drawing_is_the_same_file_and_another_seed_another(extension: str) -> None:
    drawing = Drawing("skin", "one", size=SMALL)
    assert photograph(drawing, SHOT, extension) == photograph(drawing, SHOT, extension)
    assert photograph(drawing, SHOT, extension) != photograph(replace(drawing, seed="two"), SHOT, extension)


@pytest.mark.parametrize("extension", FORMATS)
def test_file_of_every_format_is_accepted_and_tells_time_and_camera(extension: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(photograph(Drawing("lateral", "seed", size=SMALL), SHOT, extension))
    facts = prepare(source, tmp_path / "thumbnail", Limits()).facts
    assert (facts.extension, facts.width, facts.height) == (extension, *SMALL)
    told = (facts.captured_at, facts.captured_offset, facts.camera_make, facts.camera_model)
    known = (TAKEN_AT.replace(tzinfo=None), "+11:00", "Pedalia", "ClinicCam 2")
    assert told == ((None,) * 4 if extension in WITHOUT_EXIF else known)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_picture_of_a_turned_camera_is_shown_upright(orientation: int, tmp_path: Path) -> None:
    drawing = Drawing("lateral", "seed", size=(300, 225))
    thumbnails, stored = [], []
    for each in (1, orientation):
        source, thumbnail = tmp_path / f"source{each}", tmp_path / f"thumbnail{each}"
        source.write_bytes(photograph(drawing, replace(SHOT, orientation=each)))
        facts = prepare(source, thumbnail, Limits()).facts
        assert (facts.width, facts.height, facts.orientation) == (300, 225, each)
        with Image.open(thumbnail) as image:
            thumbnails.append(image.convert("RGB"))
        with Image.open(source) as image:
            stored.append(image.size)
    assert stored[1] == ((300, 225) if orientation == 3 else (225, 300))
    assert max(ImageStat.Stat(ImageChops.difference(*thumbnails)).mean) < 3
