"""Image classifiers as ONNX files, run by onnxruntime on the processor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imgcore.analysis import fingerprints, pictures
from imgcore.analysis.cards import OnnxCard, wrong
from imgcore.analysis.outputs import scores
from imgcore.analysis.risks import finding
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ConfigError, ImgcoreError, Unavailable
from imgcore.texts import _

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGES = ("onnxruntime",)
REQUIREMENTS = "requirements-onnx.txt"
# More bring nothing on a processor, and each takes memory for its pixels.
BATCH = 8
_QUIET = 3  # of onnxruntime's levels: errors alone
_log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    session: Any
    input: str
    kind: type[Any]
    batch: int


class OnnxClassifier:
    """One ONNX file with its card; the file is loaded at the first picture and kept."""

    def __init__(self, model: Model, card: OnnxCard, folder: Path, *, threads: int) -> None:
        self.model = model
        self._card = card
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def predict(self, subject: Subject) -> Finding:
        """Say what the model sees."""
        loaded = self._load()
        return self._run(loaded, [self._pixels(loaded, subject)])[0]

    def predict_many(self, subjects: Sequence[Subject]) -> list[Finding | ImgcoreError]:
        """Answer for each subject, several at a time when the model takes that."""
        loaded = self._load()
        found: list[Finding | ImgcoreError] = []
        for first in range(0, len(subjects), loaded.batch):
            found += self._together(loaded, subjects[first : first + loaded.batch])
        return found

    def _together(self, loaded: _Loaded, subjects: Sequence[Subject]) -> list[Finding | ImgcoreError]:
        found: list[Finding | ImgcoreError | None] = [None] * len(subjects)
        ready: dict[int, NDArray[Any]] = {}
        for place, subject in enumerate(subjects):
            try:
                ready[place] = self._pixels(loaded, subject)
            except ImgcoreError as error:
                found[place] = error
        if ready:
            answers = self._apart(loaded, list(ready.values()))
            for place, answer in zip(ready, answers, strict=True):
                found[place] = answer
        return [each for each in found if each is not None]

    def _apart(self, loaded: _Loaded, pixels: list[NDArray[Any]]) -> Sequence[Finding | ImgcoreError]:
        """Answer for a batch; when it fails, for each picture alone, so that one spoils only its own."""
        try:
            return self._run(loaded, pixels)
        except ImgcoreError as error:
            if len(pixels) == 1:
                return [error]
        return [self._apart(loaded, [each])[0] for each in pixels]

    def _pixels(self, loaded: _Loaded, subject: Subject) -> NDArray[Any]:
        feed = self._card.input
        image = pictures.fitted(
            pictures.decoded(subject.data), feed.size, feed.resize, feed.filter, feed.crop_share
        )
        found = pictures.normalised(image, feed.mean, feed.std, bgr=feed.channels == "BGR")
        return (found.transpose(2, 0, 1) if feed.layout == "NCHW" else found).astype(loaded.kind, copy=False)

    def _run(self, loaded: _Loaded, pixels: list[NDArray[Any]]) -> list[Finding]:
        import numpy as np

        labels = self._card.labels or ()
        try:
            rows = np.asarray(loaded.session.run(None, {loaded.input: np.stack(pixels)})[0])
        except Exception as error:  # onnxruntime has no class of its own above its errors
            _log.warning("onnxruntime failed with %s at the model %s", error, self.model.name)
            raise Unavailable(_("The model failed at this picture.")) from error
        if rows.size != len(pixels) * len(labels):
            raise wrong(
                self._folder,
                _("the model gives {count} numbers, and there are {labels} labels").format(
                    count=rows.size // len(pixels), labels=len(labels)
                ),
            )
        rows = rows.reshape(len(pixels), len(labels))
        return [finding(scores(labels, row, self._card.output), self._card.risk) for row in rows]

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                fingerprints.require_unchanged(self.model, self._folder)
                self._loaded = self._opened()
            return self._loaded

    def _opened(self) -> _Loaded:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        path = self._folder / self._card.file
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # as above
            _log.warning("onnxruntime cannot load the model %s: %s", self.model.name, error)
            raise ConfigError(
                _(
                    "The file {file} of the model {title} is missing, or is no ONNX model that runs here."
                ).format(file=self._card.file, title=self.model.title)
            ) from error
        return self._fitting(session)

    def _fitting(self, session: Any) -> _Loaded:
        """Check what the file says of its input against the card."""
        import numpy as np

        width, height = self._card.input.size
        sides = (3, height, width) if self._card.input.layout == "NCHW" else (height, width, 3)
        first, *others = session.get_inputs()
        kind = {"tensor(float)": np.float32, "tensor(float16)": np.float16}.get(first.type)
        shape = first.shape
        fits = len(shape) == 4 and all(
            not isinstance(is_, int) or is_ == said for is_, said in zip(shape[1:], sides, strict=True)
        )
        if others or kind is None or not fits or (isinstance(shape[0], int) and shape[0] != 1):
            raise wrong(
                self._folder,
                _("the model takes {type} of {shape}, and the card says {said}").format(
                    type=first.type, shape=shape, said=["N", *sides]
                ),
            )
        return _Loaded(session, first.name, kind, 1 if shape[0] == 1 else BATCH)
