"""What a worker does with one file; Pillow is loaded there and nowhere else."""

from __future__ import annotations

from pathlib import Path

from imgcore.imaging.facts import Facts, Kind, Limits, Prepared, RenditionFile


def prepare(source: Path, thumbnail: Path, limits: Limits) -> Prepared:
    """Check a file, read its facts and write its thumbnail; a ``FileRefused`` says why it is not stored."""
    from imgcore.imaging import decoders, renditions

    with decoders.opened(source, limits) as picture:
        written = renditions.write(picture, "thumbnail", thumbnail)
        turned = picture.turn >= 5
        width, height = picture.size[::-1] if turned else picture.size
        facts = Facts(
            format=picture.format.name,
            mime_type=picture.format.mime_type,
            extension=picture.format.extension,
            width=width,
            height=height,
            orientation=picture.capture.orientation,
            frames=picture.frames,
            captured_at=picture.capture.captured_at,
            captured_offset=picture.capture.captured_offset,
            camera_make=picture.capture.camera_make,
            camera_model=picture.capture.camera_model,
            browser_shows=picture.format.browser_shows and picture.container.plain,
        )
    return Prepared(facts, written)


def render(source: Path, target: Path, kind: Kind, limits: Limits) -> RenditionFile:
    """Write one copy of a photograph to ``target``; ``FileRefused`` as in ``prepare``."""
    from imgcore.imaging import decoders, renditions

    with decoders.opened(source, limits) as picture:
        return renditions.write(picture, kind, target)
