"""Opens pictures with Pillow: only as the format they are, within limits, with one error for each fault."""

from __future__ import annotations

import importlib
import io
import mmap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from PIL import Image, ImageFile

from imgcore.errors import ImgcoreError, TooManyPixels, Unavailable
from imgcore.imaging import bitmaps, boxes, formats, gifs, jpegs, pngs, tiffs, webps
from imgcore.imaging.captures import Capture, read_capture
from imgcore.imaging.containers import Container, View, damaged
from imgcore.imaging.facts import Limits
from imgcore.imaging.formats import Format
from imgcore.texts import _

READERS: dict[str, Callable[[View, Limits], Container]] = {
    "JPEG": jpegs.read,
    "PNG": pngs.read,
    "GIF": gifs.read,
    "WEBP": webps.read,
    "TIFF": tiffs.read,
    "BMP": bitmaps.read,
    "HEIF": boxes.read,
    "AVIF": boxes.read,
}
# Their pixels come out of the decoder upright.
TURNED_BY_DECODER = frozenset({"HEIF", "TIFF", "GIF", "BMP"})
# How many pictures they hold only the decoder knows.
COUNTED_BY_DECODER = frozenset({"HEIF", "AVIF"})


@dataclass(frozen=True)
class Picture:
    """A file whose headers were checked; ``image`` loads its first frame when it is asked for pixels.

    ``turn`` is the EXIF orientation that is still to be applied to ``image``; ``size`` is before it.
    """

    format: Format
    container: Container
    image: ImageFile.ImageFile
    size: tuple[int, int]
    frames: int
    capture: Capture
    turn: int


@contextmanager
def opened(source: Path, limits: Limits) -> Iterator[Picture]:
    """Open a file and translate whatever its bytes do to the decoder while it is open."""
    with refusing(), _mapped(source) as view, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        format = formats.identify(view[: formats.HEAD])
        container = READERS[format.decoder](view, limits)
        for at, mask in container.masks:
            view[at : at + len(mask)] = mask
        with _image(format, view) as image:
            limits.check_size(*image.size)
            frames = _frames(format, container, image)
            limits.check_frames(frames)
            capture = read_capture(container.exif)
            turn = _turn(format, image, capture)
            yield Picture(format, container, image, image.size, frames, capture, turn)


@contextmanager
def refusing() -> Iterator[None]:
    """Make one refusal of every fault: hostile bytes bring decoders to raise nearly anything."""
    try:
        yield
    except ImgcoreError:
        raise
    except (MemoryError, Image.DecompressionBombError):
        raise _too_costly() from None
    except Exception as error:
        # libheif and libtiff report lack of memory as one more failure of theirs.
        if "memory" in str(error).lower() or "security limit" in str(error).lower():
            raise _too_costly() from None
        raise damaged() from error


def warm_up(limits: Limits) -> None:
    """Load the decoders that nearly every file needs, and give Pillow's own guard the clinic's limit."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    Image.preinit()


@contextmanager
def _mapped(source: Path) -> Iterator[mmap.mmap]:
    """Map a file so that what is written over it here stays here."""
    try:
        with source.open("rb") as file:
            if not file.seek(0, io.SEEK_END):
                raise formats.empty()
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise Unavailable(_("The uploaded file cannot be read.")) from error
    with view:
        yield view


def _image(format: Format, view: mmap.mmap) -> ImageFile.ImageFile:
    PLUGINS.get(format.decoder, Image.preinit)()
    # Broken metadata of a TIFF points beyond its end; only files that are not mapped let decoders seek there.
    file = io.BytesIO(view[:]) if format.decoder == "TIFF" else cast(IO[bytes], view)
    return Image.open(file, formats=(format.decoder,))


def _load_heif() -> None:
    import pillow_heif

    # One thread, because the workers share the processors; and never the thumbnail inside the file:
    # it can show what was cut out of the picture.
    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


def _load_avif() -> None:
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _load(plugin: str) -> Callable[[], object]:
    return lambda: importlib.import_module(f"PIL.{plugin}ImagePlugin")


PLUGINS: dict[str, Callable[[], object]] = {
    "HEIF": _load_heif,
    "AVIF": _load_avif,
    "WEBP": _load("WebP"),
    "TIFF": _load("Tiff"),
}


def _frames(format: Format, container: Container, image: ImageFile.ImageFile) -> int:
    return int(getattr(image, "n_frames", 1)) if format.decoder in COUNTED_BY_DECODER else container.frames


def _turn(format: Format, image: ImageFile.ImageFile, capture: Capture) -> int:
    if format.decoder in TURNED_BY_DECODER:
        return 1
    if format.decoder == "AVIF":
        # The container's own turn counts; Pillow reports it as if it were EXIF.
        return read_capture(image.info.get("exif", b"")).orientation
    return capture.orientation


def _too_costly() -> TooManyPixels:
    return TooManyPixels(
        _("This picture needs more memory than allowed."), hint=_("Save it smaller and try again.")
    )
