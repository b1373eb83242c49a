"""Which results of analyses a person may see, whose they are, and what is told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, exists, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.journal import ImageSet, ImageSetItem
from imgcore.db.tables import Analysis, Batch, Image, Impression, Patient
from imgcore.domain import records
from imgcore.domain.access import Action, Reach, reach
from imgcore.domain.categories import CategorySet
from imgcore.errors import NotFound
from imgcore.services import rows, set_contents, sight
from imgcore.services.work import Line, Work
from imgcore.texts import _

# Whose a result is now: of whom the image is, or without an image, of whom the record was.
OWNER: sa.ColumnElement[UUID] = sa.func.coalesce(col(Batch.patient_id), col(Analysis.patient_id))


class InSet(NamedTuple):
    """Where a picture is in an image set, for whoever may know no more of it."""

    image_set_id: UUID
    pseudonym: str
    place: int


def kept(work: Work, action: Action) -> SelectOfScalar[Analysis]:
    """Return the query for results that the actor may do this with; none whose image is in the trash.

    Patients see what was released, and only while the image is still theirs. Of image sets that were
    given to somebody nothing is here: see ``of_set``.
    """
    wanted = select(Analysis).outerjoin(Image, col(Analysis.image_id) == col(Image.id))
    wanted = wanted.outerjoin(Batch, col(Image.batch_id) == col(Batch.id))
    wanted = wanted.join(Patient, col(Patient.id) == OWNER)
    without = sa.and_(col(Analysis.image_id).is_(None), col(Patient.trashed_at).is_(None))
    wanted = wanted.where(or_(rows.kept(), without), sight.patients(work, action))
    if reach(work.actor, action) is Reach.OWN:
        released = (col(Analysis.released_at).is_not(None), col(Analysis.patient_id) == col(Patient.id))
        wanted = wanted.where(*released)
    return wanted


def of_patient(patient_id: UUID) -> sa.ColumnElement[bool]:
    """Return the condition on ``Analysis`` that a result is this patient's now; found by indices alone."""
    pictured = sa.select(col(Analysis.id)).join(Image, col(Analysis.image_id) == col(Image.id))
    pictured = pictured.join(Batch, col(Image.batch_id) == col(Batch.id))
    bare = sa.select(col(Analysis.id)).where(col(Analysis.image_id).is_(None))
    both = sa.union_all(
        pictured.where(col(Batch.patient_id) == patient_id),
        bare.where(col(Analysis.patient_id) == patient_id),
    )
    return col(Analysis.id).in_(both)


def of_set(work: Work, set_id: UUID, action: Action, categories: CategorySet) -> dict[UUID, InSet]:
    """Return the images of a set that are shown now, by their ids; ``NotFound`` unless the actor has it."""
    row = set_contents.find(work, set_id, action)
    held = set_contents.shown(set_contents.contents(work, [row], categories)[row.id])
    return {each.image.id: InSet(row.id, each.pseudonym, each.place) for each in held}


def find(
    work: Work, result_id: UUID, action: Action, categories: CategorySet
) -> tuple[Analysis, InSet | None]:
    """Return a result, and where it is in a set that was given to the actor, if they know it by that."""
    if reach(work.actor, action) is Reach.GIVEN:
        return _given(work, result_id, action, categories)
    wanted = kept(work, action).where(Analysis.id == result_id)
    row = work.session.exec(wanted.with_for_update(of=Analysis) if work.writes else wanted).first()
    if row is None:
        raise missing(work, result_id, action)
    return row, None


def _given(
    work: Work, result_id: UUID, action: Action, categories: CategorySet
) -> tuple[Analysis, InSet | None]:
    row = work.session.get(Analysis, result_id)
    if row is not None and row.image_id is not None:
        sets = select(ImageSet).join(ImageSetItem, col(ImageSetItem.image_set_id) == col(ImageSet.id))
        sets = sets.where(ImageSetItem.image_id == row.image_id, set_contents.visible(work, action))
        for each in work.session.exec(sets.order_by(col(ImageSet.created_at).desc())):
            shown = of_set(work, each.id, action, categories)
            if row.image_id in shown:
                return row, shown[row.image_id]
    raise missing(work, result_id, action)


