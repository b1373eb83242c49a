"""The contract of an analyser, and what every answer of one is held to."""

from __future__ import annotations

import logging
import math
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
    """Return the finding with rounded scores; ``Unavailable`` when one is no number from 0 to 1."""
    numbers = [*finding.predictions.values()]
    if finding.confidence is not None:
        numbers.append(finding.confidence)
    if not finding.predictions or not all(math.isfinite(each) and 0 <= each <= 1 for each in numbers):
        raise Unavailable(_("The model gave no usable answer: its scores are not numbers from 0 to 1."))
    rounded = {label: round(float(score), DIGITS) for label, score in finding.predictions.items()}
    confidence = None if finding.confidence is None else round(float(finding.confidence), DIGITS)
    return replace(finding, predictions=rounded, confidence=confidence)


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
