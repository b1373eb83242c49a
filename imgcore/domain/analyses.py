"""Analyses of images: the models as offered, what a model is given, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from imgcore.domain.records import Result
from imgcore.domain.values import Line, Text, Value

CAPTURE_QUALITY = "capture-quality"
Risk = Annotated[Annotated[Line, Field(max_length=20)] | None, BeforeValidator(lambda given: given or None)]


@dataclass(frozen=True)
class Model:
    """One analyser as offered; ``missing`` is the sentence that says why it cannot run here.

    ``intended_use`` and ``limits`` are what its card says it is for, and where it fails.
    """

    name: str  # a lower-case slug that is kept with each result, such as "capture-quality"
    version: str
    title: str  # for people
    sha256: str | None  # of the model's files; None when there are none
    missing: str = ""
    intended_use: str = ""
    limits: str = ""


@dataclass(frozen=True)
class Subject:
    """What an analyser is given.

    ``data`` is the analysis copy: a JPEG, RGB, upright, at most 1024 x 1024 pixels, of quality 85.
    ``width`` and ``height`` are those of the original, after the camera's turn.
    """

    data: bytes
    width: int
    height: int
    body_region: str | None


@dataclass(frozen=True)
class Finding:
    """What a model says about one image: a score between 0 and 1 for each label.

    ``risk_level`` comes from the table in the model's card.
    """

    predictions: Mapping[str, float]
    risk_level: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class AnalysisFilter:
    """Which results are asked for; what is None does not matter.

    Days are those on which a result was made, in ``zone``, or where the server stands. Without
    ``with_errors`` only analyses that came to a result.
    """

    patient: UUID | str | None = None
    analyser: str | None = None
    version: str | None = None
    risk_level: str | None = None
    body_region: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    image_id: UUID | None = None
    image_set_id: UUID | None = None
    with_errors: bool = True
    zone: str | None = None


class NewImpression(Value):
    """What a clinician thinks of an image before a model has said anything."""

    text: Text = ""
    risk_level: Risk = None


@dataclass(frozen=True)
class Impression:
    """What somebody thought of an image, and when."""

    id: UUID
    image_id: UUID
    user_id: UUID
    user_name: str
    text: str
    risk_level: str | None
    created_at: datetime


@dataclass(frozen=True)
class Version:
    """One version of one model, with how many images it has results of."""

    analyser: str
    version: str
    images: int = 0


@dataclass(frozen=True)
class Said:
    """What a version of a model said of one image."""

    label: str
    predictions: Mapping[str, float]
    risk_level: str | None


@dataclass(frozen=True)
class Pair:
    """What two versions said of the image at one place of a set."""

    place: int
    first: Said
    second: Said

    @property
    def is_same(self) -> bool:
        """Whether both name the same label first."""
        return self.first.label == self.second.label


@dataclass(frozen=True)
class Agreement:
    """How far two versions say the same about the images of a set that both have a result of.

    ``table`` counts images: its rows are what the first said, its columns what the second did, both in
    the order of ``labels``. ``share`` is that of images on which both agree; ``kappa`` is Cohen's, which
    takes off what chance alone would give, and None where chance alone would always agree. ``pairs`` are
    the images of the table, in the order of the set.
    """

    first: Version
    second: Version
    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    images: int
    agreeing: int
    kappa: float | None
    left_out: int  # images of the set that one of the two has no result of, or that are hidden
    pairs: tuple[Pair, ...] = ()

    @property
    def share(self) -> float | None:
        """The share of images on which both agree, from 0 to 1; None without any."""
        return self.agreeing / self.images if self.images else None


@dataclass(frozen=True)
class TrendPoint:
    """A result in the course of time; ``on`` is the day on which the photograph was taken."""

    on: date
    result: Result


@dataclass(frozen=True)
class Trend:
    """What one model said of one place or view of a patient, the oldest photograph first."""

    body_location: str
    laterality: str
    category: str
    category_label: str
    analyser: str
    points: tuple[TrendPoint, ...]
