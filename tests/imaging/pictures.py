"""Makes the pictures that the tests send: every format, small, with four corners of known colours."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
SIZE = (64, 48)
# Clockwise from the top left, as a person sees the upright picture.
CORNERS = (RED, GREEN, BLUE, WHITE)
UPSIDE = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def corners(size: tuple[int, int] = SIZE) -> Image.Image:
    """Return an RGB picture whose four quarters have the colours of ``CORNERS``."""
    width, height = size
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (width // 2, height // 2, width, height))
    image.paste(WHITE, (0, height // 2, width // 2, height))
    return image


def noise(size: tuple[int, int] = (400, 300), seed: int = 1) -> Image.Image:
    """Return a picture with detail everywhere, so that files of it have no long runs."""
    state, content = seed, bytearray()
    coarse = (max(1, size[0] // 4), max(1, size[1] // 4))
    while len(content) < coarse[0] * coarse[1] * 3:
        state = zlib.crc32(state.to_bytes(4))
        content += state.to_bytes(4)
    small = Image.frombytes("RGB", coarse, bytes(content[: coarse[0] * coarse[1] * 3]))
    return small.resize(size, Image.Resampling.BICUBIC)


def seen_corners(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """Return the colours near the four corners of a picture, clockwise from the top left."""
    image = image.convert("RGB")
    right, bottom = image.width * 7 // 8, image.height * 7 // 8
    left, top = image.width // 8, image.height // 8
    places = ((left, top), (right, top), (right, bottom), (left, bottom))
    colours = (image.getpixel(place) for place in places)
    return tuple(colour for colour in colours if isinstance(colour, tuple))


def alike(first: tuple[int, ...], second: tuple[int, ...], distance: int = 40) -> bool:
    """Return whether two colours are the same but for what lossy coding does to them."""
    return all(abs(one - other) <= distance for one, other in zip(first, second, strict=True))


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture as a file of a format."""
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def exif(**values: Any) -> bytes:
    """Return an EXIF block with the given fields, by their names in EXIF."""
    from PIL.ExifTags import IFD, Base

    block = Image.Exif()
    for name, value in values.items():
        tag = Base[name]
        place = block.get_ifd(IFD.Exif) if tag >= 0x8298 and tag != 0x8825 else block
        place[tag.value] = value
    return block.tobytes()


def turned(orientation: int) -> Image.Image:
    """Return the picture as a camera stores it that is to be turned by ``orientation``."""
    method = UPSIDE[orientation]
    return corners() if method is None else corners().transpose(method)


def multi_picture() -> bytes:
    """Return an MPO file, as phones write it for a photograph with a gain map or depth map."""
    return saved(noise(), "MPO", save_all=True, append_images=[noise((200, 150), seed=2)])


def animated(format: str, **options: Any) -> bytes:
    """Return three frames of noise."""
    frames = [noise((80, 60), seed=seed) for seed in (1, 2, 3)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], **options)


def sixteen_bits(size: tuple[int, int] = SIZE) -> Image.Image:
    """Return a grey ramp from left to right over the whole range of 16 bits."""
    row = struct.pack(f"<{size[0]}H", *(65535 * x // (size[0] - 1) for x in range(size[0])))
    return Image.frombytes("I;16", size, row * size[1])


def see_through() -> Image.Image:
    """Return the corners with the top left quarter fully transparent."""
    image = corners().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, image.width // 2, image.height // 2))
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """Return a PNG file with a chunk added behind its header."""
    return png[:33] + chunk(kind, body) + png[33:]


def standard_profile() -> bytes:
    """Return the sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@functools.cache
def every_format() -> dict[str, bytes]:
    """Return a whole file of each accepted format and of the ways it is coded."""
    photo = noise()
    return {
        "jpeg": saved(photo, "JPEG", quality=90),
        "jpeg progressive": saved(photo, "JPEG", quality=90, progressive=True),
        "jpeg grey": saved(photo.convert("L"), "JPEG"),
        "jpeg cmyk": saved(photo.convert("CMYK"), "JPEG"),
        "mpo": multi_picture(),
        "png": saved(photo, "PNG"),
        "png palette": saved(photo.quantize(32), "PNG"),
        "png 16 bits": saved(sixteen_bits(), "PNG"),
        "png animated": animated("PNG"),
        "gif": saved(photo, "GIF"),
        "gif animated": animated("GIF"),
        "webp": saved(photo, "WEBP", quality=80),
        "webp lossless": saved(photo, "WEBP", lossless=True),
        "webp animated": animated("WEBP"),
        "heic": saved(photo, "HEIF", quality=60),
        "avif": saved(photo, "AVIF", quality=60, speed=10),
        "avif animated": animated("AVIF", speed=10),
        "tiff": saved(photo, "TIFF"),
        "tiff deflate": saved(photo, "TIFF", compression="tiff_deflate"),
        "tiff jpeg": saved(photo, "TIFF", compression="jpeg"),
        "tiff pages": animated("TIFF"),
        "tiff 16 bits": saved(sixteen_bits(), "TIFF"),
        "bmp": saved(photo, "BMP"),
        "bmp palette": saved(photo.quantize(32), "BMP"),
    }
