"""What a browser kept of analyses over two years: an export as such programs write it, some of it broken."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.services.clinics import photo

Record = dict[str, Any]
LABELS = ("naevus", "melanoma", "keratosis", "dermatofibroma", "vascular lesion")
REGIONS = ("Left heel", "Right heel", "Back", "Left forearm", "Face", "")
BEGAN = datetime(2023, 3, 5, 9, 30, tzinfo=UTC)


def record(number: int, patient: object, *, with_image: bool = True) -> Record:
    """Return one whole record; the number decides everything in it."""
    dice = random.Random(number)
    at = BEGAN + timedelta(hours=29 * number, seconds=dice.randrange(3000))
    scores = [dice.random() for _label in LABELS]
    predictions = {label: round(score / sum(scores), 4) for label, score in zip(LABELS, scores, strict=True)}
    best = max(predictions.values())
    found: Record = {
        "id": int(at.timestamp() * 1000) if number % 3 else f"analysis_{number}",
        "patientId": patient,
        "timestamp": at.isoformat().replace("+00:00", "Z") if number % 2 else int(at.timestamp() * 1000),
        "predictions": predictions if number % 4 else _listed(predictions),
        "riskLevel": "high" if predictions["melanoma"] == best else "low",
        "confidence": best,
        "bodyRegion": REGIONS[number % len(REGIONS)],
        "modelVersion": "2.1",
        "model": "derm-net",
    }
    if with_image:
        found["image"] = data_url(number)
    return found


def data_url(number: int) -> str:
    """Return a photograph as a browser keeps it."""
    content = photo(number, size=(96, 72))
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def _listed(predictions: dict[str, float]) -> list[Record]:
    return [{"className": label, "probability": score} for label, score in predictions.items()]


def _cut(each: Record) -> None:
    each["image"] = each["image"][: len(each["image"]) // 2 + 1]


def _no_picture(each: Record) -> None:
    each["image"] = "data:image/jpeg;base64," + base64.b64encode(b"GIF of nothing").decode()


BREAKS: Sequence[Callable[[Record], object]] = (
    _cut,
    lambda each: each.update(patientId=999_999),
    lambda each: each.pop("predictions"),
    lambda each: each.update(predictions={}),
    lambda each: each.update(predictions={"naevus": "high"}),
    lambda each: each.update(predictions={"naevus": 91.5}),
    lambda each: each.update(timestamp="yesterday"),
    lambda each: each.pop("timestamp"),
    _no_picture,
    lambda each: each.update(riskLevel=["high"]),
    lambda each: each.update(confidence="sure"),
    lambda each: each.pop("patientId"),
    lambda each: each.update(predictions=[0.1, 0.9]),
    lambda each: each.update(timestamp=10**17),
    lambda each: each.update(image={"src": 1}),
    lambda each: each.update(bodyRegion="x" * 101),
    lambda each: each.update(id={"a": 1}),
    lambda each: each.update(patientId=None),
)


def export(patients: Sequence[object], size: int = 500) -> tuple[list[Any], set[int]]:
    """Return the records and the places, from 0, of 20 that are broken; every seventh has no picture."""
    records: list[Any] = [
        record(n, patients[n % len(patients)], with_image=n % 7 != 3) for n in range(size - 2)
    ]
    broken = set[int]()
    for turn, damage in enumerate(BREAKS):
        place = 11 + turn * (size // 25)
        while "image" not in records[place]:
            place += 1
        damage(records[place])
        broken.add(place)
    twin = dict(record(20, patients[20 % len(patients)]), predictions={"naevus": 1.0})
    records += [twin, "a text"]  # another record with an id that is there, and what is no record at all
    return records, broken | {size - 2, size - 1}