def missing(work: Work, result_id: UUID, action: Action) -> NotFound:
    """Note that a result was asked for in vain, and return the error."""
    line = Line(action, outcome="refused", entity="analysis", entity_ids=[result_id])
    work.refusals.append(line)
    return NotFound(_("This result does not exist."))


def hides(work: Work) -> bool:
    """Tell whether results are kept from the actor until they have recorded an own impression."""
    actor, is_set = work.actor, work.settings.hide_results_until_impression
    return is_set and not actor.is_system and reach(actor, Action.IMPRESSION_ADD) is Reach.CLINIC


def is_open(work: Work) -> sa.ColumnElement[bool]:
    """Return the condition on ``Analysis`` for what is not hidden from the actor."""
    if not hides(work):
        return sa.true()
    own = exists().where(
        col(Impression.image_id) == col(Analysis.image_id), col(Impression.user_id) == work.actor.user_id
    )
    return or_(col(Analysis.image_id).is_(None), own)


def hidden_images(work: Work, image_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the images that the actor has to have an own impression of first."""
    if not hides(work) or not image_ids:
        return set()
    own = sa.select(col(Impression.image_id)).where(
        sight.among(work, col(Impression.image_id), list(image_ids)),
        col(Impression.user_id) == work.actor.user_id,
    )
    return set(image_ids) - set(work.session.scalars(own))


def records_of(
    work: Work, found: Sequence[Analysis], places: Mapping[UUID, InSet] | None = None
) -> list[records.Result]:
    """Return the records of results; with ``places`` for somebody who may know neither patient nor image."""
    ids = {row.image_id for row in found if row.image_id is not None}
    hidden = hidden_images(work, ids)
    owners: dict[UUID, UUID] = {}
    if places is None and ids:
        theirs = sa.select(col(Image.id), col(Batch.patient_id)).join(Batch)
        theirs = theirs.where(sight.among(work, col(Image.id), list(ids)))
        owners = dict(work.session.execute(theirs).all())
    told = []
    for row in found:
        image_id = row.image_id
        place = places[image_id] if places is not None and image_id is not None else None
        owner = owners.get(image_id, row.patient_id) if image_id is not None else row.patient_id
        told.append(_record(row, owner, place, is_hidden=image_id in hidden))
    return told


def record_of(work: Work, row: Analysis, place: InSet | None = None) -> records.Result:
    """Return the record of one result."""
    places = {row.image_id: place} if place is not None and row.image_id is not None else None
    return records_of(work, [row], places)[0]


def _record(row: Analysis, owner: UUID, place: InSet | None, *, is_hidden: bool) -> records.Result:
    """Return the record of one result; of an image set no day is told."""
    predictions = {} if is_hidden else row.predictions or {}
    is_released = place is None and row.patient_id == owner  # to another patient is not to this one
    return records.Result(
        id=row.id,
        patient_id=owner if place is None else None,
        image_id=row.image_id if place is None else None,
        analyser=row.analyser,
        analyser_version=row.analyser_version,
        label=likeliest(predictions),
        predictions=predictions,
        risk_level=None if is_hidden else row.risk_level,
        confidence=None if is_hidden else row.confidence,
        body_region=row.body_region,
        error=row.error,
        created_at=row.created_at if place is None else None,
        released_at=row.released_at if is_released else None,
        model_sha256=row.model_sha256,
        duration_ms=row.duration_ms,
        record_id=row.record_id if place is None else None,
        is_hidden=is_hidden,
        image_set_id=place.image_set_id if place else None,
        pseudonym=place.pseudonym if place else "",
        place=place.place if place else None,
    )


def likeliest(predictions: Mapping[str, float]) -> str:
    """Return the label with the highest score; of several the first in the alphabet."""
    return min(predictions, key=lambda name: (-predictions[name], name), default="")
