"""Records of analyses that were once kept in a browser's localStorage, read as they come."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from imgcore.errors import Damaged, Invalid
from imgcore.texts import _

LONGEST_ID, LONGEST_NAME, LONGEST_VERSION, LONGEST_RISK, LONGEST_REGION = 100, 100, 50, 20, 100
LONGEST_LABEL = 200
MOST_LABELS = 1000
UNKNOWN = "imported"  # the model of a record that names none
_FIRST_YEAR = 2000
# How the bytes of JPEG, PNG, GIF and WebP begin in base64: pictures that lost the head of their data URL.
_BARE = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR")
# What each of our words was called by the programs that wrote such records.
_NAMES = {
    "id": ("id", "record_id", "recordId", "analysisId", "analysis_id", "uuid", "key"),
    "patient": ("patient_id", "patientId", "patient", "external_id", "externalId"),
    "at": ("timestamp", "created_at", "createdAt", "date", "time", "analyzedAt", "analyzed_at"),
    "image": ("image", "image_data", "imageData", "dataUrl", "data_url", "imageUrl", "image_url", "photo"),
    "predictions": ("predictions", "scores", "probabilities", "results"),
    "risk": ("riskLevel", "risk_level", "risk"),
    "confidence": ("confidence",),
    "region": ("bodyRegion", "body_region", "bodyLocation", "body_location", "bodyPart", "region"),
    "model": ("analyser", "analyzer", "model", "modelName", "model_name"),
    "version": ("analyser_version", "analyserVersion", "modelVersion", "model_version", "version"),
}
_NESTED = ("ai_result", "aiResult", "result", "analysis")
_LABELS = ("label", "className", "class", "name", "disease")
_SCORES = ("score", "probability", "confidence", "value")


@dataclass(frozen=True)
class PastRecord:
    """One record, whole and checked; ``image`` holds the bytes of its picture, if it came with one.

    ``has_address``: instead of a picture it holds where one was.
    """

    id: str
    patient: str
    at: datetime
    predictions: Mapping[str, float]
    risk_level: str | None
    confidence: float | None
    body_region: str | None
    analyser: str
    version: str
    image: bytes | None
    has_address: bool = False


def read(given: object, patient: str | None = None) -> PastRecord:
    """Return a record; ``Invalid`` or ``Damaged`` says what is wrong with it, and nothing is guessed.

    ``patient`` stands in for a record that names none.
    """
    if not isinstance(given, Mapping):
        raise Invalid(_("A record is an object with names and values."))
    nested: Mapping[str, Any] = next(
        (given[name] for name in _NESTED if isinstance(given.get(name), Mapping)), {}
    )
    found = {name: _first(given, nested, names) for name, names in _NAMES.items()}
    predictions = _predictions(found["predictions"])
    image = _picture(found["image"])
    return PastRecord(
        id=_text(found["id"], LONGEST_ID, "id") or _made_up(given),
        patient=_patient(found["patient"], patient),
        at=_moment(found["at"]),
        predictions=predictions,
        risk_level=_text(found["risk"], LONGEST_RISK, "riskLevel"),
        confidence=None if found["confidence"] is None else _score(found["confidence"]),
        body_region=_text(found["region"], LONGEST_REGION, "bodyRegion"),
        analyser=_text(found["model"], LONGEST_NAME, "model") or UNKNOWN,
        version=_text(found["version"], LONGEST_VERSION, "version") or "",
        image=image,
        has_address=image is None and bool(found["image"]),
    )


def id_of(given: object) -> str:
    """Return the id that a record has, as far as it can be read; for the report."""
    named = (
        next((given[name] for name in _NAMES["id"] if name in given), None)
        if isinstance(given, Mapping)
        else None
    )
    return _line(named)[:LONGEST_ID] if isinstance(named, str | int | float) else ""


def _first(given: Mapping[str, Any], nested: Mapping[str, Any], names: Sequence[str]) -> Any:
    for source in (given, nested):
        for name in names:
            if source.get(name) is not None:
                return source[name]
    return None


def _text(value: object, longest: int, name: str) -> str | None:
    """Return a word or number as text; None when there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid(_("{field} is a text or a number.").format(field=name))
    text = _line(value)
    if len(text) > longest:
        raise Invalid(
            _("{field} is too long; at most {most} characters are kept.").format(field=name, most=longest)
        )
    return text or None


