"""Figures of the clinic: what the dashboard shows, as JSON and CSV."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from imgcore.api import statistics_schemas as schemas
from imgcore.api.calls import Asked, Ref
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain import statistics
from imgcore.domain.statistics import Figure
from imgcore.domain.values import Day

router = section("Statistics")
PATH = "/api/statistics/{figure}/"
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The table."}
}


async def _filter(
    patient_id: Annotated[Ref | None, Query(description="Only of this patient; id or external id.")] = None,
    set_id: Annotated[
        UUID | None, Query(description="Only of this image set, under its pseudonyms; a reviewer needs it.")
    ] = None,
    from_on: Annotated[Day | None, Query(alias="from", description="From this day.")] = None,
    to_on: Annotated[Day | None, Query(alias="to", description="Up to this day, with it.")] = None,
    zone: Annotated[
        str, Query(description="Where days begin.", examples=["Europe/Berlin"], max_length=64)
    ] = "UTC",
) -> statistics.Asked:
    return statistics.Asked(patient_id, set_id, from_on, to_on, zone)


Filtered = Annotated[statistics.Asked, Depends(_filter)]


@router.get(PATH, summary="One figure", response_model=schemas.FigureTable, responses=documented(404))
def get_figure(call: Asked, figure: Figure, asked: Filtered) -> dict[str, Any]:
    """By days: images and batches, risk levels, uploads that failed; else how many there are of each."""
    table = call.services.statistics.table(call.actor, figure, asked)
    rows = [[str(cell) if isinstance(cell, date) else cell for cell in row] for row in table.rows]
    return {name: getattr(table, name) for name in ("figure", "columns", "at", "step", "sample")} | {
        "rows": rows
    }


@router.get(
    PATH + "csv/", summary="One figure as a table", response_class=Response, responses=documented(404) | _CSV
)
def figure_csv(call: Asked, figure: Figure, asked: Filtered) -> Response:
    """The same rows."""
    return send_sheet(call.services.statistics.csv(call.actor, figure, asked))
