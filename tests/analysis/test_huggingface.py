"""A small vision transformer with fixed weights, saved as Hugging Face does and run by transformers."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imgcore.analysis import installed
from imgcore.domain.analyses import Subject
from imgcore.errors import ConfigError, Damaged, Unavailable
from tests.analysis.models import LABELS, gradient, hugging_face, jpeg, settings, softmax, subject

# One process loads torch, and it alone.
pytestmark = pytest.mark.xdist_group("huggingface")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RISK = '[risk]\nlevels = ["low", "high"]\nlabels = { calm = "low", watch = "high", urgent = "high" }\n'


def logits(weights: Path, data: bytes) -> NDArray[np.float64]:
    """Return what the network itself answers to a picture that is prepared by hand."""
    import torch
    from transformers import ViTForImageClassification

    image = Image.open(io.BytesIO(data)).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)
    pixels = (np.asarray(image, np.float32) / 255 - 0.5) / 0.5
    with torch.no_grad():
        model = ViTForImageClassification.from_pretrained(weights)
        found = model(pixel_values=torch.from_numpy(pixels.transpose(2, 0, 1)[None])).logits[0]
    return np.asarray(found.numpy(), np.float64)


def test_a_model_from_a_folder_says_what_its_network_says(tmp_path: Path, weights: Path) -> None:
    analyser = hugging_face(tmp_path, weights, more=RISK)
    assert analyser.model.missing == ""
    levels = set()
    for image in (gradient(), Image.new("RGB", (40, 70), (5, 250, 60)), Image.new("RGB", (64, 64))):
        data = jpeg(image)
        found = analyser.predict(Subject(data, *image.size, None))
        assert tuple(found.predictions) == LABELS
        expected = softmax(logits(weights, data)).tolist()
        assert list(found.predictions.values()) == pytest.approx(expected, abs=1e-4)
        assert found.confidence == max(found.predictions.values())
        assert found == analyser.predict(Subject(data, *image.size, None))
        levels.add(found.risk_level)
    assert levels <= {"low", "high"}


def test_the_card_can_rename_labels_and_say_that_they_hold_together(tmp_path: Path, weights: Path) -> None:
    head = 'folder = "weights"\nlabels = ["one", "two", "three"]\noutput = "sigmoid"\n'
    seen = subject(gradient())
    found = hugging_face(tmp_path, weights, head=head).predict(seen)
    expected = 1 / (1 + np.exp(-logits(weights, seen.data)))
    assert tuple(found.predictions) == ("one", "two", "three")
    assert list(found.predictions.values()) == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_commit_of_the_hub_is_opened_from_what_was_downloaded(
    tmp_path: Path, weights: Path, offline: None
) -> None:
    analyser = hugging_face(tmp_path, weights, head=f'hub = "a-clinic/feet"\nrevision = "{COMMIT}"\n')
    with pytest.raises(Unavailable, match="cannot be fetched from the hub"):
        analyser.predict(subject())
    downloads = tmp_path / "models" / "face" / "hub" / "models--a-clinic--feet" / "snapshots" / COMMIT
    shutil.copytree(weights, downloads)
    expected = softmax(logits(weights, subject().data)).tolist()
    assert list(analyser.predict(subject()).predictions.values()) == pytest.approx(expected, abs=1e-4)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the hub's own client from asking anybody."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_weights_that_could_be_code_are_not_opened(tmp_path: Path, weights: Path) -> None:
    import torch
    from transformers import ViTForImageClassification

    analyser = hugging_face(tmp_path, weights)
    place = tmp_path / "models" / "face" / "weights"
    pickled = ViTForImageClassification.from_pretrained(weights).state_dict()
    torch.save(pickled, place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()
    analyser = installed(settings(tmp_path))["face"]
    with pytest.raises(ConfigError, match="safetensors"):
        analyser.predict(subject())


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path, weights: Path) -> None:
    hugging_face(tmp_path, weights)
    place = tmp_path / "models" / "face" / "weights"
    (place / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: ...\n")
    config: dict[str, Any] = json.loads((place / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoModelForImageClassification": "own.Own", "AutoConfig": "own.Own"},
    }
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="no image classifier"):
        installed(settings(tmp_path))["face"].predict(subject())
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_missing_says_so(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(ConfigError, match="is missing, or holds no image classifier"):
        hugging_face(tmp_path, weights, head='folder = "others"\n').predict(subject())


def test_more_labels_than_outputs_say_so(tmp_path: Path, weights: Path) -> None:
    head = 'folder = "weights"\nlabels = ["one", "two"]\n'
    with pytest.raises(ConfigError, match="has 3 outputs"):
        hugging_face(tmp_path, weights, head=head).predict(subject())


def test_a_damaged_picture_is_one_clear_error(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(Damaged):
        hugging_face(tmp_path, weights).predict(Subject(subject().data[:99], 10, 10, None))
