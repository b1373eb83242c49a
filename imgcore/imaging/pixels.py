"""The pixels of a photograph as they are, for programs: upright, in sRGB, and with nothing else in them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from imgcore.imaging import decoders, renditions
from imgcore.imaging.facts import Limits


def load(source: Path, limits: Limits) -> Image.Image:
    """Decode a file that was found whole before; ``FileRefused`` says what is wrong with one that is not."""
    with decoders.opened(source, limits) as picture:
        return renditions.upright(picture, max(picture.size)).copy()
