"""A patient's records as they pile up over a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from imgcore.domain import records
from imgcore.domain.access import Actor, Role
from imgcore.domain.sets import NewImageSet, NewShare
from imgcore.domain.values import (
    ImageFields,
    NewBatch,
    NewVisit,
)
from tests.services import scenes_of_results
from tests.services.clinics import House

# What people type in these calls: the audit must never hold any of it.
TYPED = "Zebulon"


@dataclass(frozen=True)
class Scene:
    """One patient with something of everything, and another patient to move things to."""

    house: House
    actor: Actor
    patient: records.Patient
    other: records.Patient
    visit: records.Visit
    empty_visit: records.Visit
    batch: records.Batch
    other_batch: records.Batch
    image: records.Image
    second_image: records.Image
    trashed_image: records.Image
    trashed_batch: records.Batch
    trashed_patient: records.Patient
    change_id: UUID
    user_id: UUID
    set_id: UUID
    share_id: UUID
    reviewer_id: UUID
    result_id: UUID


def make_scene(house: House, actor: Actor | None = None) -> Scene:
    """Fill a clinic on behalf of ``actor``, the administrator unless another one is named."""
    who, services = actor or house.admin, house.services
    agreed = {"consent_record": {"given_on": "2025-11-06"}}
    patient, other, gone = (
        house.patient(f"{TYPED} {word}", who, **agreed) for word in ("First", "Other", "Gone")
    )
    visit, empty = (services.visits.create(who, patient.id, NewVisit(note=TYPED)) for _ in range(2))
    batch = services.batches.create(who, patient.id, NewBatch(name="Check-up", visit_id=visit.id))
    other_batch, trashed_batch = house.batch(other, who), house.batch(patient, who)
    first, second, third = house.images(batch.id, 3, who)
    house.images(trashed_batch.id, 1, who, first=3)
    services.trash.images(who, [third.id])
    services.trash.batch(who, trashed_batch.id)
    services.trash.patient(who, gone.id)
    _image, change_id = services.images.edit(who, second.id, ImageFields(caption=f"{TYPED}'s toe"))
    assert change_id is not None
    someone = house.person(Role.CLINICIAN)
    reviewer = house.person(Role.REVIEWER)
    assert someone.user_id is not None and reviewer.user_id is not None
    chosen = NewImageSet(name=TYPED, purpose="record", note=TYPED, image_ids=[first.id])
    set_id = services.image_sets.create(who, chosen).image_set.id
    services.image_sets.give(who, set_id, reviewer.user_id)
    share = services.shares.create(who, set_id, NewShare(label=TYPED)).share
    result_id = scenes_of_results.make_result(services, who, first.id)
    return Scene(
        house, who, patient, other, visit, empty, batch, other_batch, first, second, third,
        trashed_batch, gone, change_id, someone.user_id, set_id, share.id, reviewer.user_id, result_id,
    )  # fmt: skip


Call = Callable[[Scene, Actor], Any]
