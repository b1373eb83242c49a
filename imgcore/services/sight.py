"""Which rows an actor may see; what they may not see does not exist for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, or_, select, true
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.tables import Batch, CareTeam, Image, Patient, Table, Visit
from imgcore.domain.access import Action, Reach, reach
from imgcore.errors import NotFound
from imgcore.services.work import Line, Work
from imgcore.texts import _

Row = TypeVar("Row", Patient, Visit, Batch, Image)
_AT_ONCE = 500
FEW_BATCHES = 500


def patients(work: Work, action: Action) -> sa.ColumnElement[bool]:
    """Return the condition on ``Patient`` under which the actor may do this to the patient's rows."""
    key = col(Patient.id)
    return _limit(work, action, key, lambda team: key.in_(select(CareTeam.patient_id).where(team)))


def patient_of(work: Work, action: Action, key: Any) -> sa.ColumnElement[bool]:
    """Return the same condition on a column that names a patient.

    It is asked of one row after the other, where many of those in question are the actor's.
    """
    one: sa.ColumnElement[int] = sa.literal_column("1")
    named = sa.select(one).where(col(CareTeam.patient_id) == key)
    return _limit(work, action, key, lambda team: named.where(team).exists())


def batch_of(
    work: Work, action: Action, key: Any, *further: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return the same condition on a column that names a batch; ``further`` ones are on the patient."""
    limit = patient_of(work, action, col(Batch.patient_id))
    if limit is true():
        return limit
    one: sa.ColumnElement[int] = sa.literal_column("1")
    named = sa.select(one).join_from(Batch, Patient, col(Batch.patient_id) == col(Patient.id))
    return named.where(col(Batch.id) == key, limit, *further).exists()


def _limit(
    work: Work,
    action: Action,
    key: Any,
    of_team: Callable[[sa.ColumnElement[bool]], sa.ColumnElement[bool]],
) -> sa.ColumnElement[bool]:
    actor = work.actor
    how_far = reach(actor, action)
    if how_far is Reach.CLINIC:
        if actor.is_system or work.settings.access == "clinic":
            return true()
        lasts = or_(col(CareTeam.ends_at).is_(None), col(CareTeam.ends_at) > work.at)
        return of_team(sa.and_(col(CareTeam.user_id) == actor.user_id, lasts))
    if how_far is Reach.OWN and actor.patient_id is not None:
        return key == actor.patient_id  # type: ignore[no-any-return]
    return sa.false()


def sees_all(work: Work, action: Action) -> bool:
    """Tell whether the actor may do this to the rows of every patient."""
    limit = patients(work, action)
    return limit is true()


def has_few_batches(work: Work, action: Action) -> bool:
    """Tell whether the batches to whose rows the actor may do this are few enough to be read one by one."""
    theirs = sa.select(col(Batch.id)).join(Patient, col(Batch.patient_id) == col(Patient.id))
    some = theirs.where(patients(work, action)).limit(FEW_BATCHES + 1).subquery()
    found = work.session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return int(found) <= FEW_BATCHES


def patient(work: Work, ref: UUID | str, action: Action, *, trashed: bool = False) -> Patient:
    """Return the patient with this id or external id; ``NotFound`` when the actor may not see it."""
    return _seen(work, _named(ref), Patient, action, trashed)


def patient_in_any_state(work: Work, ref: UUID | str, action: Action) -> Patient:
    """Return the patient, in the trash or not; ``NotFound`` when the actor may not see it."""
    return _seen(work, _named(ref), Patient, action, None)


def visit(work: Work, visit_id: UUID, action: Action) -> Visit:
    """Return the visit, unless its patient is in the trash; ``NotFound`` when the actor may not see it."""
    return _seen(work, select(Visit).where(Visit.id == visit_id), Visit, action, False)


def batch(work: Work, batch_id: UUID, action: Action, *, trashed: bool = False) -> Batch:
    """Return the batch; ``NotFound`` when the actor may not see it."""
    return _seen(work, select(Batch).where(Batch.id == batch_id), Batch, action, trashed)


def image(work: Work, image_id: UUID, action: Action, *, trashed: bool = False) -> Image:
    """Return the image if its bytes are kept; ``NotFound`` when the actor may not see it."""
    lock_batches(work, [image_id])
    wanted = select(Image).where(Image.id == image_id, Image.state == "ready")
    return _seen(work, wanted, Image, action, trashed)


def images(work: Work, image_ids: Sequence[UUID], action: Action, *, trashed: bool = False) -> list[Image]:
    """Return the images in the order of ``image_ids``; ``NotFound`` when one of them is out of sight."""
    return [row for _id, row in _chosen(work, image_ids, action, trashed, Image)]


def image_values(work: Work, image_ids: Sequence[UUID], action: Action, *columns: Any) -> list[Sequence[Any]]:
    """Return the id and some columns of each image, where whole rows would be too many."""
    return _chosen(work, image_ids, action, False, *columns)


def _chosen(
    work: Work, image_ids: Sequence[UUID], action: Action, trashed: bool, *what: Any
) -> list[Sequence[Any]]:
    lock_batches(work, image_ids)
    wanted = sa.select(col(Image.id), *what).where(among(work, col(Image.id), image_ids))
    wanted = wanted.where(col(Image.state) == "ready", col(Image.trashed_at).is_not(None) == trashed)
    if not sees_all(work, action):
        theirs = sa.select(col(Batch.id)).join(Patient, col(Batch.patient_id) == col(Patient.id))
        wanted = wanted.where(col(Image.batch_id).in_(theirs.where(patients(work, action))))
    if work.writes:
        wanted = wanted.order_by(col(Image.id)).with_for_update(of=Image)
    found = {row[0]: row for row in work.session.execute(wanted)}
    if len(found) == len(image_ids):
        return list(map(found.__getitem__, image_ids))
    missing = [each for each in image_ids if each not in found]
    if missing:
        work.refusals.append(Line(action, outcome="refused", entity="image", entity_ids=missing))
        raise NotFound(_("One of these images does not exist, or is in the trash."))
    return [found[each] for each in dict.fromkeys(image_ids)]


def among(work: Work, column: Any, ids: Sequence[UUID]) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of these ids; any number of them is one parameter."""
    if on_sqlite(work):
        listed = sa.func.json_each(json.dumps([each.hex for each in ids])).table_valued("value")
        return sa.and_(column.in_(sa.select(sa.type_coerce(listed.c.value, sa.Uuid()))))
    return sa.and_(column == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid()))))


