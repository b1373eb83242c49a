"""Analyses: images stored and run through a model, and what models said of them."""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from imgcore.api import analysis_schemas as schemas
from imgcore.api.calls import Asked, Call, Ref, Turned
from imgcore.api.errors import documented
from imgcore.api.examples import PATIENT_ID
from imgcore.api.multipart import Form
from imgcore.api.routes.uploads import check_fields, check_length, form_of, receive
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.domain import analyses, records
from imgcore.domain.analyses import CAPTURE_QUALITY, AnalysisFilter, Version
from imgcore.domain.links import LONGEST_SECONDS
from imgcore.domain.records import Page, Refused
from imgcore.errors import Conflict, Invalid, TooLarge
from imgcore.services.intake import Incoming
from imgcore.services.uploads import Offered, error_of
from imgcore.texts import _

router = section("Analyses")
ONE = "/api/ai/analyses/{result_id:uuid}/"
IMPRESSIONS = "/api/ai/images/{image_id:uuid}/impressions/"
FILE = "file"
# A browser keeps at most 10 MB for a site, twice that as text.
MOST_RECORDS_BYTES = 32 * 1024 * 1024

_TEXT = {"type": "string"}
_FORM = {
    "schema": {
        "type": "object",
        "required": [FILE, "patient_id"],
        "properties": {
            FILE: {"type": "string", "format": "binary"},
            "patient_id": {**_TEXT, "description": "Id or external id."},
            "external_id": {**_TEXT, "description": "Instead of patient_id."},
            "analyser": {**_TEXT, "default": CAPTURE_QUALITY},
            "body_region": _TEXT,
        },
    },
    "example": {FILE: "IMG_2682.heic", "patient_id": PATIENT_ID, "body_region": "Left heel"},
}
_RECORD = {
    "id": 1741168871000, "patientId": 12, "timestamp": "2025-03-05T10:01:11.000Z",
    "image": "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ...", "predictions": {"naevus": 0.91},
    "riskLevel": "low", "confidence": 0.91, "bodyRegion": "left heel", "model": "skin-check",
}  # fmt: skip
_RECORDS = {
    "schema": {
        "type": "object",
        "required": ["records"],
        "properties": {
            "records": {"type": "array", "items": {"type": "object"}},
            "patient_id": {**_TEXT, "description": "Whose the records are that name nobody."},
        },
    },
    "example": {"records": [_RECORD], "patient_id": PATIENT_ID},
}


@router.get("/api/ai/models/", summary="List models", response_model=schemas.Models)
def list_models(call: Asked) -> Any:
    """Also those that cannot run here; `missing` says why."""
    return {"items": call.services.analyses.models(call.actor)}


@router.post(
    "/api/ai/analyze/", summary="Store an image and analyse it", status_code=201,
    response_model=schemas.Analyzed,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _FORM}}},
    responses=documented(400, 404, 409, 413, 415, 507),
)  # fmt: skip
async def analyze_image(
    call: Asked,
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="The same key gives the same answer, for a day."),
    ] = None,
) -> Any:
    """The image is stored first, in the patient's batch of today for analyses; then the model looks at it.

    When the model fails the answer is 201 all the same: the image is there, `ai_result` is null, `error` says
    why, and `POST /api/ai/analyses/{analysis_id}/again/` runs it again. What is there already is neither
    stored nor computed twice.
    """
    check_length(call, request)
    await run_in_threadpool(call.services.analyses.check, call.actor)
    form = form_of(call, request, 1, FILE)
    try:
        await receive(call, request, form)
        return await run_in_threadpool(_analyze, call, form, idempotency_key)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    finally:
        form.discard()


