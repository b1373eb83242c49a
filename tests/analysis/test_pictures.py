"""What models are given of a picture."""

from __future__ import annotations

import pytest
from PIL import Image

from imgcore.analysis.pictures import decoded, fitted, normalised
from imgcore.errors import Damaged
from tests.analysis.models import jpeg

RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


def stripes() -> Image.Image:
    """Return three squares beside each other: red, green, blue."""
    image = Image.new("RGB", (90, 30), RED)
    image.paste(GREEN, (30, 0, 60, 30))
    image.paste(BLUE, (60, 0, 90, 30))
    return image


def colours(image: Image.Image) -> list[object]:
    """Return the colour at the left, in the middle and at the right, and above the middle."""
    width, height = image.size
    places = ((1, height // 2), (width // 2, height // 2), (width - 2, height // 2), (width // 2, 1))
    return [image.getpixel(place) for place in places]


def test_stretched_it_shows_everything_out_of_shape() -> None:
    image = fitted(stripes(), (60, 60), "stretch", "nearest", 1.0)
    assert (image.size, colours(image)) == ((60, 60), [RED, GREEN, BLUE, GREEN])


def test_cropped_it_shows_the_middle() -> None:
    image = fitted(stripes(), (60, 60), "crop", "nearest", 1.0)
    assert (image.size, colours(image)) == ((60, 60), [GREEN] * 4)


def test_a_share_of_the_crop_cuts_off_the_edges() -> None:
    framed = Image.new("RGB", (100, 100), RED)
    framed.paste(GREEN, (10, 10, 90, 90))
    assert colours(fitted(framed, (50, 50), "crop", "nearest", 1.0)) == [RED, GREEN, RED, RED]
    assert colours(fitted(framed, (50, 50), "crop", "nearest", 0.8)) == [GREEN] * 4


def test_padded_it_shows_everything_in_shape() -> None:
    image = fitted(stripes(), (60, 60), "pad", "nearest", 1.0)
    assert (image.size, colours(image)) == ((60, 60), [RED, GREEN, BLUE, BLACK])


def test_channels_are_normalised_in_their_order() -> None:
    image = Image.new("RGB", (2, 2), (255, 51, 0))
    plain = normalised(image, (0.5, 0.2, 0.0), (0.5, 1.0, 1.0), bgr=False)
    assert plain.shape == (2, 2, 3)
    assert plain[0, 0].tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)
    turned = normalised(image, (0.0, 0.0, 0.0), (1.0, 1.0, 0.5), bgr=True)
    assert turned[1, 1].tolist() == pytest.approx([0.0, 0.2, 2.0], abs=1e-6)


@pytest.mark.parametrize(
    "data",
    [b"", b"text", jpeg(stripes())[:300], jpeg(Image.new("RGB", (4097, 1)))],
    ids=["nothing", "text", "cut", "huge"],
)
def test_what_is_no_analysis_copy_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        decoded(data)