def on_sqlite(work: Work) -> bool:
    """Tell whether the rows are kept in SQLite."""
    return work.session.get_bind().dialect.name == "sqlite"


def lock_batches(work: Work, image_ids: Sequence[UUID], *further: UUID) -> None:
    """Lock the batches of these images, and ``further`` ones, in one order for everybody.

    A batch is locked before its visit, and both before their images: whoever holds them may count
    on the order and the primary mark. SQLite knows no such locks; there one write at a time is under way.
    """
    if not work.writes or on_sqlite(work):
        return
    ids = set(further)
    for part in parts(image_ids):
        ids |= set(work.session.exec(select(Image.batch_id).where(col(Image.id).in_(part)).distinct()))
    visits = set[UUID]()
    for part in parts(sorted(ids)):
        held = select(Batch.visit_id).where(col(Batch.id).in_(part)).order_by(col(Batch.id))
        visits |= {each for each in work.session.exec(held.with_for_update()) if each is not None}
    for part in parts(sorted(visits)):
        held = select(Visit.id).where(col(Visit.id).in_(part)).order_by(col(Visit.id))
        work.session.exec(held.with_for_update()).all()


def require_patients(work: Work, ids: Set[UUID], action: Action) -> None:
    """Raise ``NotFound`` unless the actor may do this to every one of these patients."""
    wanted = select(Patient.id).where(col(Patient.id).in_(ids), patients(work, action))
    hidden = sorted(ids - set(work.session.exec(wanted)))
    if hidden:
        work.refusals.append(Line(action, outcome="refused", entity="patient", entity_ids=hidden))
        raise NotFound(_MISSING[Patient]())


def parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """Return the ids in lots that fit into one statement."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _named(ref: UUID | str) -> SelectOfScalar[Patient]:
    """Return the query for a patient by id or, where no patient has that id, by external id."""
    wanted = select(Patient)
    if isinstance(ref, UUID):
        return wanted.where(Patient.id == ref)
    try:
        own = UUID(ref)
    except ValueError:
        return wanted.where(Patient.external_id == ref)
    either = or_(col(Patient.id) == own, col(Patient.external_id) == ref)
    return wanted.where(either).order_by(col(Patient.id) != own).limit(1)


def _seen(
    work: Work, wanted: SelectOfScalar[Row], kind: type[Row], action: Action, trashed: bool | None
) -> Row:
    if work.writes:
        wanted = wanted.with_for_update(of=kind)
    row = work.session.exec(wanted).first()
    if row is not None:
        patient_id = owner(work, row)
        if work.session.exec(
            select(Patient.id).where(Patient.id == patient_id, patients(work, action))
        ).first():
            if trashed is None or _is_trashed(work, row) == trashed:
                return row
        else:
            line = Line(
                action, outcome="refused", patient_id=patient_id, entity=_word(kind), entity_ids=[row.id]
            )
            work.refusals.append(line)
    raise NotFound(_MISSING[kind]())


def _is_trashed(work: Work, row: Patient | Visit | Batch | Image) -> bool:
    kept = work.session.get_one(Patient, row.patient_id) if isinstance(row, Visit) else row
    return kept.trashed_at is not None


def owner(work: Work, row: Patient | Visit | Batch | Image) -> UUID:
    """Return the id of the patient that a row belongs to."""
    if isinstance(row, Patient):
        return row.id
    if isinstance(row, Batch | Visit):
        return row.patient_id
    return work.session.exec(select(Batch.patient_id).where(Batch.id == row.batch_id)).one()


def _word(kind: type[Table]) -> str:
    return str(kind.__tablename__)


_MISSING = {
    Patient: lambda: _("This patient does not exist, or is in the trash."),
    Visit: lambda: _("This visit does not exist, or its patient is in the trash."),
    Batch: lambda: _("This batch does not exist, or is in the trash."),
    Image: lambda: _("This image does not exist, or is in the trash."),
}
