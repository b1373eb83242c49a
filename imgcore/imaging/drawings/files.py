"""Writes drawings into files as cameras do: turned the way it was held, with time and camera in EXIF."""

from __future__ import annotations

import io
from random import Random
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

from imgcore.imaging import decoders
from imgcore.imaging.drawings import FORMATS, WITHOUT_EXIF, Drawing, Shot
from imgcore.imaging.drawings.feet import TONES, Foot, Skin
from imgcore.imaging.drawings.motifs import paint

# Quick rather than small, and AVIF in one thread, so that the same drawing is always the same file.
OPTIONS: dict[str, dict[str, Any]] = {
    "jpg": {"quality": 85},
    "png": {"compress_level": 3},
    "webp": {"quality": 85, "method": 2},
    "avif": {"quality": 75, "speed": 9, "max_threads": 1},
    "heic": {"quality": 70, "enc_params": {"preset": "ultrafast"}},
}
# How the pixels of an upright picture lie in the file, by the EXIF orientation that turns them back.
HELD = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def written(drawing: Drawing, shot: Shot, extension: str) -> bytes:
    """Draw, and return the file."""
    foot = Foot(Skin(TONES[drawing.tone]), drawing.side, Random(drawing.seed))
    image = paint(drawing.motif, drawing.size, foot, drawing.growth).image
    if shot.orientation in HELD:
        image = image.transpose(HELD[shot.orientation])
    decoder = FORMATS[extension].decoder
    if decoder in decoders.PLUGINS:
        decoders.PLUGINS[decoder]()
    options = dict(OPTIONS.get(extension, {}))
    if extension not in WITHOUT_EXIF:
        options["exif"] = _exif(shot)
    buffer = io.BytesIO()
    image.save(buffer, decoder, **options)
    return buffer.getvalue()


def _exif(shot: Shot) -> bytes:
    taken, offset = f"{shot.taken_at:%Y:%m:%d %H:%M:%S}", shot.taken_at.isoformat()[-6:]
    block = Image.Exif()
    block[Base.Make.value] = shot.camera_make
    block[Base.Model.value] = shot.camera_model
    block[Base.Orientation.value] = shot.orientation
    block[Base.DateTime.value] = taken
    detail = block.get_ifd(IFD.Exif)
    detail[Base.DateTimeOriginal.value] = taken
    detail[Base.OffsetTimeOriginal.value] = offset
    return block.tobytes()
