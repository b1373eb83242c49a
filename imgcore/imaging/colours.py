"""Brings the pixels of any file to what every screen shows alike: 8 bits, RGB, sRGB, no transparency."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

WHITE = (255, 255, 255)
# Spaces of colour profiles (ICC.1), by the mode of the pixels they describe.
SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}
# White of 8, 12 and 16 bits: X-rays come with 12 bits in 16.
WHITES = (255, 4095, 65535)


def plain(image: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be shrunk well: L, RGB, RGBA or CMYK, 8 bits each."""
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        return _eight_bits(image)
    if mode == "LAB":
        return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if "transparency" in image.info or mode in ("RGBa", "La", "LA", "PA"):
        return image.convert("RGBA")
    if mode in ("L", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def flattened(image: Image.Image) -> Image.Image:
    """Return the picture on white where it was transparent."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def standard(image: Image.Image, icc: bytes) -> Image.Image:
    """Return the picture in sRGB; a profile that is broken or of another space is left out of account."""
    if icc[16:20] == SPACES.get(image.mode) and not _is_standard(icc):
        try:
            return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_standard(icc: bytes) -> bool:
    # Most files say sRGB and mean it; building the conversion would cost more than the thumbnail.
    return b"sRGB" in icc or "sRGB".encode("utf-16-be") in icc


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    target = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, target, outputMode="RGB")
    assert converted is not None
    return converted


def _eight_bits(image: Image.Image) -> Image.Image:
    low, high = image.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)
    if image.mode == "F":
        # Floating point has no white of its own.
        floor, span = low, (high - low) or 1.0
    else:
        image = image.convert("I")
        floor, span = 0, next((white for white in WHITES if high <= white), high)
    scale = 255 / span
    return image.point(lambda value: value * scale - floor * scale).convert("L")
