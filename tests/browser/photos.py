"""The files that a clinic's cameras and scanners give, and files that are none: made once, in a folder."""

from __future__ import annotations

import zlib
from pathlib import Path

from PIL import Image

from tests.imaging.pictures import chunk, every_format, exif, noise, saved

LARGE = 16
MEGAPIXELS_12 = (4032, 3024)
SUFFIXES = {"mpo": "jpg"}


def make_all(folder: Path) -> list[Path]:
    """Write 45 files: 16 large photographs, 24 of every format, 5 that cannot be stored."""
    files = [*large(), *formats(), *broken()]
    for name, content in files:
        (folder / name).write_bytes(content)
    return [folder / name for name, _content in files]


def large() -> list[tuple[str, bytes]]:
    """Return photographs of 12 megapixels: taken on two days, every fourth held upright."""
    photo = noise((504, 378)).resize(MEGAPIXELS_12, Image.Resampling.BICUBIC)
    grain = Image.effect_noise((1008, 756), 24).resize(MEGAPIXELS_12, Image.Resampling.BILINEAR)
    content = saved(Image.blend(photo, grain.convert("RGB"), 0.35), "JPEG", quality=90)
    return [(f"DSC_{number:04}.jpg", _with_exif(content, number)) for number in range(1, LARGE + 1)]


def formats() -> list[tuple[str, bytes]]:
    """Return one file of each accepted format, and of the ways it is coded."""
    return [(f"{kind}.{_suffix(kind)}", content) for kind, content in every_format().items()]


def broken() -> list[tuple[str, bytes]]:
    """Return files that a clinic sends by mistake, or that somebody sends to do harm."""
    whole = every_format()
    return [
        ("cut.jpg", whole["jpeg"][: len(whole["jpeg"]) // 2]),
        ("letter.jpg", b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n"),
        ("drawing.png", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        ("cut.heic", whole["heic"][: len(whole["heic"]) // 2]),
        ("bomb.png", _bomb()),
    ]


def tiny(number: int) -> bytes:
    """Return a small photograph that differs from those of other numbers."""
    colour = (number * 37 % 256, number * 91 % 256, number % 256)
    return saved(Image.new("RGB", (48, 36), colour), "PNG") + number.to_bytes(4)


def _suffix(kind: str) -> str:
    first = kind.split()[0]
    return SUFFIXES.get(first, first)


def _with_exif(content: bytes, number: int) -> bytes:
    """Put a camera's block behind the first marker of a JPEG: quicker than to encode it again."""
    day = 6 if number % 5 else 2
    orientation = 6 if number % 4 == 0 else 1
    block = exif(
        DateTimeOriginal=f"2025:11:{day:02} 10:{number:02}:00", Orientation=orientation, Model="Camera"
    )
    return content[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block + content[2:]


def _bomb() -> bytes:
    """Return a file of a few hundred bytes that says it has 3600 megapixels."""
    header = (60_000).to_bytes(4) * 2 + bytes((8, 2, 0, 0, 0))
    packed = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
