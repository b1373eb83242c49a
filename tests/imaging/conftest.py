"""What the tests of pictures ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from imgcore.imaging import Kind, Limits, Prepared, prepare, render

Prepare = Callable[..., Prepared]
Render = Callable[..., Image.Image]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where a test puts the file that it sends."""
    return tmp_path / "photo.jpg"


@pytest.fixture
def prepared(source: Path, tmp_path: Path) -> Prepare:
    """Check bytes as an upload of them would be checked; the name always ends in .jpg."""

    def check(content: bytes, limits: Limits | None = None) -> Prepared:
        source.write_bytes(content)
        return prepare(source, tmp_path / "thumbnail.jpg", limits or Limits())

    return check


@pytest.fixture
def rendered(source: Path, tmp_path: Path) -> Render:
    """Return the copy of one kind that is made of bytes, as a program that opens it sees it."""

    def make(content: bytes, kind: Kind) -> Image.Image:
        source.write_bytes(content)
        made = render(source, tmp_path / "copy.jpg", kind, Limits())
        with Image.open(made.path) as image:
            image.load()
        assert image.format == "JPEG"
        return image

    return make
