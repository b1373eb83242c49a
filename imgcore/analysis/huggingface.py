"""Image classifiers of Hugging Face, run by the pipeline of transformers on the processor."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, NamedTuple

from imgcore.analysis import fingerprints, pictures
from imgcore.analysis.cards import HuggingFaceCard, wrong
from imgcore.analysis.risks import finding
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ConfigError, ImgcoreError, Unavailable
from imgcore.texts import _

PACKAGES = ("transformers", "torch")
REQUIREMENTS = "requirements-huggingface.txt"
_FUNCTIONS = {"logits": "softmax", "sigmoid": "sigmoid", "probabilities": "none"}
_log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    pipeline: Any
    labels: tuple[str, ...]
    options: dict[str, Any]


class HuggingFaceClassifier:
    """One classifier with its own preparation of pictures; it is loaded at the first picture and kept.

    Only weights as safetensors are read, and no code that comes with a model is run: a pickle would be code.
    """

    def __init__(self, model: Model, card: HuggingFaceCard, folder: Path, *, threads: int) -> None:
        self.model = model
        self._card = card
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def predict(self, subject: Subject) -> Finding:
        """Say what the model sees."""
        loaded = self._load()
        image = pictures.decoded(subject.data)
        try:
            answers = loaded.pipeline(image, **loaded.options)
        except Exception as error:  # whatever a model's own code raises
            _log.warning("transformers failed with %s at the model %s", error, self.model.name)
            raise Unavailable(_("The model failed at this picture.")) from error
        found = {answer["label"]: float(answer["score"]) for answer in answers}
        return finding({label: found[label] for label in loaded.labels}, self._card.risk)

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                fingerprints.require_unchanged(self.model, self._folder)
                try:
                    self._loaded = self._opened()
                except ImgcoreError:
                    raise
                except Exception as error:  # as above
                    _log.warning("transformers cannot load the model %s: %s", self.model.name, error)
                    raise self._not_loaded() from error
            return self._loaded

    def _opened(self) -> _Loaded:
        import torch
        from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline
        from transformers.utils import logging as their_logging

        their_logging.disable_progress_bar()
        torch.set_num_threads(self._threads)
        place, source = self._source()
        model = AutoModelForImageClassification.from_pretrained(place, use_safetensors=True, **source)
        labels = self._labelled(model.config)
        processor = AutoImageProcessor.from_pretrained(place, **source)
        options: dict[str, Any] = {"top_k": len(labels)}
        if self._card.output:
            options["function_to_apply"] = _FUNCTIONS[self._card.output]
        made = pipeline("image-classification", model=model, image_processor=processor, device="cpu")
        return _Loaded(made, labels, options)

    def _source(self) -> tuple[str, dict[str, Any]]:
        """Return what to open and how; downloads of the hub are kept beside the card."""
        if self._card.hub:
            downloads = str(self._folder / fingerprints.DOWNLOADS)
            return self._card.hub, {"revision": self._card.revision, "cache_dir": downloads}
        return str(self._folder / str(self._card.folder)), {"local_files_only": True}

    def _labelled(self, config: Any) -> tuple[str, ...]:
        """Return the model's labels, or put those of the card in their place."""
        own = tuple(str(config.id2label[number]) for number in range(config.num_labels))
        labels = self._card.labels or own
        if len(labels) != len(own) or len(set(labels)) != len(labels):
            problem = _("the model has {count} outputs, and each needs a label of its own")
            raise wrong(self._folder, problem.format(count=len(own)))
        config.id2label = dict(enumerate(labels))
        return labels

    def _not_loaded(self) -> ImgcoreError:
        if self._card.hub:
            return Unavailable(
                _("The model {title} cannot be fetched from the hub now.").format(title=self.model.title)
            )
        return ConfigError(
            _(
                "The folder of the model {title} is missing, or holds no image classifier with its weights "
                "as safetensors."
            ).format(title=self.model.title)
        )
