"""1,000 pictures through a small ONNX model: ``python -m tests.benchmarks.analysers [COUNT]`` (two minutes).

The product's analyser, one picture at a time and several, beside a bare loop of Pillow and onnxruntime over
the same bytes (decode, resize, normalise, run); and what capture quality takes for the same pictures.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from imgcore.analysis import installed, predict_many
from imgcore.analysis.quality import CaptureQuality
from imgcore.domain.analyses import Finding, Subject
from tests.analysis.models import settings
from tests.benchmarks.processes import load

COUNT = 1000
ROUNDS = 3
SIDE = 512
INPUT = 224
LABELS = ("calm", "watch", "urgent")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CARD = f"""
name = "bench"
version = "1"
title = "Benchmark"
intended_use = "To be timed."
limits = "It knows nothing."
kind = "onnx"
labels = {list(LABELS)}
[input]
size = [{INPUT}, {INPUT}]
mean = {list(MEAN)}
std = {list(STD)}
"""


def network() -> bytes:
    """Return a small convolutional network with fixed weights: 3 layers, each at half the size."""
    chance = np.random.default_rng(5)
    weights, nodes, last = [], [], "pixels"
    for number, (inner, outer) in enumerate(((3, 16), (16, 32), (32, 64))):
        drawn = chance.normal(0, (inner * 9) ** -0.5, (outer, inner, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(drawn, f"w{number}"))
        nodes.append(
            helper.make_node("Conv", [last, f"w{number}"], [f"c{number}"], strides=[2, 2], pads=[1, 1, 1, 1])
        )
        nodes.append(helper.make_node("Relu", [f"c{number}"], [last := f"r{number}"]))
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["answer"]),
    ]
    weights.append(numpy_helper.from_array(chance.normal(0, 1, (64, len(LABELS))).astype(np.float32), "head"))
    graph = helper.make_graph(
        nodes,
        "bench",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 3, INPUT, INPUT])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", len(LABELS)])],
        weights,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def renditions(count: int) -> list[Subject]:
    """Return pictures as the analysis copies are, each another one."""
    found = []
    for number in range(count):
        grain = Image.effect_noise((SIDE // 8, SIDE // 8), 60).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image = Image.merge("RGB", (grain, grain.rotate(90), Image.new("L", grain.size, number % 256)))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=85)
        found.append(Subject(file.getvalue(), SIDE, SIDE, None))
    return found


def bare(path: Path) -> Callable[[Sequence[Subject]], list[int]]:
    """Return the loop that anybody would write; it gives the place of the likeliest label."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

    def loop(subjects: Sequence[Subject]) -> list[int]:
        found = []
        for each in subjects:
            image = Image.open(io.BytesIO(each.data)).convert("RGB")
            image = image.resize((INPUT, INPUT), Image.Resampling.BILINEAR)
            pixels: NDArray[np.float32] = (np.asarray(image, np.float32) / np.float32(255) - mean) / std
            (rows,) = session.run(None, {"pixels": pixels.transpose(2, 0, 1)[None]})
            found.append(int(rows[0].argmax()))
        return found

    return loop


def likeliest(findings: Sequence[object]) -> list[int]:
    """Return the place of the likeliest label of each finding."""
    found = []
    for each in findings:
        if not isinstance(each, Finding):
            raise SystemExit(f"A picture failed: {each}")
        found.append(LABELS.index(max(each.predictions, key=lambda label: each.predictions[label])))
    return found


def timed(work: Callable[[], list[int]]) -> tuple[float, list[int]]:
    """Return the seconds that the work took, and what it found."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def main() -> None:
    """Print seconds and how many times the bare loop each way takes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        place = Path(name) / "models" / "bench"
        place.mkdir(parents=True)
        (place / "card.toml").write_text(CARD)
        (place / "model.onnx").write_bytes(network())
        analyser = installed(settings(Path(name)))["bench"]
        subjects, loop, quality = renditions(count), bare(place / "model.onnx"), CaptureQuality()
        ways: dict[str, Callable[[], list[int]]] = {
            "the bare loop": lambda: loop(subjects),
            "the analyser, one by one": lambda: likeliest([analyser.predict(each) for each in subjects]),
            "the analyser, several at once": lambda: likeliest(predict_many(analyser, subjects)),
            "capture quality": lambda: [len(quality.predict(each).predictions) for each in subjects],
        }
        likeliest(predict_many(analyser, subjects[:8]))
        taken: dict[str, list[float]] = {way: [] for way in ways}
        answers = {}
        for _round in range(ROUNDS):
            for way, work in ways.items():
                seconds, answers[way] = timed(work)
                taken[way].append(seconds)
    same = answers["the bare loop"] == answers["the analyser, several at once"]
    print(f"{count} pictures of {SIDE} pixels, median of {ROUNDS}; same answers: {same}; {load()}")
    for way, rounds in taken.items():
        times = median(one / first for one, first in zip(rounds, taken["the bare loop"], strict=True))
        print(f"{way:32}{median(rounds):8.2f} s {times:8.2f} x")


if __name__ == "__main__":
    main()
