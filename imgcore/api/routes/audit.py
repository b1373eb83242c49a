"""The record of access: the audit for administrators, and who looked at one patient."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime, Field

from imgcore.api import audit_schemas as schemas
from imgcore.api.calls import Asked, Ref, Turned
from imgcore.api.errors import documented
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.api.sending import send_sheet
from imgcore.domain import chains, looks
from imgcore.domain.access import Action
from imgcore.domain.records import Page
from imgcore.services import audit

router = section("Record of access")
PATH = "/api/patients/{patient_id}/looks/"
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
Moment = Annotated[AwareDatetime, Field(ge=_FIRST, le=_LAST)]
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The table."}
}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The receipt.",
    }
}


async def _filter(
    person: Annotated[UUID | None, Query(description="Only what this person did.")] = None,
    patient_id: Annotated[
        Ref | None, Query(description="Only about this patient; id or external id.")
    ] = None,
    action: Annotated[Action | None, Query(examples=["image.download"])] = None,
    outcome: Literal["done", "refused", "duplicate", "late", "failed"] | None = None,
    from_at: Annotated[
        Moment | None, Query(alias="from", description="With a time zone.", examples=["2025-11-06T00:00:00Z"])
    ] = None,
    to_at: Annotated[Moment | None, Query(alias="to", description="Before this moment.")] = None,
) -> audit.Asked:
    return audit.Asked(person, patient_id, action, outcome, from_at, to_at)


Filtered = Annotated[audit.Asked, Depends(_filter)]


@router.get(
    "/api/audit/", summary="List the audit", response_model=Listed[schemas.AuditLine],
    responses=documented(404),
)  # fmt: skip
def list_audit(call: Asked, asked: Filtered, turn: Turned) -> Page[looks.AuditLine]:
    """The latest first. For administrators; looking is itself a line."""
    return call.services.audit.list(call.actor, asked, turn)


@router.get(
    "/api/audit/csv/", summary="The audit as a table", response_class=Response,
    responses=documented(404) | _CSV,
)  # fmt: skip
def audit_table(call: Asked, asked: Filtered) -> Response:
    """All lines that the filter lets through, the latest first."""
    return send_sheet(call.services.audit.table(call.actor, asked))


@router.get("/api/audit/verify/", summary="Verify the audit", response_model=schemas.Verdict)
def verify_audit(call: Asked) -> chains.Verdict:
    """Walks the whole chain, and compares it with the hashes that were kept outside the database."""
    return call.services.audit.verify(call.actor)


@router.get(
    PATH, summary="Who looked at a patient", response_model=Listed[schemas.Look], responses=documented(404)
)
def list_looks(
    call: Asked,
    patient_id: Ref,
    turn: Turned,
    image_id: Annotated[UUID | None, Query(description="Only at this image of the patient.")] = None,
) -> Page[looks.Look]:
    """The latest first; for those who may see the patient. Looking is itself a line."""
    return call.services.looks.of_patient(call.actor, patient_id, turn, image_id)


@router.get(
    PATH + "csv/", summary="A patient's receipt as a table", response_class=Response,
    responses=documented(404) | _CSV,
)  # fmt: skip
def looks_table(call: Asked, patient_id: Ref) -> Response:
    """Every line about the patient, the latest first."""
    return send_sheet(call.services.looks.table(call.actor, patient_id))


@router.get(
    PATH + "pdf/", summary="A patient's receipt as a document", response_class=Response,
    responses=documented(404) | _PDF,
)  # fmt: skip
def looks_document(call: Asked, patient_id: Ref) -> Response:
    """To be printed or handed out; the newest 10,000 lines."""
    return send_sheet(call.services.looks.document(call.actor, patient_id))
