"""ONNX models, run by onnxruntime, against the same sums done by hand."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imgcore.analysis import Analyser, installed, predict_many
from imgcore.domain.analyses import Finding, Subject
from imgcore.errors import ConfigError, Conflict, Damaged
from tests.analysis.models import (
    LABELS,
    answer_to,
    colours_model,
    gradient,
    onnx_folder,
    settings,
    softmax,
    subject,
)

NAME = "wound-triage"
MEAN, STD = np.array([0.5, 0, 0.5]), np.array([0.5, 0.5, 2])


def opened(folder: Path) -> Analyser:
    return installed(settings(folder))[NAME]


def pixels(of: Subject, size: tuple[int, int] = (32, 24)) -> NDArray[np.float32]:
    """Return channels x rows x columns of 0 to 1, stretched."""
    image = Image.open(io.BytesIO(of.data)).convert("RGB").resize(size, Image.Resampling.BILINEAR)
    return (np.asarray(image, np.float32) / np.float32(255)).transpose(2, 0, 1)


def scores(finding: Finding) -> list[float]:
    assert tuple(finding.predictions) == LABELS
    return list(finding.predictions.values())


@pytest.mark.parametrize("batch", ["N", 1])
def test_a_model_says_what_its_weights_say(tmp_path: Path, batch: int | str) -> None:
    onnx_folder(tmp_path, model=colours_model(batch))
    seen = [subject(gradient()), subject(), subject(Image.new("RGB", (40, 70), (5, 250, 60)))] * 7
    expected = [softmax(answer_to(pixels(each))) for each in seen]
    analyser = opened(tmp_path)
    together = predict_many(analyser, seen)
    for finding, by_hand in zip(together, expected, strict=True):
        assert isinstance(finding, Finding)
        assert scores(finding) == pytest.approx(by_hand.tolist(), abs=1e-6)
        assert finding.confidence == max(finding.predictions.values())
    assert [analyser.predict(each) for each in seen] == together


@pytest.mark.parametrize(
    ("feed", "change"),
    [
        (
            "mean = [0.5, 0, 0.5]\nstd = [0.5, 0.5, 2]",
            lambda p: (p - MEAN[:, None, None]) / STD[:, None, None],
        ),
        ('channels = "BGR"', lambda p: p[::-1]),
    ],
)
def test_pixels_are_normalised_and_ordered_as_the_card_says(tmp_path: Path, feed: str, change: Any) -> None:
    onnx_folder(tmp_path, feed=feed)
    seen = subject(gradient())
    assert scores(opened(tmp_path).predict(seen)) == pytest.approx(
        softmax(answer_to(change(pixels(seen)))).tolist(), abs=1e-6
    )


def test_rows_can_come_before_channels(tmp_path: Path) -> None:
    onnx_folder(tmp_path, feed='layout = "NHWC"', model=colours_model(layout="NHWC"))
    seen = subject(gradient())
    expected = softmax(answer_to(pixels(seen))).tolist()
    assert scores(opened(tmp_path).predict(seen)) == pytest.approx(expected, abs=1e-6)


def test_labels_that_hold_together_each_have_their_own_score(tmp_path: Path) -> None:
    onnx_folder(tmp_path, output="sigmoid")
    seen = subject()
    expected = 1 / (1 + np.exp(-answer_to(pixels(seen))))
    assert scores(opened(tmp_path).predict(seen)) == pytest.approx(expected.tolist(), abs=1e-6)


def test_numbers_that_are_no_probabilities_are_no_result(tmp_path: Path) -> None:
    onnx_folder(tmp_path, output="probabilities")
    analyser = opened(tmp_path)
    with pytest.raises(Exception, match="scores are not numbers from 0 to 1"):
        analyser.predict(subject(Image.new("RGB", (8, 8), (255, 0, 0))))


def test_a_damaged_picture_spoils_only_its_own_answer(tmp_path: Path) -> None:
    onnx_folder(tmp_path)
    good = subject()
    bad = Subject(good.data[:200], 64, 48, None)
    analyser = opened(tmp_path)
    first, second, third = predict_many(analyser, [good, bad, good])
    assert isinstance(second, Damaged)
    assert first == third == analyser.predict(good)


def test_a_risk_comes_from_the_table_of_the_card(tmp_path: Path) -> None:
    risk = '[risk]\nlevels = ["low", "high"]\nlabels = { calm = "low", watch = "high", urgent = "high" }\n'
    onnx_folder(tmp_path, more=risk)
    analyser = opened(tmp_path)
    assert analyser.predict(subject(Image.new("RGB", (8, 8), (255, 0, 0)))).risk_level == "low"
    assert analyser.predict(subject(Image.new("RGB", (8, 8), (0, 255, 0)))).risk_level == "high"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (colours_model(size=(64, 64)), r"takes tensor\(float\) of \['N', 3, 64, 64\]"),
        (colours_model(batch=4), "and the card says"),
        (colours_model(layout="NHWC"), "and the card says"),
        (b"no model at all", "no ONNX model that runs here"),
    ],
)
def test_a_file_that_does_not_fit_its_card_says_so(tmp_path: Path, model: bytes, said: str) -> None:
    onnx_folder(tmp_path, model=model)
    with pytest.raises(ConfigError, match=said):
        opened(tmp_path).predict(subject())


def test_more_labels_than_outputs_are_told_for_each_picture(tmp_path: Path) -> None:
    place = onnx_folder(tmp_path)
    card = place / "card.toml"
    card.write_text(card.read_text().replace('"urgent"]', '"urgent", "other"]'))
    found = predict_many(opened(tmp_path), [subject(), subject()])
    assert [type(each) for each in found] == [ConfigError, ConfigError]
    assert "gives 3 numbers, and there are 4 labels" in str(found[0])


def test_files_changed_since_the_start_are_not_run_under_the_old_hash(tmp_path: Path) -> None:
    place = onnx_folder(tmp_path)
    analyser = opened(tmp_path)
    (place / "model.onnx").write_bytes(colours_model(1))
    with pytest.raises(Conflict, match="changed a moment ago"):
        analyser.predict(subject())
    assert opened(tmp_path).model.sha256 != analyser.model.sha256


def test_several_threads_may_ask_at_once(tmp_path: Path) -> None:
    onnx_folder(tmp_path)
    analyser = opened(tmp_path)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(analyser.predict, [subject()] * 8))
    assert found == [found[0]] * 8