def _analyze(call: Call, form: Form, key: str | None) -> schemas.Analyzed:
    patient, outer = form.one("patient_id"), form.one("external_id")
    analyser, region = form.one("analyser") or CAPTURE_QUALITY, form.one("body_region")
    check_fields(form)
    if not form.files:
        raise Invalid(_("Choose an image, in the field file."))
    if (patient is None) is (outer is None):
        raise Invalid(_("Name the patient once, by patient_id or by external_id."))
    file, services = form.files[0], call.services
    check = partial(_check, call, file)
    batch_id = services.analyses.batch_for(call.actor, patient or outer or "", analyser, key, check)
    offered = file if isinstance(file, Refused) else Offered(file)
    asked = {"analyser": analyser, "body_region": region}
    received = services.uploads.store(call.actor, batch_id, [offered], key=key, asked=asked)
    if received.failed:
        raise error_of(received.failed[0])
    image = received.uploaded[0].image
    result = services.analyses.run(call.actor, image.id, analyser=analyser, body_region=region)
    failed = result.error is not None or result.is_hidden
    return schemas.Analyzed(
        analysis_id=result.id,
        image_id=image.id,
        image_url=services.files.link(call.actor, image.id, "display", LONGEST_SECONDS),
        thumbnail_url=services.files.link(call.actor, image.id, "thumbnail", LONGEST_SECONDS),
        ai_result=None if failed else schemas.Said.model_validate(result),
        error=result.error,
        is_hidden=result.is_hidden,
    )


def _check(call: Call, file: Incoming | Refused) -> None:
    if isinstance(file, Refused):
        raise error_of(file)
    call.services.uploads.check_file(call.actor, file)


@router.get(
    "/api/ai/history/{patient_id}/", summary="Results of a patient, with their pictures",
    response_model=Listed[schemas.Analysis], responses=documented(404),
)  # fmt: skip
def list_history(call: Asked, patient_id: Ref, turn: Turned) -> Any:
    """The newest first; to the patient only those that were released."""
    return _listed(call, call.services.analyses.list(call.actor, AnalysisFilter(patient=patient_id), turn))


@router.get(
    "/api/ai/analyses/", summary="List results", response_model=Listed[schemas.Analysis],
    responses=documented(404),
)  # fmt: skip
def list_analyses(
    call: Asked,
    turn: Turned,
    patient_id: Annotated[Ref | None, Query(description="Id or external id.")] = None,
    analyser: Annotated[str | None, Query(max_length=100)] = None,
    version: Annotated[str | None, Query(max_length=50)] = None,
    risk_level: Annotated[str | None, Query(max_length=20)] = None,
    body_region: Annotated[str | None, Query(max_length=100)] = None,
    from_on: Annotated[date | None, Query(description="The first day on which they were made.")] = None,
    to_on: Annotated[date | None, Query(description="The last day.")] = None,
    image_id: Annotated[UUID | None, Query()] = None,
    image_set_id: Annotated[
        UUID | None, Query(description="Reviewers name one that was given to them.")
    ] = None,
    with_errors: Annotated[bool, Query(description="Also analyses that failed.")] = True,
) -> Any:
    """The newest first, over all patients that are seen."""
    asked = AnalysisFilter(
        patient_id, analyser, version, risk_level, body_region, from_on, to_on, image_id, image_set_id,
        with_errors,
    )  # fmt: skip
    return _listed(call, call.services.analyses.list(call.actor, asked, turn))


@router.get(ONE, summary="One result", response_model=schemas.Analysis, responses=documented(404))
def get_analysis(call: Asked, result_id: UUID) -> schemas.Analysis:
    """With links to its picture."""
    return schemas.told(call, [call.services.analyses.get(call.actor, result_id)])[0]


@router.post(
    ONE + "again/", summary="Run a model again", response_model=schemas.Analysis,
    responses=documented(404, 409),
)  # fmt: skip
def run_analysis_again(call: Asked, result_id: UUID) -> schemas.Analysis:
    """What comes of it takes the place of an error, and stands beside a result."""
    return schemas.told(call, [call.services.analyses.run_again(call.actor, result_id)])[0]


