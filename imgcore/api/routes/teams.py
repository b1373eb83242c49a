"""Care teams: who looks after a patient, and emergency access."""

from __future__ import annotations

from uuid import UUID

from imgcore.api import team_schemas as schemas
from imgcore.api.calls import Asked, Ref
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.api.team_schemas import EmergencyBody, JoiningBody
from imgcore.domain import records

router = section("Care teams")
PATH = "/api/patients/{patient_id}/team/"


@router.get(
    PATH, summary="Who looks after a patient", response_model=schemas.Team, responses=documented(404, 409)
)
def get_team(call: Asked, patient_id: Ref) -> records.Team:
    """With past emergencies, and who could join; 409 where the clinic does not work in care teams."""
    return call.services.teams.of_patient(call.actor, patient_id)


@router.post(
    PATH, summary="Add a colleague to a care team", status_code=201, response_model=schemas.Team,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def join_team(call: Asked, patient_id: Ref, wish: JoiningBody) -> records.Team:
    """For who looks after the patient; 403 for who has only emergency access."""
    return call.services.teams.add(call.actor, patient_id, wish.user_id)


@router.delete(
    PATH + "{user_id:uuid}/", summary="Take somebody out of a care team", status_code=204,
    responses=documented(404, 409),
)  # fmt: skip
def leave_team(call: Asked, patient_id: Ref, user_id: UUID) -> None:
    """From this moment on; 409 for the last who looks after the patient. Ends emergency access too."""
    call.services.teams.remove(call.actor, patient_id, user_id)


@router.post(
    "/api/patients/break-glass/", summary="Emergency access to a patient", status_code=201,
    response_model=schemas.Emergency, responses=documented(400, 404, 409, 413, 429),
)  # fmt: skip
def break_glass(call: Asked, wish: EmergencyBody) -> records.Emergency:
    """For 24 hours, by the exact number of the patient. The team sees who it was, and why.

    404 when nobody has this number, 429 after ten wrong ones within 15 minutes.
    """
    return call.services.teams.break_glass(call.actor, wish.patient, wish.reason)
