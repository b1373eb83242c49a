"""Results of analyses, and which of them a patient may see."""

from __future__ import annotations

from uuid import UUID

from imgcore.api import team_schemas
from imgcore.api.calls import Asked, Ref, Turned
from imgcore.api.errors import documented
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.domain import records
from imgcore.domain.records import Page

router = section("Results")
PATH = "/api/results/{result_id:uuid}/release/"


@router.get(
    "/api/patients/{patient_id}/results/", summary="Results of a patient",
    response_model=Listed[team_schemas.Result], responses=documented(404),
)  # fmt: skip
def list_results(call: Asked, patient_id: Ref, turn: Turned) -> Page[records.Result]:
    """The newest first; to the patient only those that were released."""
    return call.services.results.list(call.actor, patient_id, turn)


@router.post(
    PATH, summary="Release a result to the patient", response_model=team_schemas.Result,
    responses=documented(404, 409),
)  # fmt: skip
def release_result(call: Asked, result_id: UUID) -> records.Result:
    """409 when the analysis came to none."""
    return call.services.results.release(call.actor, result_id)


@router.delete(
    PATH, summary="Take the release of a result back", response_model=team_schemas.Result,
    responses=documented(404),
)  # fmt: skip
def take_back_result(call: Asked, result_id: UUID) -> records.Result:
    """The patient sees it no longer."""
    return call.services.results.take_back(call.actor, result_id)
