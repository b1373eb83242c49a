"""Makes the copies of a photograph: upright JPEGs in sRGB, on white, without any metadata."""

from __future__ import annotations

import errno
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from imgcore.domain.checksums import crc32
from imgcore.errors import StorageFull, Unavailable
from imgcore.imaging import colours
from imgcore.imaging.decoders import Picture
from imgcore.imaging.facts import Kind, RenditionFile
from imgcore.texts import _

# A JPEG cannot be wider or higher.
LARGEST_SIDE = 65_500
# How much larger than its target a scaled decode must be, so that shrinking the rest of the way
# looks like shrinking from full size (measured in tests/benchmarks/imaging.py). A photograph of
# 4,000 pixels still decodes at one eighth, which is what makes a thumbnail cheap.
RESERVE = 1.6
# Pillow's own figure from which its two-step shrinking cannot be told from the slow one.
REDUCING_GAP = 3.0
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Recipe:
    """How one kind of copy is made; ``side`` is the most pixels that its longer side may have."""

    side: int
    quality: int
    optimize: bool = False


RECIPES: dict[Kind, Recipe] = {
    "thumbnail": Recipe(300, 85),
    "display": Recipe(LARGEST_SIDE, 90),
    "compressed": Recipe(LARGEST_SIDE, 90, optimize=True),
    "analysis": Recipe(1024, 85),
}


def write(picture: Picture, kind: Kind, target: Path) -> RenditionFile:
    """Decode the picture, which finds what is damaged, and write the copy to ``target``."""
    recipe = RECIPES[kind]
    image = upright(picture, recipe.side)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=recipe.quality, optimize=recipe.optimize)
    content = buffer.getvalue()
    _store(target, content)
    return RenditionFile(target, *image.size, len(content), crc32(content))


def upright(picture: Picture, side: int) -> Image.Image:
    """Return the pixels, shrunk to ``side``, upright and in sRGB.

    Everything costly happens after shrinking: turning and converting colours.
    """
    size = _fitted(picture.size, side)
    image, box = _decoded(picture, size)
    icc = picture.container.icc or picture.image.info.get("icc_profile") or b""
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)
    image = colours.standard(colours.flattened(image), icc)
    if picture.turn in TURNS:
        image = image.transpose(TURNS[picture.turn])
    # Pillow would write a comment that came with the file.
    image.info = {}
    return image


def _decoded(
    picture: Picture, size: tuple[int, int]
) -> tuple[Image.Image, tuple[float, float, float, float] | None]:
    """Decode, a JPEG only as large as needed; the box is the part that the picture fills."""
    image, box = picture.image, None
    if picture.format.decoder == "JPEG" and size != picture.size:
        drafted = image.draft(None, (int(size[0] * RESERVE), int(size[1] * RESERVE)))
        box = drafted[1] if drafted else None
    image.load()
    return colours.plain(image), box


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _store(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(_("No space is left for the copies of a photograph.")) from error
        raise Unavailable(_("The copy of a photograph cannot be written.")) from error
