"""Models of the tests' own: they count what they are asked, answer by the picture, and fail when told to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ImgcoreError, Unavailable

LABELS = ("naevus", "keratosis", "melanoma")
RISKS = {"naevus": "low", "keratosis": "low", "melanoma": "high"}


def label_of(data: bytes) -> str:
    """Return what a ``Counting`` model says of an analysis copy, most of all."""
    return LABELS[sum(data) % len(LABELS)]


@dataclass
class Counting:
    """Answers by the bytes; ``fault`` is raised instead, ``wait`` is waited for."""

    name: str = "skin-check"
    version: str = "1.0"
    sha256: str | None = "ab" * 32
    missing: str = ""
    fault: Exception | None = None
    asked: list[Subject] = field(default_factory=list)
    wait: threading.Event | None = None

    @property
    def model(self) -> Model:
        """What it is."""
        about = {"intended_use": "Sorts single lesions.", "limits": "Not for nails."}
        return Model(self.name, self.version, "Skin check", self.sha256, self.missing, **about)

    def predict(self, subject: Subject) -> Finding:
        """Say something about a picture, always the same."""
        self.asked.append(subject)
        if self.wait is not None:
            self.wait.wait(30)
        if self.fault is not None:
            raise self.fault
        label = label_of(subject.data)
        rest = {other: 0.1 for other in LABELS if other != label}
        return Finding({label: 0.8, **rest}, RISKS[label], 0.8)


@dataclass
class Batched(Counting):
    """One that takes several pictures at once; ``sizes`` tells how many."""

    sizes: list[int] = field(default_factory=list)

    def predict_many(self, subjects: Sequence[Subject]) -> list[Finding | ImgcoreError]:
        """Answer for each; what fails fails alone."""
        self.sizes.append(len(subjects))
        return [self._tried(each) for each in subjects]

    def _tried(self, subject: Subject) -> Finding | ImgcoreError:
        try:
            return self.predict(subject)
        except ImgcoreError as error:
            return error


AWAY = Unavailable("The model does not answer.")
