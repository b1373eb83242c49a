"""How the clinic stands: for administrators, and for what watches over the server."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from imgcore.api import metrics
from imgcore.api import operations_schemas as schemas
from imgcore.api.calls import Asked
from imgcore.api.sections import section
from imgcore.services.operations import Standing

router = section("Operations")
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The figures."}
}


@router.get("/api/operations/", summary="How the clinic stands", response_model=schemas.Standing)
def get_standing(call: Asked) -> Standing:
    """Its parts, disk, last check and backup, and counts of the last minute. For administrators."""
    return call.services.operations.standing(call.actor)


@router.get("/api/metrics/", summary="Figures for Prometheus", response_class=Response, responses=_TEXT)
def get_metrics(call: Asked) -> Response:
    """The same, and the requests of this process, in the text form. Needs a token with the scope `admin`."""
    content = metrics.exposition(call.services.operations.standing(call.actor))
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")
