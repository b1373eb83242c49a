from __future__ import annotations

import struct

import pytest
from PIL import Image, ImageCms

from tests.imaging.conftest import Render
from tests.imaging.pictures import (
    CORNERS,
    RED,
    WHITE,
    alike,
    corners,
    saved,
    see_through,
    seen_corners,
    sixteen_bits,
    standard_profile,
)

ON_WHITE = (WHITE, *CORNERS[1:])


@pytest.mark.parametrize(
    "content",
    [
        saved(see_through(), "PNG"),
        saved(see_through(), "WEBP", lossless=True),
        saved(see_through(), "TIFF"),
        saved(see_through(), "HEIF", quality=95),
        saved(see_through(), "AVIF", quality=95),
        saved(see_through().quantize(16), "PNG"),
        saved(see_through(), "GIF"),
        saved(corners(), "PNG", transparency=RED),
    ],
    ids=["png", "webp", "tiff", "heic", "avif", "palette png", "gif", "one colour"],
)
def test_what_is_transparent_becomes_white(content: bytes, rendered: Render) -> None:
    seen = seen_corners(rendered(content, "display"))
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, ON_WHITE, strict=True)), seen


def test_a_shrunk_transparent_picture_has_no_dark_edge(rendered: Render) -> None:
    image = Image.new("RGBA", (1200, 1200), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (601, 0, 1200, 1200))
    darkest, _lightest = rendered(saved(image, "PNG"), "thumbnail").convert("L").getextrema()
    assert isinstance(darkest, int) and darkest > 250


@pytest.mark.parametrize(
    "content",
    [
        saved(corners().quantize(16), "PNG"),
        saved(corners().quantize(16), "GIF"),
        saved(corners().quantize(16), "BMP"),
        saved(corners().convert("CMYK"), "JPEG", quality=95),
        saved(corners().convert("CMYK"), "TIFF"),
        saved(corners().convert("YCbCr"), "TIFF"),
        saved(corners().convert("RGBA"), "BMP"),
    ],
    ids=["palette png", "gif", "palette bmp", "cmyk jpeg", "cmyk tiff", "ycbcr tiff", "bmp with alpha"],
)
def test_colours_survive_every_mode(content: bytes, rendered: Render) -> None:
    seen = seen_corners(rendered(content, "analysis"))
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, CORNERS, strict=True)), seen


def ramp(image: Image.Image) -> list[int]:
    grey = image.convert("L")
    return [int(str(grey.getpixel((x, 24)))) for x in (1, 16, 32, 48, 62)]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_scaled_and_not_clipped(format: str, rendered: Render) -> None:
    seen = ramp(rendered(saved(sixteen_bits(), format), "display"))
    assert all(abs(one - wanted) < 6 for one, wanted in zip(seen, (4, 65, 129, 194, 251), strict=True)), seen


def test_twelve_bits_of_grey_in_sixteen_are_not_shown_black(rendered: Render) -> None:
    row = struct.pack("<64H", *(4095 * x // 63 for x in range(64)))
    seen = ramp(rendered(saved(Image.frombytes("I;16", (64, 48), row * 48), "TIFF"), "display"))
    assert seen[0] < 12 and seen[-1] > 240


def test_floating_point_is_spread_from_black_to_white(rendered: Render) -> None:
    image = sixteen_bits().convert("I").convert("F").point(lambda value: value * 0.001 - 20)
    seen = ramp(rendered(saved(image, "TIFF"), "display"))
    assert seen[0] < 12 and seen[-1] > 240 and seen == sorted(seen)


def test_black_and_white_stays_black_and_white(rendered: Render) -> None:
    image = Image.new("1", (64, 48))
    image.paste(1, (32, 0, 64, 48))
    seen = ramp(rendered(saved(image, "TIFF", compression="group4"), "display"))
    assert seen[0] < 10 and seen[-1] > 245


def test_lab_is_converted_and_not_refused(rendered: Render) -> None:
    lab = ImageCms.profileToProfile(
        corners(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    seen = seen_corners(rendered(saved(lab, "TIFF"), "display"))
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, CORNERS, strict=True)), seen


def swapped_profile() -> bytes:
    """Return a profile in which red means green and green means red, so that its use can be seen."""
    profile = bytearray(standard_profile().replace(b"sRGB", b"odd "))
    profile = profile.replace("sRGB".encode("utf-16-be"), "odd ".encode("utf-16-be"))
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("kind", ["thumbnail", "display"])
def test_the_colour_profile_of_the_camera_is_followed(format: str, kind: str, rendered: Render) -> None:
    image = Image.new("RGB", (400, 300), (255, 0, 0))
    content = saved(image, format, icc_profile=swapped_profile(), quality=95)
    red, green, _blue = seen_corners(rendered(content, kind))[0]
    assert green > 200 > red


@pytest.mark.parametrize("profile", [b"", b"broken", bytes(128), standard_profile()[:200]])
def test_a_broken_profile_leaves_the_colours_alone(profile: bytes, rendered: Render) -> None:
    content = saved(corners(), "PNG", icc_profile=profile)
    seen = seen_corners(rendered(content, "display"))
    assert all(alike(colour, wanted) for colour, wanted in zip(seen, CORNERS, strict=True)), seen


def test_a_profile_for_other_pixels_leaves_the_colours_alone(rendered: Render) -> None:
    content = saved(
        sixteen_bits().convert("I").point(lambda v: v / 257).convert("L"),
        "PNG",
        icc_profile=swapped_profile(),
    )
    assert ramp(rendered(content, "display"))[-1] > 240
