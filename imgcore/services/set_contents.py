"""What an image set holds now: who may see it, which of its pictures are withheld, and its hash."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, exists, or_, select, true

from imgcore.db.journal import GivenSet, ImageSet, ImageSetItem, Share
from imgcore.db.tables import Batch, Image, Patient, User
from imgcore.domain import sets
from imgcore.domain.access import Action, Reach, reach
from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Consent
from imgcore.domain.sets import HashState, Purpose, Withheld
from imgcore.errors import NotFound
from imgcore.services import sight
from imgcore.services.work import Line, Work
from imgcore.texts import _


class Content(NamedTuple):
    """One picture of a set, and why it is withheld, if it is."""

    place: int
    pseudonym: str
    image: Image
    patient_id: UUID
    withheld: Withheld


def visible(work: Work, action: Action) -> sa.ColumnElement[bool]:
    """Return the condition on ``ImageSet`` under which the actor may do this with the set.

    Where the clinic works in teams, staff see a set when they may see every patient in it, whoever made
    it; one that has lost all its pictures is left to who made it.
    """
    actor = work.actor
    how_far = reach(actor, action)
    if how_far is Reach.GIVEN:
        given = exists().where(
            col(GivenSet.image_set_id) == col(ImageSet.id),
            col(GivenSet.user_id) == actor.user_id,
            or_(col(GivenSet.ends_at).is_(None), col(GivenSet.ends_at) > work.at),
        )
        return cast("sa.ColumnElement[bool]", given)
    if how_far is not Reach.CLINIC:
        return sa.false()
    if actor.is_system or work.settings.access == "clinic":
        return true()
    item = col(ImageSetItem.image_set_id) == col(ImageSet.id)
    hidden = exists().where(
        item, col(Patient.id) == col(ImageSetItem.patient_id), sa.not_(sight.patients(work, action))
    )
    holds_any = exists().where(item)
    return sa.and_(sa.not_(hidden), or_(holds_any, col(ImageSet.created_by) == actor.user_id))


def find(work: Work, set_id: UUID, action: Action) -> ImageSet:
    """Return the set; ``NotFound`` when the actor may not see it."""
    wanted = select(ImageSet).where(ImageSet.id == set_id, visible(work, action))
    row = work.session.exec(wanted.with_for_update() if work.writes else wanted).first()
    if row is None:
        work.refusals.append(Line(action, outcome="refused", entity="image_set", entity_ids=[set_id]))
        raise NotFound(_("This image set does not exist, or was not given to you."))
    return row


def contents(
    work: Work, found: Sequence[ImageSet], categories: CategorySet, place: int | None = None
) -> dict[UUID, list[Content]]:
    """Return the pictures of each set in their order, or those at one place, the withheld ones too."""
    purposes = {row.id: cast("Purpose", row.purpose) for row in found}
    held: dict[UUID, list[Content]] = defaultdict(list)
    wanted = (
        sa.select(ImageSetItem, Image, Patient)
        .join(Image, col(ImageSetItem.image_id) == col(Image.id))
        .join(Batch, col(Image.batch_id) == col(Batch.id))
        .join(Patient, col(Batch.patient_id) == col(Patient.id))
        .where(col(ImageSetItem.image_set_id).in_(list(purposes)))
        .order_by(col(ImageSetItem.image_set_id), col(ImageSetItem.place))
    )
    if place is not None:
        wanted = wanted.where(col(ImageSetItem.place) == place)
    for item, image, patient in work.session.execute(wanted):
        why = _withheld(item, image, patient, purposes[item.image_set_id], categories)
        content = Content(item.place, item.pseudonym, image, item.patient_id, why)
        held[item.image_set_id].append(content)
    return held


def _withheld(
    item: ImageSetItem, image: Image, patient: Patient, purpose: Purpose, categories: CategorySet
) -> Withheld:
    """Say why a picture is not shown; it is asked at every look, so that a withdrawal counts at once."""
    if image.trashed_at is not None or image.state != "ready":
        return "trash"
    if patient.id != item.patient_id:
        return "moved"
    if not consent(patient, purpose).holds:
        return "consent"
    return "identity" if categories.get(image.category).is_identity_document else ""


def consent(patient: Patient, purpose: Purpose) -> Consent:
    """Return what a patient agreed to for a purpose."""
    name = f"consent_{purpose}"
    return Consent(getattr(patient, f"{name}_given_on"), getattr(patient, f"{name}_withdrawn_on"))


def shown(held: Iterable[Content]) -> list[Content]:
    """Return the pictures that may be shown now."""
    return [content for content in held if not content.withheld]


def hash_of(pictures: Iterable[tuple[int, str]]) -> str:
    """Return the SHA-256 (hex) over one line for each picture: its place, a space, its own SHA-256."""
    lines = "".join(f"{place} {sha256}\n" for place, sha256 in pictures)
    return hashlib.sha256(lines.encode()).hexdigest()


def _hash_state(row: ImageSet, held: Sequence[Content]) -> HashState:
    if len(held) < row.size:
        return "incomplete"
    whole = hash_of((content.place, content.image.sha256) for content in held)
    return "same" if whole == row.hash else "different"


def records(work: Work, found: Sequence[ImageSet], categories: CategorySet) -> list[sets.ImageSet]:
    """Return the records of sets, with what they hold now and how many guests have answered."""
    held = contents(work, found, categories)
    names = people(work, {row.created_by for row in found})
    comments = _comments(work, [row.id for row in found])
    return [
        sets.ImageSet(
            id=row.id,
            name=row.name,
            purpose=cast("Purpose", row.purpose),
            note=row.note,
            created_at=row.created_at,
            created_by=row.created_by,
            created_by_name=names.get(row.created_by, ""),
            size=row.size,
            shown=len(shown(held[row.id])),
            hash=row.hash or "",
            hash_state=_hash_state(row, held[row.id]),
            comments=comments.get(row.id, 0),
        )
        for row in found
    ]


def people(work: Work, ids: set[UUID | None]) -> dict[UUID | None, str]:
    """Return the names of people by their ids."""
    found = work.session.exec(select(User.id, User.name).where(col(User.id).in_(ids - {None})))
    return dict(found.all())


def _comments(work: Work, ids: Sequence[UUID]) -> dict[UUID, int]:
    if reach(work.actor, Action.SET_EDIT) is Reach.NONE:
        return {}
    answered = col(Share.commented_at).is_not(None)
    of_set = col(Share.image_set_id)
    counted = sa.select(of_set, sa.func.count()).where(of_set.in_(ids), answered).group_by(of_set)
    return dict(work.session.execute(counted).all())


def item(content: Content, categories: CategorySet, *, for_staff: bool) -> sets.SetItem:
    """Return what may be told of a picture; which image it is, only staff are told."""
    image = content.image
    if content.withheld:
        return sets.SetItem(content.place, content.pseudonym, withheld=content.withheld)
    return sets.SetItem(
        place=content.place,
        pseudonym=content.pseudonym,
        category=categories.label(image.category),
        image_type=image.image_type,
        body_location=image.body_location,
        laterality=image.laterality,
        width=image.width,
        height=image.height,
        image_id=image.id if for_staff else None,
        patient_id=content.patient_id if for_staff else None,
    )


def record(
    work: Work,
    action: Action,
    held: Iterable[Content],
    entity: str,
    first: Sequence[UUID] = (),
    *,
    with_images: bool = True,
    once: bool = False,
    field_names: Sequence[str] = (),
) -> None:
    """Write one audit line for each patient in a set; ``first`` are the ids that stand before the images'."""
    by_patient: dict[UUID, list[UUID]] = defaultdict(list)
    for content in held:
        by_patient[content.patient_id].append(content.image.id)
    for patient_id, images in by_patient.items():
        named = [*first, *(images if with_images else ())]
        about = {"patient_id": patient_id, "entity": entity, "entity_ids": named}
        work.record(action, count=len(images), once=once, field_names=field_names, **about)
