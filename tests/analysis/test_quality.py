"""Capture quality on pictures made here: what is made worse is scored worse, and nothing else is."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from imgcore.analysis.quality import CaptureQuality
from imgcore.domain.analyses import Subject
from imgcore.errors import Damaged
from tests.analysis.models import jpeg, subject


def photograph(size: tuple[int, int] = (800, 600)) -> Image.Image:
    """Return a skin-coloured scene of many sharp patches, well lit."""
    chance = random.Random(7)
    image = Image.new("RGB", size, (178, 142, 120))
    for _patch in range(400):
        width, height = chance.randint(8, 60), chance.randint(8, 60)
        light = chance.randint(-60, 50)
        place = (chance.randint(0, size[0]), chance.randint(0, size[1]))
        image.paste((178 + light, 142 + light, 120 + light), (*place, place[0] + width, place[1] + height))
    return image


def score(label: str, image: Image.Image) -> float:
    return CaptureQuality().predict(subject(image)).predictions[label]


def test_a_good_photograph_is_good_in_every_way() -> None:
    large = Subject(jpeg(photograph()), 4000, 3000, "left foot")
    found = CaptureQuality().predict(large)
    assert tuple(found.predictions) == ("sharpness", "exposure", "colour_balance", "resolution")
    assert min(found.predictions.values()) > 0.8
    assert (found.risk_level, found.confidence) == (None, None)


def test_the_more_a_picture_is_blurred_the_less_sharp_it_is() -> None:
    image = photograph()
    blurred = [image, *(image.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 2, 4, 8))]
    found = [score("sharpness", each) for each in blurred]
    assert found == sorted(set(found), reverse=True)
    assert found[0] > 0.8
    assert found[-1] < 0.2


def test_a_blurred_background_does_not_make_a_sharp_foot_blurred() -> None:
    image = photograph()
    foot = image.crop((250, 150, 550, 450))
    scene = image.filter(ImageFilter.GaussianBlur(8))
    scene.paste(foot, (250, 150))
    assert score("sharpness", scene) > 0.8


def test_light_alone_does_not_change_sharpness_much() -> None:
    image = photograph()
    darker = ImageEnhance.Brightness(image).enhance(0.5)
    assert score("sharpness", darker) == pytest.approx(score("sharpness", image), abs=0.1)


@pytest.mark.parametrize("factors", [(0.6, 0.4, 0.25, 0.1), (1.2, 1.5, 2.0, 3.0)])
def test_too_dark_and_too_bright_pictures_lose_exposure(factors: tuple[float, ...]) -> None:
    found = [score("exposure", ImageEnhance.Brightness(photograph()).enhance(factor)) for factor in factors]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.2 < 0.6 < found[0]


@pytest.mark.parametrize("tint", [(40, 80, 255), (60, 255, 60), (255, 60, 255), (255, 255, 0)])
def test_the_stronger_a_tint_the_lower_the_balance(tint: tuple[int, int, int]) -> None:
    image = photograph()
    layer = Image.new("RGB", image.size, tint)
    found = [score("colour_balance", Image.blend(image, layer, part)) for part in (0, 0.2, 0.4, 0.6)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < 0.5


def test_resolution_is_that_of_the_original() -> None:
    data = jpeg(photograph((80, 60)))
    found = [
        CaptureQuality().predict(Subject(data, width, height, None)).predictions["resolution"]
        for width, height in ((100, 75), (800, 600), (1600, 1250), (6000, 4000))
    ]
    assert found == sorted(found)
    assert found[0] < 0.1
    assert found[-2:] == [1.0, 1.0]


@pytest.mark.parametrize(
    "image",
    [Image.new("RGB", (1, 1)), Image.new("RGB", (1024, 1)), Image.new("RGB", (300, 300), (255, 255, 255))],
)
def test_pictures_of_nothing_have_scores_too(image: Image.Image) -> None:
    found = CaptureQuality().predict(subject(image)).predictions
    assert all(0 <= each <= 1 for each in found.values())
    assert found["exposure"] == 0
    assert found["sharpness"] < 0.1


def test_what_is_no_picture_is_damaged() -> None:
    with pytest.raises(Damaged):
        CaptureQuality().predict(Subject(b"no picture", 10, 10, None))
