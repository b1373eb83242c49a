"""How long records are kept: rules, what is due, legal holds, and what goes for good."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from imgcore.api import retention_schemas as schemas
from imgcore.api.calls import Asked, Ref, Turned
from imgcore.api.errors import documented
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain import retention
from imgcore.domain.records import Page
from imgcore.domain.retention import Hold, KeptYears

router = section("Retention")
_RULE = "/api/retention/rules/{rule_id}/"
_PATIENT = "/api/patients/{patient_id}/"
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The table."}
}


@router.get("/api/retention/rules/", summary="List the rules", response_model=list[schemas.Rule])
def list_rules(call: Asked) -> tuple[retention.Rule, ...]:
    """The one for every other image first. For administrators, as all of this section."""
    return call.services.retention.rules(call.actor)


@router.post(
    "/api/retention/rules/", summary="Add a rule", status_code=201, response_model=schemas.Rule,
    responses=documented(400, 409, 413),
)  # fmt: skip
def add_rule(call: Asked, new: schemas.NewRuleBody) -> retention.Rule:
    """One for each category, and one for all the rest; 409 when there is one already."""
    return call.services.retention.add(call.actor, new)


@router.patch(
    _RULE, summary="Change a rule", response_model=schemas.Rule, responses=documented(400, 404, 413)
)
def change_rule(call: Asked, rule_id: UUID, fields: schemas.RuleBody) -> retention.Rule:
    """Nothing goes by this alone."""
    return call.services.retention.change(call.actor, rule_id, fields)


@router.delete(_RULE, summary="Remove a rule", status_code=204, responses=documented(404))
def remove_rule(call: Asked, rule_id: UUID) -> None:
    """What it was for is kept as the other rules say, or for ever."""
    call.services.retention.remove(call.actor, rule_id)


@router.get("/api/retention/due/", summary="What is due", response_model=schemas.Report)
def list_due(call: Asked) -> retention.Report:
    """What a run would put into the trash today, and what a legal hold keeps; nothing is changed."""
    return call.services.retention.due(call.actor)


@router.get(
    "/api/retention/due/csv/", summary="What is due, as a table", response_class=Response, responses=_CSV
)
def due_table(call: Asked) -> Response:
    """The same, one line a patient."""
    return send_sheet(call.services.retention.table(call.actor))


@router.post(
    "/api/retention/run/", summary="Put what is due into the trash", response_model=schemas.Run,
    responses=documented(400, 404, 413),
)  # fmt: skip
def run_retention(call: Asked, wish: schemas.RunBody = None) -> retention.Run:
    """Each patient is one change, for `POST /api/undo/`; after the trash window it goes for good."""
    return call.services.retention.run(call.actor, wish.patient_ids if wish else None)


@router.put(
    _PATIENT + "retention/", summary="Set a patient's own years", status_code=204,
    responses=documented(400, 404, 413),
)  # fmt: skip
def set_years(call: Asked, patient_id: Ref, kept: schemas.YearsBody) -> None:
    """They count instead of the rules; null goes back to those."""
    call.services.retention.keep(call.actor, patient_id, KeptYears(years=kept.years))


@router.get("/api/retention/holds/", summary="List legal holds", response_model=Listed[schemas.Hold])
def list_holds(call: Asked, turn: Turned) -> Page[Hold]:
    """The latest first."""
    return call.services.holds.all(call.actor, turn)


@router.put(
    _PATIENT + "hold/", summary="Set a legal hold", response_model=schemas.Hold,
    responses=documented(400, 404, 413),
)  # fmt: skip
def set_hold(call: Asked, patient_id: Ref, new: schemas.HoldBody) -> Hold:
    """Nothing of the patient is removed from now on, nor what lies in the trash; again changes the reason."""
    return call.services.holds.set(call.actor, patient_id, new)


@router.delete(_PATIENT + "hold/", summary="Lift a legal hold", status_code=204, responses=documented(404))
def lift_hold(call: Asked, patient_id: Ref) -> None:
    """What waited in the trash past its time goes with the next sweep."""
    call.services.holds.lift(call.actor, patient_id)


@router.post(
    _PATIENT + "erase/", summary="Erase a patient", response_model=schemas.Erased,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def erase_patient(call: Asked, patient_id: Ref, new: schemas.EraseBody) -> retention.Erased:
    """For good and at once, with every image; `confirmation` is the name or the MRN, 409 under a hold.

    Backups and files that were downloaded are out of reach.
    """
    return call.services.erasure.patient(call.actor, patient_id, new)


@router.get(
    "/api/trash/purge/", summary="What a purge would remove", response_model=schemas.Purged,
    responses=documented(404),
)  # fmt: skip
def preview_purge(
    call: Asked,
    patient_id: Annotated[Ref | None, Query(description="Only of this patient.")] = None,
    older_than_days: Annotated[int, Query(ge=0, le=36_500, description="In the trash for so long.")] = 0,
) -> retention.Purged:
    """Counted now; nothing is changed."""
    return call.services.purges.preview(call.actor, patient_id, older_than_days)


@router.post(
    "/api/trash/purge/", summary="Empty the trash for good", response_model=schemas.Purged,
    responses=documented(400, 404, 413),
)  # fmt: skip
def run_purge(call: Asked, wish: schemas.PurgeBody = None) -> retention.Purged:
    """Without the wait for the end of its time; what a legal hold keeps stays."""
    wish = wish or schemas.PurgeWish()
    return call.services.purges.run(call.actor, wish.patient_id, wish.older_than_days)
