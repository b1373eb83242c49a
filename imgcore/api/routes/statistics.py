"""Figures of the clinic: what the dashboard shows, as JSON and CSV."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response

from imgcore.api import statistics_schemas as schemas
from imgcore.api.calls import Asked
from imgcore.api.errors import documented
from imgcore.api.queries import OfFigure
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain.statistics import Figure

router = section("Statistics")
PATH = "/api/statistics/{figure}/"
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The table."}
}
Filter = Annotated[OfFigure, Query()]


@router.get(PATH, summary="One figure", response_model=schemas.FigureTable, responses=documented(404))
def get_figure(call: Asked, figure: Figure, query: Filter) -> dict[str, Any]:
    """By days: images and batches, risk levels, uploads that failed; else how many there are of each."""
    table = call.services.statistics.table(call.actor, figure, query.asked())
    rows = [[str(cell) if isinstance(cell, date) else cell for cell in row] for row in table.rows]
    return {name: getattr(table, name) for name in ("figure", "columns", "at", "step", "sample")} | {
        "rows": rows
    }


@router.get(
    PATH + "csv/", summary="One figure as a table", response_class=Response, responses=documented(404) | _CSV
)
def figure_csv(call: Asked, figure: Figure, query: Filter) -> Response:
    """The same rows."""
    return send_sheet(call.services.statistics.csv(call.actor, figure, query.asked()))
