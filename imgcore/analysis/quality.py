"""How good a photograph is as such: its sharpness, exposure, balance of colours and number of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imgcore.analysis.analysers import checked
from imgcore.analysis.pictures import decoded
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.texts import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

# Every measure is taken at one size, so that large pictures are not sharper for being large.
SIDE = 512
COLOUR_SIDE = 64
# Sharpness: what counts is the sharpest eighth of the picture, for a foot is not its background.
TILES = 8
SHARPEST = TILES * TILES // 8
FLAT = 0.02  # contrast of what shows nothing but grain
# Detail for each contrast at which the score is one half: about a blur by 2 pixels in 1,024.
HALF_SHARP = 0.25
# Exposure: brightness (of 1) between which nothing is amiss, and where nothing is left.
DARK, DIM, BRIGHT, GLARING = 0.04, 0.28, 0.72, 0.98
BLACK, WHITE = 6 / 255, 250 / 255
SPARED = 0.05  # share of black and white pixels that any good picture may have
# Colour: distances in Lab from the line between grey and skin; the eye sees a cast at about 5.
SKIN = (14.0, 16.0)
UNSEEN, FULL = 5.0, 35.0
ENOUGH_PIXELS = 2_000_000


class CaptureQuality:
    """Scores of the picture as a picture, without any model: 1 is good. They say nothing of the patient.

    There is no risk level and no confidence, so that no list of risks holds a blurred picture.
    """

    model = Model(
        "capture-quality", "1", _("Capture quality"), None,
        intended_use=_("Judges the photograph, and says nothing of the patient."),
        limits=_("X-rays and documents are judged like photographs."),
    )  # fmt: skip

    def predict(self, subject: Subject) -> Finding:
        """Measure one picture."""
        image = decoded(subject.data)
        measured = image.copy()
        measured.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
        grey = _numbers(measured.convert("L"))
        return checked(
            Finding(
                {
                    "sharpness": _sharpness(grey),
                    "exposure": _exposure(grey),
                    "colour_balance": _colour_balance(image),
                    "resolution": min(1.0, (subject.width * subject.height / ENOUGH_PIXELS) ** 0.5),
                }
            )
        )


def _numbers(image: Image.Image) -> Numbers:
    import numpy as np

    return np.asarray(image, np.float64) / 255


def _sharpness(grey: Numbers) -> float:
    """Compare detail (the Laplacian) with contrast, tile by tile; light and dark pictures are alike."""
    import numpy as np

    if min(grey.shape) < 3 * TILES:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    detail, shown = 4 * grey[1:-1, 1:-1] - around, grey[1:-1, 1:-1]
    tiles = sorted(
        (float(np.std(fine)), float(np.std(tile)))
        for fine, tile in zip(_tiles(detail), _tiles(shown), strict=True)
    )
    fine, contrast = (sum(column) / SHARPEST for column in zip(*tiles[-SHARPEST:], strict=True))
    ratio = float(fine / (contrast + FLAT))
    return ratio**2 / (ratio**2 + HALF_SHARP**2)


def _tiles(plane: Numbers) -> list[Numbers]:
    import numpy as np

    return [
        tile for row in np.array_split(plane, TILES, axis=0) for tile in np.array_split(row, TILES, axis=1)
    ]


def _exposure(grey: Numbers) -> float:
    """Judge the mean brightness, less what is lost in pure black and white."""
    mean = float(grey.mean())
    fitting = min((mean - DARK) / (DIM - DARK), (GLARING - mean) / (GLARING - BRIGHT))
    lost = float(((grey <= BLACK) | (grey >= WHITE)).mean())
    kept = 1 - max(0.0, lost - SPARED) / (1 - SPARED)
    return _share(fitting) * kept


def _colour_balance(image: Image.Image) -> float:
    """Judge how far the mean colour lies from every mixture of grey and skin, in Lab."""
    import numpy as np

    small = image.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    mean = _lab(_numbers(small))[..., 1:].reshape(-1, 2).mean(axis=0)
    skin = np.array(SKIN)
    mixture = _share(float(mean @ skin / (skin @ skin)))
    distance = float(np.hypot(*(mean - mixture * skin)))
    return 1 - _share((distance - UNSEEN) / (FULL - UNSEEN))


def _lab(pixels: Numbers) -> Numbers:
    """Return CIE Lab (D65) of sRGB pixels, by the formulas of IEC 61966-2-1 and CIE 15."""
    import numpy as np

    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    cubes = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = cubes[..., 0], cubes[..., 1], cubes[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
