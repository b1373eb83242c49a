"""The clinic's records as tables for programs: CSV for spreadsheets, Parquet for everything that computes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from imgcore.api.calls import Asked
from imgcore.api.errors import documented
from imgcore.api.queries import Days, OfImages, OfPatient
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain.datasets import FileForm

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
ImageQuery = Annotated[OfImages, Query()]
PatientQuery = Annotated[OfPatient, Query()]
DaysQuery = Annotated[Days, Query()]


@router.get("/api/data/images.{form}", summary="Images as a table", response_class=Response, responses=_TABLE)
def image_table(call: Asked, form: FileForm, query: ImageQuery) -> Response:
    """The first upload comes first; an image set is in its order. Days are those of the photographs.

    Reviewers get what is shown of the image sets that they have, under pseudonyms, and no days.
    """
    return send_sheet(call.services.datasets.extract(call.actor, "images", query.part(), form).sheet(form))


@router.get(
    "/api/data/analyses.{form}", summary="Results of analyses as a table", response_class=Response,
    responses=_TABLE,
)  # fmt: skip
def analysis_table(call: Asked, form: FileForm, query: ImageQuery) -> Response:
    """The oldest first, with those that failed. Reviewers get those of their image sets, under pseudonyms."""
    return send_sheet(call.services.datasets.extract(call.actor, "analyses", query.part(), form).sheet(form))


@router.get(
    "/api/data/batches.{form}", summary="Batches as a table", response_class=Response, responses=_TABLE
)
def batch_table(call: Asked, form: FileForm, query: PatientQuery) -> Response:
    """Days are those of the photographs."""
    return send_sheet(call.services.datasets.extract(call.actor, "batches", query.part(), form).sheet(form))


@router.get(
    "/api/data/patients.{form}", summary="Patients as a table", response_class=Response, responses=_TABLE
)
def patient_table(call: Asked, form: FileForm, query: DaysQuery) -> Response:
    """Days are those on which they were added."""
    return send_sheet(call.services.datasets.extract(call.actor, "patients", query.part(), form).sheet(form))


@router.get(
    "/api/data/events.{form}", summary="The audit as a table", response_class=Response, responses=_TABLE
)
def event_table(call: Asked, form: FileForm, query: PatientQuery) -> Response:
    """The oldest line first, as ids. For administrators."""
    return send_sheet(call.services.datasets.events(call.actor, query.part(), form).sheet(form))
