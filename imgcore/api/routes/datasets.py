"""The clinic's records as tables for programs: CSV for spreadsheets, Parquet for everything that computes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from imgcore.api.calls import Asked, Ref
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain.datasets import FileForm, Part
from imgcore.domain.values import Day

router = section("Data")
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
        "description": "The table, made while it is sent.",
    },
    **documented(404),
}
First = Annotated[Day | None, Query(alias="from", description="First day.", examples=["2026-01-01"])]
Last = Annotated[Day | None, Query(alias="to", description="Last day; it counts in.")]
Patient = Annotated[Ref | None, Query(description="Id or external id.")]


async def _part(
    patient_id: Patient = None,
    batch_id: UUID | None = None,
    category: Annotated[Ref | None, Query(description="A code of the category set.")] = None,
    set_id: Annotated[UUID | None, Query(description="Only what is shown of this image set.")] = None,
    from_on: First = None,
    to_on: Last = None,
) -> Part:
    return Part(patient_id, batch_id, category, from_on, to_on, set_id)


Chosen = Annotated[Part, Depends(_part)]


@router.get("/api/data/images.{form}", summary="Images as a table", response_class=Response, responses=_TABLE)
def image_table(call: Asked, form: FileForm, part: Chosen) -> Response:
    """The first upload comes first; an image set is in its order. Days are those of the photographs.

    Reviewers get what is shown of the image sets that they have, under pseudonyms, and no days.
    """
    return send_sheet(call.services.datasets.extract(call.actor, "images", part, form).sheet(form))


@router.get(
    "/api/data/analyses.{form}", summary="Results of analyses as a table", response_class=Response,
    responses=_TABLE,
)  # fmt: skip
def analysis_table(call: Asked, form: FileForm, part: Chosen) -> Response:
    """The oldest first, with those that failed. Reviewers get those of their image sets, under pseudonyms."""
    return send_sheet(call.services.datasets.extract(call.actor, "analyses", part, form).sheet(form))


@router.get(
    "/api/data/batches.{form}", summary="Batches as a table", response_class=Response, responses=_TABLE
)
def batch_table(
    call: Asked, form: FileForm, patient_id: Patient = None, from_on: First = None, to_on: Last = None
) -> Response:
    """Days are those of the photographs."""
    part = Part(patient_id, from_on=from_on, to_on=to_on)
    return send_sheet(call.services.datasets.extract(call.actor, "batches", part, form).sheet(form))


@router.get(
    "/api/data/patients.{form}", summary="Patients as a table", response_class=Response, responses=_TABLE
)
def patient_table(call: Asked, form: FileForm, from_on: First = None, to_on: Last = None) -> Response:
    """Days are those on which they were added."""
    part = Part(from_on=from_on, to_on=to_on)
    return send_sheet(call.services.datasets.extract(call.actor, "patients", part, form).sheet(form))


@router.get(
    "/api/data/events.{form}", summary="The audit as a table", response_class=Response, responses=_TABLE
)
def event_table(
    call: Asked, form: FileForm, patient_id: Patient = None, from_on: First = None, to_on: Last = None
) -> Response:
    """The oldest line first, as ids. For administrators."""
    part = Part(patient_id, from_on=from_on, to_on=to_on)
    return send_sheet(call.services.datasets.events(call.actor, part, form).sheet(form))
