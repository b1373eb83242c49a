from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

from imgcore.imaging import Kind
from tests.imaging.conftest import Render
from tests.imaging.pictures import CORNERS, alike, exif, noise, saved, seen_corners, standard_profile, turned

KINDS: tuple[Kind, ...] = get_args(Kind)
SECRETS = (b"Meyer", b"4711", b"GPS", b"Exif", b"http://ns.adobe.com", b"ICC_PROFILE", b"Photoshop", b"sRGB")


@functools.cache
def photograph(format: str) -> bytes:
    """Return a picture full of what must not leave: place, owner, serial number, notes, profile."""
    private = exif(
        Make="Canon",
        Artist="Dr Meyer",
        CameraOwnerName="Meyer",
        BodySerialNumber="4711",
        GPSInfo={1: "N", 2: (52.0, 31.0, 12.0)},
    )
    options = {"exif": private, "xmp": b"<x>http://ns.adobe.com Meyer</x>", "icc_profile": standard_profile()}
    if format in ("JPEG", "GIF"):
        options["comment"] = b"Meyer 4711"
    return saved(noise((640, 480)), format, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_no_copy_tells_who_where_or_with_what(format: str, kind: Kind, rendered: Render) -> None:
    content = photograph(format)
    image = rendered(content, kind)
    assert format == "GIF" or b"Meyer" in content
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_copy_holds_private_bytes(kind: Kind, rendered: Render, tmp_path: Path) -> None:
    rendered(photograph("JPEG"), kind)
    copy = (tmp_path / "copy.jpg").read_bytes()
    assert not [secret for secret in SECRETS if secret in copy]


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("thumbnail", (225, 300)),
        ("analysis", (768, 1024)),
        ("display", (1200, 1600)),
        ("compressed", (1200, 1600)),
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "HEIF", "PNG"])
def test_every_kind_has_its_size_and_is_upright(
    format: str, kind: Kind, size: tuple[int, int], rendered: Render
) -> None:
    stored = turned(6).resize((1600, 1200))
    image = rendered(saved(stored, format, exif=exif(Orientation=6)), kind)
    assert (image.size, image.mode) == (size, "RGB")
    seen = seen_corners(image)
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, CORNERS, strict=True)), seen


def reference(quality: int, optimize: bool) -> tuple[object, int]:
    buffer = io.BytesIO()
    noise().save(buffer, "JPEG", quality=quality, optimize=optimize)
    with Image.open(buffer) as image:
        return getattr(image, "quantization", None), len(buffer.getvalue())


@pytest.mark.parametrize(
    ("kind", "quality", "optimize"),
    [("display", 90, False), ("compressed", 90, True), ("analysis", 85, False)],
)
def test_every_kind_has_its_quality(kind: Kind, quality: int, optimize: bool, rendered: Render) -> None:
    image = rendered(saved(noise(), "PNG"), kind)
    assert getattr(image, "quantization", None) == reference(quality, optimize)[0]


def test_the_compressed_copy_is_smaller_than_the_display_copy(rendered: Render) -> None:
    assert reference(90, optimize=True)[1] < reference(90, optimize=False)[1]


def test_a_panorama_that_no_jpeg_can_hold_is_made_to_fit(rendered: Render) -> None:
    assert rendered(saved(Image.new("L", (66_000, 60)), "PNG"), "display").size == (65_500, 60)


def test_a_thumbnail_from_a_scaled_decode_looks_like_one_from_full_size(rendered: Render) -> None:
    photo = noise((1500, 1125))
    quick = rendered(saved(photo, "JPEG", quality=95), "thumbnail").convert("L").tobytes()
    slow = rendered(saved(photo, "PNG"), "thumbnail").convert("L").tobytes()
    # A decode at the next smaller scale is 5.4 away in this picture, the one that is used 3.1.
    assert sum(abs(one - other) for one, other in zip(quick, slow, strict=True)) / len(quick) < 4
