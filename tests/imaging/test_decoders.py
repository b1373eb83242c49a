from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from imgcore.errors import Damaged, ImgcoreError, TooManyPixels
from imgcore.imaging import Limits, prepare
from tests.imaging.conftest import Prepare
from tests.imaging.pictures import every_format, noise, saved

NAMES = tuple(every_format())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_wrong_bits_bring_a_picture_or_one_of_our_errors(data: st.DataObject, prepared: Prepare) -> None:
    content = bytearray(every_format()[data.draw(st.sampled_from(NAMES))])
    # Headers are where decoders stumble, so half of the places are in the first part of the file.
    for _ in range(data.draw(st.integers(1, 8))):
        end = min(len(content), data.draw(st.sampled_from([600, len(content)])))
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    try:
        prepared(bytes(content))
    except ImgcoreError as error:
        assert error.message


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), rest=st.binary(max_size=400), kept=st.integers(2, 40))
def test_the_start_of_a_picture_and_then_anything(
    name: str, rest: bytes, kept: int, prepared: Prepare
) -> None:
    try:
        prepared(every_format()[name][:kept] + rest)
    except ImgcoreError as error:
        assert error.message


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("x"),
        SyntaxError("x"),
        EOFError("x"),
        struct.error("x"),
        OSError("x"),
        IndexError("x"),
        TypeError("x"),
        OverflowError("x"),
        KeyError("x"),
        RuntimeError("x"),
        ZeroDivisionError("x"),
        AssertionError("x"),
        RecursionError("x"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_every_fault_of_a_decoder_is_one_refusal(
    fault: Exception, prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> Image.Image:
        raise fault

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(Damaged):
        prepared(every_format()["jpeg"])


@pytest.mark.parametrize(
    "fault",
    [MemoryError(), Image.DecompressionBombError("x"), RuntimeError("Memory allocation error: too much")],
    ids=["MemoryError", "bomb", "libheif"],
)
def test_lack_of_memory_says_that_the_picture_is_too_large(
    fault: Exception, prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> Image.Image:
        raise fault

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(TooManyPixels, match="needs more memory"):
        prepared(every_format()["jpeg"])


@pytest.mark.parametrize("name", ["jpeg", "mpo", "png", "gif", "webp", "heic", "avif", "tiff", "bmp"])
def test_only_the_decoder_of_the_format_is_asked(
    name: str, prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    really = Image.open

    def watched(file: Any, **options: Any) -> Image.Image:
        asked.append(options.get("formats"))
        return really(file, **options)

    monkeypatch.setattr(Image, "open", watched)
    prepared(every_format()[name])
    assert asked == [({"mpo": "JPEG", "heic": "HEIF"}.get(name, name.upper()),)]


def test_warnings_of_decoders_do_not_reach_anybody(prepared: Prepare) -> None:
    large = saved(Image.new("1", (10_000, 9_000)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepared(large, Limits(max_pixels=100_000_000))


def test_the_thumbnail_inside_a_heic_is_never_shown(source: Path, prepared: Prepare) -> None:
    import pillow_heif

    from imgcore.imaging import decoders

    picture = pillow_heif.from_pillow(noise((640, 480)))
    content = source.with_suffix(".heic")
    picture.save(content, quality=50, thumbnails=[320])
    source.write_bytes(content.read_bytes())
    with decoders.opened(source, Limits()) as opened:
        assert not opened.image.info["thumbnails"]
    prepared(content.read_bytes())


def test_importing_the_package_loads_no_decoder() -> None:
    script = (
        "import sys, imgcore.imaging; print([name for name in ('PIL', 'pillow_heif') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_checking_a_file_needs_no_second_look_at_its_name(tmp_path: Path) -> None:
    hidden = tmp_path / "photo.svg"
    hidden.write_bytes(every_format()["jpeg"])
    assert prepare(hidden, tmp_path / "thumbnail.jpg", Limits()).facts.format == "jpeg"