@router.get(
    "/api/ai/trends/{patient_id}/", summary="Results over time", response_model=schemas.Trends,
    responses=documented(404),
)  # fmt: skip
def list_trends(
    call: Asked, patient_id: Ref, analyser: Annotated[str | None, Query(max_length=100)] = None
) -> schemas.Trends:
    """For each body location and side under each category, the oldest photograph first."""
    trends = call.services.comparisons.trends(call.actor, patient_id, analyser)
    answers = iter(schemas.told(call, [point.result for each in trends for point in each.points]))
    items = [
        schemas.Trend(
            body_location=each.body_location, laterality=each.laterality, category=each.category,
            category_label=each.category_label, analyser=each.analyser,
            points=[schemas.TrendPoint(on=point.on, result=next(answers)) for point in each.points],
        )
        for each in trends
    ]  # fmt: skip
    return schemas.Trends(items=items)


@router.get(
    "/api/ai/image-sets/{set_id:uuid}/agreement/", summary="Agreement of two models on an image set",
    response_model=schemas.Agreement, responses=documented(404, 409),
)  # fmt: skip
def get_agreement(
    call: Asked,
    set_id: UUID,
    first: Annotated[str | None, Query(max_length=151, examples=["skin-check@1.2"])] = None,
    second: Annotated[str | None, Query(max_length=151, examples=["skin-check@1.3"])] = None,
) -> analyses.Agreement:
    """Each is a model and its version with an @ between. Without them the first two that have results."""
    found = call.services.analyses.versions(call.actor, set_id)
    named = [_version(each) for each in (first, second) if each]
    known = [Version(each.analyser, each.version) for each in found]
    chosen = [*named, *(each for each in known if each not in named)][:2]
    if len(chosen) < 2:
        raise Conflict(_("Fewer than two versions of models have results of this image set."))
    return call.services.comparisons.agreement(call.actor, set_id, *chosen)


@router.get(
    IMPRESSIONS, summary="Impressions of an image", response_model=schemas.Impressions,
    responses=documented(404),
)  # fmt: skip
def list_impressions(call: Asked, image_id: UUID) -> Any:
    """What clinicians think of it; where results wait for an own impression, so do those of others."""
    return {"items": call.services.impressions.of_image(call.actor, image_id)}


@router.post(
    IMPRESSIONS, summary="Record an own impression", status_code=201, response_model=schemas.Impression,
    responses=documented(400, 404, 413),
)  # fmt: skip
def add_impression(call: Asked, image_id: UUID, new: schemas.ImpressionBody) -> analyses.Impression:
    """It is never changed; a later one stands beside it."""
    return call.services.impressions.add(call.actor, image_id, new)


@router.post(
    "/api/ai/import/", summary="Import records that a browser kept", response_model=schemas.Imported,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": _RECORDS}}},
    responses=documented(400, 404, 413),
)  # fmt: skip
async def import_records(call: Asked, request: Request) -> schemas.Imported:
    """Takes the list that was in localStorage, bare or as `records`. Each record has its own outcome.

    A whole number as patient is an external id. A picture comes as a data URL and is stored first; a record
    without one is kept without. The same records again make nothing twice, so what was broken off is sent
    once more.
    """
    body = await _body(request)
    return await run_in_threadpool(_import, call, body)


def _import(call: Call, body: bytes) -> schemas.Imported:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    patient = None
    if isinstance(given, dict):
        patient, given = given.get("patient_id"), given.get("records")
        patient = None if patient is None else str(patient)[:64]
    if not isinstance(given, list):
        raise Invalid(_("Send a list of records."))
    return schemas.report(call.services.past_records.load(call.actor, given, patient))


async def _body(request: Request) -> bytes:
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > MOST_RECORDS_BYTES:
            raise TooLarge(
                _("These records are too many for one request; at most {most} MB are allowed.").format(
                    most=MOST_RECORDS_BYTES // (1024 * 1024)
                ),
                hint=_("Send them in smaller groups."),
            )
    return bytes(held)


def _version(named: str) -> Version:
    analyser, _at, version = named.partition("@")
    return Version(analyser, version)


def _listed(call: Call, page: Page[records.Result]) -> Listed[schemas.Analysis]:
    return Listed[schemas.Analysis](
        items=schemas.told(call, page.items),
        total=page.total,
        page=page.page,
        page_size=page.page_size,
        total_pages=page.total_pages,
        next_cursor=page.next_cursor,
        total_is_exact=page.total_is_exact,
    )
