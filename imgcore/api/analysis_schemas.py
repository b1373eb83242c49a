"""What the interface takes and answers about analyses. No result is a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Body
from pydantic import Field

from imgcore.api.calls import Call
from imgcore.api.examples import AT, IMAGE_ID, PATIENT_ID, USER_ID, example
from imgcore.api.schemas import Answer
from imgcore.domain import records
from imgcore.domain.analyses import NewImpression
from imgcore.domain.links import LONGEST_SECONDS
from imgcore.domain.past_records import Report

RESULT_ID = "9d2f4c1a-77b1-4c5a-8f0e-1c3d5e7f9a24"
_DIGEST = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_LINK = f"/files/{IMAGE_ID}/display?user={USER_ID}&exp=1762421400&sig={_DIGEST}"
_SMALL = _LINK.replace("display", "thumbnail")
_SAID = {
    "analyser": "skin-check", "analyser_version": "1.2", "label": "naevus",
    "predictions": {"naevus": 0.91, "keratosis": 0.09}, "risk_level": "low", "confidence": 0.91,
    "body_region": "Left heel",
}  # fmt: skip
_ANALYSIS = {
    "id": RESULT_ID, "patient_id": PATIENT_ID, "image_id": IMAGE_ID, **_SAID, "model_sha256": _DIGEST,
    "duration_ms": 41, "error": None, "is_hidden": False, "record_id": None, "created_at": AT,
    "released_at": None, "image_set_id": None, "pseudonym": "", "place": None, "image_url": _LINK,
    "thumbnail_url": _SMALL,
}  # fmt: skip


class Model(Answer):
    """A model that images can be run through."""

    model_config = example(
        name="skin-check", version="1.2", title="Skin check", sha256=_DIGEST, missing="",
        intended_use="Sorts photographs of single lesions.", limits="Not for nails, scalp or mucosa.",
    )  # fmt: skip

    name: str
    version: str
    title: str
    sha256: str | None = Field(description="Of the files of the model, where it has any.")
    missing: str = Field(description="Why it cannot run here; empty when it can.")
    intended_use: str = Field(description="What it is for, as its card says.")
    limits: str = Field(description="Where it fails, as its card says.")


class Models(Answer):
    """All models that are offered."""

    items: list[Model]


class Said(Answer):
    """What a model said of an image."""

    model_config = example(**_SAID)

    analyser: str
    analyser_version: str
    label: str = Field(description="The likeliest of the predictions; empty when there is none.")
    predictions: dict[str, float]
    risk_level: str | None
    confidence: float | None
    body_region: str | None


class Analysis(Said):
    """One result and its image. The links carry their own proof, and are good for five minutes."""

    model_config = example(**_ANALYSIS)

    id: UUID
    patient_id: UUID | None = Field(description="Null for whoever knows it from an image set only.")
    image_id: UUID | None = Field(description="Null as above, and for records that came without a picture.")
    model_sha256: str | None
    duration_ms: int | None
    error: str | None = Field(description="Why there is no result; it can be run again.")
    is_hidden: bool = Field(description="Whether it waits for an own impression of the image.")
    record_id: str | None = Field(description="The id of an imported record where it came from.")
    created_at: datetime | None = Field(description="Null in an image set, of which no days are told.")
    released_at: datetime | None = Field(description="Since when the patient sees it.")
    image_set_id: UUID | None
    pseudonym: str
    place: int | None = Field(description="In the image set.")
    image_url: str | None = None
    thumbnail_url: str | None = None


class Analyzed(Answer):
    """An image that was stored and analysed. `error` says why there is no result; the image is there."""

    model_config = example(
        analysis_id=RESULT_ID, image_id=IMAGE_ID, image_url=_LINK, thumbnail_url=_SMALL, ai_result=_SAID,
        error=None, is_hidden=False,
    )  # fmt: skip

    analysis_id: UUID
    image_id: UUID
    image_url: str
    thumbnail_url: str
    ai_result: Said | None
    error: str | None
    is_hidden: bool = Field(description="Whether the result waits for an own impression of the image.")


class Impression(Answer):
    """What a clinician thinks of an image. It is kept as it was written."""

    model_config = example(
        id="0d3c1b5a-2f4e-4d6c-8b7a-9e8f7a6b5c4d", image_id=IMAGE_ID, user_id=USER_ID, user_name="Vera Lang",
        text="Looks harmless", risk_level="low", created_at=AT,
    )  # fmt: skip

    id: UUID
    image_id: UUID
    user_id: UUID
    user_name: str
    text: str
    risk_level: str | None
    created_at: datetime


class Impressions(Answer):
    """All impressions of an image, the oldest first."""

    items: list[Impression]


class Version(Answer):
    """One version of a model."""

    analyser: str
    version: str


class Agreement(Answer):
    """How far two versions agree; the rows of `table` are what the first said, in the order of `labels`."""

    model_config = example(
        first={"analyser": "skin-check", "version": "1.2"},
        second={"analyser": "skin-check", "version": "1.3"},
        labels=["keratosis", "naevus"], table=[[12, 1], [2, 25]], images=40, agreeing=37, share=0.925,
        kappa=0.83, left_out=0,
    )  # fmt: skip

    first: Version
    second: Version
    labels: list[str]
    table: list[list[int]]
    images: int = Field(description="Those that both have a result of.")
    agreeing: int
    share: float | None
    kappa: float | None = Field(description="Cohen's kappa; null where chance alone would always agree.")
    left_out: int


class TrendPoint(Answer):
    """A result by the day on which the photograph was taken."""

    on: date
    result: Analysis


class Trend(Answer):
    """What one model said of one place or view in the course of time."""

    model_config = example(
        body_location="heel", laterality="L", category="cmo", category_label="CMO", analyser="skin-check",
        points=[{"on": "2026-04-30", "result": _ANALYSIS}],
    )  # fmt: skip

    body_location: str
    laterality: str = Field(description="L, R, B (both), or empty.")
    category: str
    category_label: str
    analyser: str
    points: list[TrendPoint]


class Trends(Answer):
    """All places and views of a patient."""

    items: list[Trend]


class RecordOutcome(Answer):
    """What became of one record."""

    place: int = Field(description="Counted from 1.")
    record_id: str
    outcome: Literal["imported", "already_there", "refused"]
    analysis_id: UUID | None
    image_id: UUID | None
    code: str
    message: str = Field(description="Why it was refused, or what of it could not be taken in.")
    can_retry: bool = Field(description="Whether it may go well when it is sent again.")


class Imported(Answer):
    """What became of all records, in the order they were sent."""

    model_config = example(
        imported=1, already_there=0, refused=0,
        records=[{"place": 1, "record_id": "1741168871000", "outcome": "imported", "analysis_id": RESULT_ID,
                  "image_id": IMAGE_ID, "code": "", "message": "", "can_retry": False}],
    )  # fmt: skip

    imported: int
    already_there: int
    refused: int
    records: list[RecordOutcome]


_IMPRESSION = {"text": "Looks harmless", "risk_level": "low"}
ImpressionBody = Annotated[NewImpression, Body(openapi_examples={"harmless": {"value": _IMPRESSION}})]


def told(call: Call, results: Sequence[records.Result]) -> list[Analysis]:
    """Return results with links to their pictures, for those that the caller may see."""
    ids = list({each.image_id for each in results if each.image_id is not None})
    files = call.services.files
    large = files.links(call.actor, ids, "display", LONGEST_SECONDS) if ids else {}
    small = files.links(call.actor, ids, "thumbnail", LONGEST_SECONDS) if ids else {}
    answers = []
    for each in results:
        answer = Analysis.model_validate(each)
        if each.image_id is not None:
            answer.image_url, answer.thumbnail_url = large.get(each.image_id), small.get(each.image_id)
        elif each.image_set_id is not None:
            place = f"/api/image-sets/{each.image_set_id}/images/{each.place}"
            answer.image_url, answer.thumbnail_url = f"{place}/picture/", f"{place}/thumbnail/"
        answers.append(answer)
    return answers


def report(found: Report) -> Imported:
    """Return what became of an import."""
    counts = {name: found.count(name) for name in ("imported", "already_there", "refused")}
    return Imported(**counts, records=[RecordOutcome.model_validate(each) for each in found.records])