def _line(value: str | int | float) -> str:
    """Return one line that every database and every answer can hold; programs add a fraction to the time."""
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _made_up(given: Mapping[str, Any]) -> str:
    """Return an id for a record that has none: the same for the same content."""
    try:
        content = json.dumps(given, sort_keys=True, default=str)
    except (ValueError, RecursionError):
        raise Invalid(_("The record is nested too deeply.")) from None
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _patient(value: object, otherwise: str | None) -> str:
    """Return who it is about; a whole number is the patient's external id."""
    found = _text(value, 64, "patient_id") or otherwise
    if found is None:
        raise Invalid(_("The record names no patient."))
    return found


def _moment(value: object) -> datetime:
    """Return when it was: a number counts milliseconds since 1970, a text without a zone means UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value / 1000, UTC)
        elif isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
        else:
            raise ValueError
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid(_("The record does not say when it was made.")) from None
    if not _FIRST_YEAR <= at.year <= datetime.now(UTC).year + 1:
        raise Invalid(_("The record says a time that cannot be right."))
    return at


def _predictions(value: object) -> dict[str, float]:
    """Return a score for each label; they come as an object, or as a list of objects with both."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [_pair(each) for each in value]
    else:
        pairs = []
    if not 1 <= len(pairs) <= MOST_LABELS:
        raise Invalid(_("The record holds no predictions."))
    if not all(isinstance(label, str) for label, _score_ in pairs):
        raise Invalid(_("Every prediction has a label and a score."))
    found = {_text(label, LONGEST_LABEL, "label") or "": _score(score) for label, score in pairs}
    if "" in found:
        raise Invalid(_("Every prediction has a label and a score."))
    if len(found) < len(pairs):
        raise Invalid(_("Two predictions have the same label."))
    return found


def _pair(each: object) -> tuple[Any, Any]:
    if not isinstance(each, Mapping):
        raise Invalid(_("Every prediction has a label and a score."))
    label = next((each[name] for name in _LABELS if name in each), None)
    return label, next((each[name] for name in _SCORES if name in each), None)


def _score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(_("A score is a number from 0 to 1."))
    if not 0 <= value <= 1:  # which is true of no number that is not finite
        raise Invalid(_("A score is a number from 0 to 1."))
    return float(value)


def _picture(value: object) -> bytes | None:
    """Return the bytes of a data URL, or of its body alone; what is only an address holds no picture."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Invalid(_("The picture of a record is a data URL."))
    body = value
    if value.startswith("data:"):
        head, comma, body = value.partition(",")
        if not comma or not head.endswith(";base64"):
            raise Damaged(_("The picture of this record is damaged."))
    elif not value.startswith(_BARE):
        return None
    try:
        content = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Damaged(_("The picture of this record is damaged.")) from None
    if not content:
        raise Damaged(_("The picture of this record is damaged."))
    return content


@dataclass(frozen=True)
class Outcome:
    """What became of one record: ``imported``, ``already_there`` or ``refused`` with the reason.

    ``place`` counts the records from 1. What ``can_retry`` may go well when it is sent again. ``message``
    says why it was refused, or what of it could not be taken in.
    """

    place: int
    record_id: str
    outcome: str
    analysis_id: UUID | None = None
    image_id: UUID | None = None
    code: str = ""
    message: str = ""
    can_retry: bool = False


@dataclass(frozen=True)
class Report:
    """What became of all records of one import, in the order they were sent."""

    records: tuple[Outcome, ...]

    def count(self, outcome: str) -> int:
        """Return how many records ended so."""
        return sum(each.outcome == outcome for each in self.records)
