"""The contract, held by every analyser that is shipped or can be set up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from imgcore.analysis import Analyser, installed, predict_many
from imgcore.analysis.analysers import is_named
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import Damaged, ImgcoreError
from tests.analysis.inference import Answer, inference
from tests.analysis.models import CARD, gradient, hugging_face, onnx_folder, settings, subject

KINDS = [
    "capture-quality",
    "onnx",
    pytest.param("huggingface", marks=pytest.mark.xdist_group("huggingface")),
    "http",
]


@pytest.fixture(params=KINDS)
def analyser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Analyser]:
    """Each kind of analyser, with a small model behind it."""
    if request.param == "capture-quality":
        yield installed(settings(tmp_path))["capture-quality"]
    elif request.param == "onnx":
        onnx_folder(tmp_path)
        yield installed(settings(tmp_path))["wound-triage"]
    elif request.param == "huggingface":
        yield hugging_face(tmp_path, request.getfixturevalue("weights"))
    else:
        with inference() as server:
            server.will(Answer({"calm": 0.25, "urgent": 0.75}))
            folder = tmp_path / "models" / "served"
            folder.mkdir(parents=True)
            card = CARD.format(name="served", kind="http")
            (folder / "card.toml").write_text(f'{card}[server]\nurl = "{server.url}"\n')
            yield installed(settings(tmp_path))["served"]


def test_it_has_a_name_a_version_and_a_title(analyser: Analyser) -> None:
    assert is_named(analyser.model)
    assert analyser.model.title
    assert analyser.model.missing == ""
    assert analyser.model.sha256 is None or len(analyser.model.sha256) == 64


def test_it_is_the_same_at_every_look_and_after_its_work(analyser: Analyser) -> None:
    before: Model = analyser.model
    analyser.predict(subject())
    assert analyser.model == before


def test_it_says_the_same_of_the_same_picture_whatever_it_saw_between(analyser: Analyser) -> None:
    seen = subject(gradient())
    first = analyser.predict(seen)
    analyser.predict(subject(Image.new("RGB", (31, 77), (1, 2, 3))))
    assert analyser.predict(seen) == first
    assert predict_many(analyser, [seen, subject(), seen])[::2] == [first, first]


def test_scores_are_numbers_from_0_to_1(analyser: Analyser) -> None:
    for image in (gradient(), Image.new("RGB", (1, 1)), Image.new("RGB", (1024, 3), (255, 255, 255))):
        found = analyser.predict(subject(image))
        assert found.predictions
        assert all(0 <= each <= 1 for each in found.predictions.values())
        assert found.confidence is None or 0 <= found.confidence <= 1


@pytest.mark.parametrize("harm", ["empty", "half", "shifted"])
def test_bytes_that_are_no_picture_are_one_clear_error(analyser: Analyser, harm: str) -> None:
    good = subject(gradient())
    spoilt = {"empty": b"", "half": good.data[: len(good.data) // 2], "shifted": b"x" + good.data}
    bad = Subject(spoilt[harm], good.width, good.height, None)
    with pytest.raises(Damaged) as caught:
        analyser.predict(bad)
    assert caught.value.message.endswith(".")
    first, second = predict_many(analyser, [bad, good])
    assert isinstance(first, ImgcoreError)
    assert isinstance(second, Finding)
