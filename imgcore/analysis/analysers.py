"""The contract of an analyser, and what every answer of one is held to."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ConfigError, ImgcoreError, Unavailable
from imgcore.texts import _

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 100
LONGEST_VERSION = 50
LONGEST_LABEL = 200
LONGEST_RISK = 20
MOST_LABELS = 10_000
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, halves of surrogate pairs
# Threads and batches can change the last bits of a score; the first six digits after the point stay.
DIGITS = 6
_log = logging.getLogger(__name__)


class Analyser(Protocol):
    """A model that can be asked about a picture.

    ``predict`` answers the same for the same subject, keeps nothing of it, may be called from several
    threads at once, and raises errors of ``imgcore.errors`` alone.
    """

    @property
    def model(self) -> Model:
        """What it is; the same at every look."""
        ...

    def predict(self, subject: Subject) -> Finding:
        """Say what the model sees."""
        ...


@runtime_checkable
class Batching(Protocol):
    """An analyser that is quicker with several pictures at once."""

    def predict_many(self, subjects: Sequence[Subject]) -> Sequence[Finding | ImgcoreError]:
        """Answer for each subject, in their order; an error in one does not keep the others from theirs."""
        ...


def predict_many(analyser: Analyser, subjects: Sequence[Subject]) -> list[Finding | ImgcoreError]:
    """Return a finding or an error for each subject, in their order, at once where the analyser can."""
    if isinstance(analyser, Batching):
        try:
            return list(analyser.predict_many(subjects))
        except ImgcoreError as error:
            return [error] * len(subjects)
    return [_tried(analyser, subject) for subject in subjects]


def _tried(analyser: Analyser, subject: Subject) -> Finding | ImgcoreError:
    try:
        return analyser.predict(subject)
    except ImgcoreError as error:
        return error


def checked(finding: Finding) -> Finding:
    """Return the finding with rounded scores; ``Unavailable`` when it cannot be kept.

    Scores are numbers from 0 to 1, labels and the risk level are short and hold no control characters.
    """
    numbers = [*finding.predictions.values()]
    if finding.confidence is not None:
        numbers.append(finding.confidence)
    # True of no number that is not finite, and said so that no number is too large to be asked.
    if not finding.predictions or not all(0 <= each <= 1 for each in numbers):
        raise Unavailable(_("The model gave no usable answer: its scores are not numbers from 0 to 1."))
    risk, labels = finding.risk_level, list(finding.predictions)
    are_short = all(_is_short(each, LONGEST_LABEL) for each in labels) and len(labels) <= MOST_LABELS
    if not are_short or not (risk is None or _is_short(risk, LONGEST_RISK)):
        raise Unavailable(_("The model gave no usable answer: its labels or its risk level cannot be kept."))
    rounded = {label: round(float(score), DIGITS) for label, score in finding.predictions.items()}
    confidence = None if finding.confidence is None else round(float(finding.confidence), DIGITS)
    return replace(finding, predictions=rounded, confidence=confidence)


def _is_short(text: object, longest: int) -> bool:
    """Tell whether it is a text of some characters, all of which every database and every answer can hold."""
    return isinstance(text, str) and 0 < len(text) <= longest and _UNFIT.search(text) is None


def is_named(model: Model) -> bool:
    """Tell whether results can be kept under the name and version of a model."""
    return (
        NAME.fullmatch(model.name) is not None
        and len(model.name) <= LONGEST_NAME
        and 0 < len(model.version) <= LONGEST_VERSION
    )


class Added:
    """An analyser of another package, so that nothing it does wrong reaches further than one picture."""

    def __init__(self, analyser: Analyser) -> None:
        self.model = analyser.model
        self._analyser = analyser

    def predict(self, subject: Subject) -> Finding:
        """Say what the model sees; whatever it raises becomes one clear error."""
        try:
            return checked(self._analyser.predict(subject))
        except ImgcoreError:
            raise
        except Exception as error:
            _log.warning("The analyser %s failed: %s", self.model.name, type(error).__name__)
            raise Unavailable(_("The model failed at this picture.")) from error


class Missing:
    """An analyser that cannot run here; its model says why."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, subject: Subject) -> Finding:
        """Raise ``ConfigError`` with the sentence that the model shows."""
        raise ConfigError(self.model.missing)
