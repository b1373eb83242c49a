"""The demo clinic: five invented patients with drawn pictures, brought in as a person would."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from imgcore.demo.plans import Picture, PlannedBatch, PlannedPatient, clinic
from imgcore.domain.access import Actor
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import ImageFields, NewVisit
from imgcore.errors import Conflict, NotFound, Unavailable
from imgcore.services import Services
from imgcore.services.images import Filter
from imgcore.services.uploads import Offered
from imgcore.texts import _


def load(services: Services, actor: Actor, progress: Callable[[int, int], None]) -> None:
    """Bring the demo clinic in; when it is there as a whole, it is left as it is.

    ``progress`` is called with the pictures done and their number. What it raises ends the load;
    the next one goes on from there and makes nothing twice.
    """
    total = sum(len(batch.pictures) for patient in clinic() for batch in patient.batches)
    if is_loaded(services, actor):
        progress(total, total)
        return
    done = 0
    progress(done, total)
    for planned in clinic():
        patient = _patient(services, actor, planned)
        for planned_batch in planned.batches:
            batch = _batch(services, actor, patient, planned_batch)
            for picture in planned_batch.pictures:
                _store(services, actor, batch, picture)
                done += 1
                progress(done, total)


def remove(services: Services, actor: Actor) -> None:
    """Put the patients of the demo clinic into the trash, with all that is kept of them."""
    for planned in clinic():
        patient = _found(services, actor, planned)
        if patient is not None:
            services.trash.patient(actor, patient.id)


def is_loaded(services: Services, actor: Actor) -> bool:
    """Tell whether the demo clinic is there as a whole: of each patient the picture that came last."""
    return all(_is_whole(services, actor, planned) for planned in reversed(clinic()))


def _is_whole(services: Services, actor: Actor, planned: PlannedPatient) -> bool:
    patient = _found(services, actor, planned)
    if patient is None:
        return False
    last = planned.batches[-1].pictures[-1]
    return services.images.list(actor, Filter(patient_ref=str(patient.id), text=last.name)).total > 0


def _found(services: Services, actor: Actor, planned: PlannedPatient) -> Patient | None:
    # Searched for rather than asked for by id, which would leave a refusal in the audit.
    found = services.patients.find(actor, planned.external_id).items
    return next((patient for patient in found if patient.external_id == planned.external_id), None)


def _patient(services: Services, actor: Actor, planned: PlannedPatient) -> Patient:
    """Return the patient: the one that is there, a new one, or the one in the trash."""
    patient = _found(services, actor, planned)
    if patient is not None:
        return patient
    try:
        return services.patients.create(actor, planned.new)
    except Conflict as taken:
        try:
            services.trash.restore_patient(actor, planned.external_id)
        except NotFound:
            raise taken from None
    return services.patients.get(actor, planned.external_id)


def _batch(services: Services, actor: Actor, patient: Patient, planned: PlannedBatch) -> Batch:
    day = planned.taken_on
    there = services.batches.of_patient(actor, patient.id, day.isoformat()).items
    same = [batch for batch in there if batch.taken_on == day]
    if same:
        return same[0]
    new = planned.new.model_copy(update={"visit_id": _visit(services, actor, patient, planned)})
    return services.batches.create(actor, patient.id, new)


def _visit(services: Services, actor: Actor, patient: Patient, planned: PlannedBatch) -> UUID | None:
    """Return the visit at which a batch was taken, if it was at one."""
    if not planned.note:
        return None
    for visit in services.visits.list(actor, patient.id).items:
        if visit.visited_on == planned.taken_on:
            return visit.id
    new = NewVisit(visited_on=planned.taken_on, note=planned.note)
    return services.visits.create(actor, patient.id, new).id


def _store(services: Services, actor: Actor, batch: Batch, picture: Picture) -> None:
    content = picture.draw()
    intake = services.uploads.intake(actor, picture.name)
    intake.write(content)
    offered = Offered(intake.finish(), _fields(services, picture))
    received = services.uploads.store(actor, batch.id, [offered], key=f"demo {batch.id} {picture.name}")
    for refused in received.failed:
        raise Unavailable(
            _("The demo clinic is not complete. {reason}").format(reason=refused.message),
            hint=_("Load it again: it goes on where it stopped."),
        )


def _fields(services: Services, picture: Picture) -> ImageFields:
    """Return what is said of a picture, without a category that this clinic does not use."""
    if services.categories.get(picture.fields.category).active:
        return picture.fields
    given = picture.fields.model_dump(exclude_unset=True, exclude={"category"})
    return ImageFields(**given)
