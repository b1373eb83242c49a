"""Patients: a patient is named by id or by external id."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from imgcore.api import schemas
from imgcore.api.bodies import NewPatientBody, PatientBody
from imgcore.api.calls import Asked, Ref, Turned, Version, Words, tag_change, tag_version
from imgcore.api.errors import documented
from imgcore.api.sections import section
from imgcore.domain import records
from imgcore.domain.records import Page

router = section("Patients")
PATH = "/api/patients/{patient_id}/"


@router.get("/api/patients/", summary="Find patients", response_model=schemas.Listed[schemas.Patient])
def list_patients(
    call: Asked,
    turn: Turned,
    q: Annotated[Words, Query(description="Words of name, number or birth date.")] = "",
) -> Page[records.Patient]:
    """By name; each must hold every word of `q`."""
    return call.services.patients.find(call.actor, q, turn)


@router.post(
    "/api/patients/", summary="Add a patient", status_code=201, response_model=schemas.Patient,
    responses=documented(400, 409, 413),
)  # fmt: skip
def add_patient(call: Asked, new: NewPatientBody, response: Response) -> records.Patient:
    """Only `name` is required; 409 when the MRN or external id is taken."""
    patient = call.services.patients.create(call.actor, new)
    tag_version(response, patient.version)
    return patient


@router.get(PATH, summary="One patient", response_model=schemas.Patient, responses=documented(404))
def get_patient(call: Asked, patient_id: Ref, response: Response) -> records.Patient:
    """The answer's ETag is the version to send back as If-Match."""
    patient = call.services.patients.get(call.actor, patient_id)
    tag_version(response, patient.version)
    return patient


@router.patch(
    PATH, summary="Change a patient", response_model=schemas.Patient,
    responses=documented(400, 404, 409, 412, 413),
)  # fmt: skip
def edit_patient(
    call: Asked, patient_id: Ref, fields: PatientBody, version: Version, response: Response
) -> records.Patient:
    """Fields that are not named stay as they are. X-Change-ID is the change to undo it by."""
    patient, change_id = call.services.patients.edit(call.actor, patient_id, fields, version)
    tag_change(response, change_id)
    tag_version(response, patient.version)
    return patient


@router.delete(PATH, summary="Put a patient into the trash", status_code=204, responses=documented(404, 409))
def trash_patient(call: Asked, patient_id: Ref, response: Response) -> None:
    """With all batches and images. X-Change-ID is the change to undo it by. 409 under a legal hold."""
    tag_change(response, call.services.trash.patient(call.actor, patient_id))


@router.get(
    PATH + "counts/", summary="How much is kept of a patient", response_model=schemas.Counts,
    responses=documented(404),
)  # fmt: skip
def count_patient(call: Asked, patient_id: Ref) -> records.Counts:
    """Counted now, the trash left out."""
    return call.services.patients.counts(call.actor, patient_id)


@router.post(
    PATH + "restore/", summary="Take a patient out of the trash", response_model=schemas.Patient,
    responses=documented(404, 409),
)  # fmt: skip
def restore_patient(call: Asked, patient_id: Ref) -> records.Patient:
    """With exactly the batches and images that went in with it."""
    call.services.trash.restore_patient(call.actor, patient_id)
    return call.services.patients.get(call.actor, patient_id)
