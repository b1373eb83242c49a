"""Pictures and small models whose answers can be worked out by hand."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from imgcore.analysis import Analyser, installed
from imgcore.config import Settings
from imgcore.domain.analyses import Subject

LABELS = ("calm", "watch", "urgent")
WEIGHTS = np.array([[2.0, -1.0, 0.5], [-1.0, 3.0, 0.25], [0.5, 0.5, -2.0]], np.float32)
BIAS = np.array([0.1, -0.2, 0.3], np.float32)
CARD = """
name = "{name}"
version = "1"
title = "Wound triage"
intended_use = "A test."
limits = "It knows three colours."
kind = "{kind}"
"""
ONNX_CARD = (
    CARD
    + """labels = ["calm", "watch", "urgent"]
output = "{output}"
[input]
size = [32, 24]
{feed}
"""
)


def settings(folder: Path, **more: Any) -> Settings:
    """Return settings whose models stand in a folder."""
    return Settings(data_dir=folder / "data", models_dir=folder / "models", **more)


def jpeg(image: Image.Image) -> bytes:
    """Return a picture as the analysis copies are written."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def subject(image: Image.Image | None = None, *, body_region: str | None = None) -> Subject:
    """Return what an analyser is given of a picture."""
    image = image or Image.new("RGB", (64, 48), (200, 90, 30))
    return Subject(jpeg(image), *image.size, body_region)


def gradient(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Return a picture that is different everywhere."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    return Image.merge("RGB", (across, Image.linear_gradient("L").resize(size), Image.new("L", size, 80)))


def colours_model(batch: int | str = "N", size: tuple[int, int] = (32, 24), *, layout: str = "NCHW") -> bytes:
    """Return an ONNX model: the mean of each channel, times ``WEIGHTS``, plus ``BIAS``."""
    width, height = size
    shape = [batch, 3, height, width] if layout == "NCHW" else [batch, height, width, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["means"], keepdims=0),
        helper.make_node("Gemm", ["means", "weights", "bias"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [batch, len(LABELS)])],
        [
            numpy_helper.from_array(np.array(axes, np.int64), "axes"),
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(BIAS, "bias"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def onnx_folder(
    folder: Path,
    name: str = "wound-triage",
    *,
    output: str = "logits",
    feed: str = "",
    more: str = "",
    model: bytes | None = None,
) -> Path:
    """Put a model with its card among the models of ``settings(folder)``."""
    place = folder / "models" / name
    place.mkdir(parents=True)
    card = ONNX_CARD.format(name=name, kind="onnx", output=output, feed=feed)
    (place / "card.toml").write_text(card + more)
    (place / "model.onnx").write_bytes(model or colours_model())
    return place


def answer_to(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return by hand what the model says of pixels (channels x rows x columns): its logits."""
    means = pixels.astype(np.float64).mean(axis=(1, 2))
    return np.asarray(means @ WEIGHTS.astype(np.float64) + BIAS, np.float64)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities."""
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum())


def hugging_face(
    folder: Path, weights: Path, *, head: str = 'folder = "weights"\n', more: str = ""
) -> Analyser:
    """Put a model as Hugging Face saves it among the models of ``settings(folder)``, and open it."""
    place = folder / "models" / "face"
    shutil.copytree(weights, place / "weights")
    (place / "card.toml").write_text(CARD.format(name="face", kind="huggingface") + head + more)
    return installed(settings(folder))["face"]
