"""The pixels that models are given: decoded, brought to size, normalised."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageOps

from imgcore.errors import Damaged
from imgcore.texts import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.float32]

Resize = Literal["stretch", "crop", "pad"]
Filter = Literal["nearest", "bilinear", "bicubic", "lanczos"]
# Analysis copies have at most 1,024; what is far larger was not made by Imgcore.
LARGEST_SIDE = 4096
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def decoded(data: bytes) -> Image.Image:
    """Return the analysis copy as RGB; ``Damaged`` when the bytes are no whole JPEG of a fit size."""
    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG"])
        if max(image.size) > LARGEST_SIDE:
            raise ValueError(image.size)
        return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Damaged(_("The analysis copy of this image cannot be read.")) from error


def fitted(
    image: Image.Image, size: tuple[int, int], resize: Resize, filter: Filter, crop_share: float
) -> Image.Image:
    """Return the picture in exactly this size (width, height).

    ``stretch`` ignores the sides' ratio, ``crop`` keeps the middle (of it ``crop_share``), ``pad`` keeps all
    and fills up with black.
    """
    method = _FILTERS[filter]
    if resize == "pad":
        return ImageOps.pad(image, size, method)
    if resize == "crop":
        # What ImageOps.fit calls bleed is cut off at each side.
        return ImageOps.fit(image, size, method, bleed=(1 - crop_share) / 2)
    return image.resize(size, method)


def normalised(image: Image.Image, mean: tuple[float, ...], std: tuple[float, ...], *, bgr: bool) -> Pixels:
    """Return rows x columns x 3 numbers: each channel brought to 0..1, less its mean, by its deviation."""
    import numpy as np

    pixels = np.asarray(image)
    if bgr:
        pixels = pixels[:, :, ::-1]
    # One multiplication and one subtraction, in place: this is done for every pixel of every picture.
    factor = 1 / (255 * np.asarray(std, np.float64))
    found = pixels.astype(np.float32)
    found *= factor.astype(np.float32)
    found -= (np.asarray(mean, np.float64) / np.asarray(std, np.float64)).astype(np.float32)
    return found
