"""Images: lists, and every change to what is known of a photograph."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db import words
from imgcore.db.tables import Batch, Image, Patient, Visit
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Page
from imgcore.domain.values import ImageFields
from imgcore.errors import Invalid, NotFound
from imgcore.services import holds, rows, sight
from imgcore.services.edits import apply_all, check_version, difference, snapshot
from imgcore.services.pages import COUNTED_UP_TO, Order, Sieve, Turn, page_of
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

MOST_AT_ONCE = 10_000
_NOT_FOR_MANY = {"order", "is_primary", "caption"}
_KINDS = ("category", "body_location", "image_type")
# SQLite keeps no counts of rows, and would take another index for want of them.
_BY_BATCH = "INDEXED BY ix_image_batch_id_order_id"
_FREQUENT = 10  # of the first 1,000 images
_MAY_BE_EMPTY = {"date_taken", "laterality"}


@dataclass(frozen=True)
class Filter:
    """Which images are asked for; what is None does not matter."""

    patient_ref: str | None = None
    batch_id: UUID | None = None
    visit_id: UUID | None = None
    category: str | None = None
    taken_from: date | None = None
    taken_to: date | None = None
    text: str = ""
    body_location: str | None = None
    image_type: str | None = None


class Images(Service):
    """Lists images and changes what is known of them; their bytes never change."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self.categories = categories

    @performs(Action.IMAGE_SEE)
    def list(self, actor: Actor, asked: Filter, turn: Turn | None = None) -> Page[records.Image]:
        """Return the images of a batch in their order, or across batches with the newest first.

        Those of a visit begin with the primary one; those of some days go by the day, the last one first.
        """
        with self._ledger.read(actor) as work:
            patient_id = _scope(work, asked)
            part = _part(work, asked, patient_id)
            page = page_of(
                work, part.wanted, part.order, turn or Turn(), lambda found: rows.images(work, found),
                exact=patient_id is not None, long=part.is_long, sieve=part.sieve,
            )  # fmt: skip
            seen = [each.id for each in page.items]
            work.record(Action.IMAGE_SEE, patient_id=patient_id, entity="image", entity_ids=seen)
            return page

    @performs(Action.IMAGE_SEE)
    def ids(self, actor: Actor, batch_id: UUID) -> tuple[UUID, ...]:
        """Return the ids of a batch's images in their order."""
        with self._ledger.read(actor) as work:
            batch = sight.batch(work, batch_id, Action.IMAGE_SEE)
            wanted = select(Image.id).where(rows.kept(batch_id=batch.id))
            return tuple(work.session.exec(wanted.order_by(col(Image.order), col(Image.id))))

    @performs(Action.IMAGE_SEE)
    def get(self, actor: Actor, image_id: UUID) -> records.Image:
        """Return one image's data."""
        with self._ledger.read(actor) as work:
            record = rows.image(work, sight.image(work, image_id, Action.IMAGE_SEE))
            seen = {"patient_id": record.patient_id, "entity": "image", "entity_ids": [record.id]}
            work.record(Action.IMAGE_SEE, once=True, **seen)
            return record

    @performs(Action.IMAGE_EDIT)
    def edit(
        self, actor: Actor, image_id: UUID, fields: ImageFields, version: int | None = None
    ) -> tuple[records.Image, UUID | None]:
        """Change the named fields; return the image and the change to undo it by.

        ``Stale`` when ``version`` is given and is not the stored one. ``order`` is the place in
        the batch, from 1; the others move along. A primary image takes that from its neighbours.
        """
        self._check(fields)
        named = fields.model_fields_set
        with self._ledger.write(actor) as work:
            row = sight.image(work, image_id, Action.IMAGE_EDIT)
            check_version(row, version)
            batch = work.session.get_one(Batch, row.batch_id)
            pairs = {row.id: (row, snapshot(row))}
            for each, place in _places(work, row, fields.order) if "order" in named else ():
                pairs.setdefault(each.id, (each, snapshot(each)))
                each.order = place
            for each in (
                other_primaries(work, batch, row) if "is_primary" in named and fields.is_primary else ()
            ):
                pairs.setdefault(each.id, (each, snapshot(each)))
                each.is_primary = False
            for name in named - {"order"}:
                setattr(row, name, getattr(fields, name))
            if row.laterality is None:
                row.laterality = self._side(fields)
            change_id = apply_all(work, Action.IMAGE_EDIT, pairs.values(), patient_id=batch.patient_id)
            work.session.flush()
            return rows.image(work, row), change_id

    @performs(Action.IMAGE_EDIT)
    def edit_many(
        self, actor: Actor, image_ids: Sequence[UUID], fields: ImageFields
    ) -> tuple[int, UUID | None]:
        """Give several images the same category, day or place; return how many and the change."""
        if fields.model_fields_set & _NOT_FOR_MANY:
            raise Invalid(_("Captions, order and the primary mark are set one image at a time."))
        self._check(fields)
        ids = some(image_ids)
        after = {name: getattr(fields, name) for name in sorted(fields.model_fields_set)}
        side = self._side(fields)
        with self._ledger.write(actor) as work:
            names = [*after, "laterality"] if side else list(after)
            batch_id = sa.type_coerce(col(Image.batch_id), sa.Text())  # as it comes: only to be grouped by
            found = sight.image_values(work, ids, Action.IMAGE_EDIT, batch_id, *map(_column, names))
            entries, changed, batch_of = [], [], {}
            differences = dict[
                tuple[Any, ...], Mapping[str, Any]
            ]()  # most images had the same values as others
            for image_id, batch, *values in found:
                named, had = str(image_id), tuple(values)
                batch_of[named] = batch
                if had not in differences:
                    before = dict(zip(names, values, strict=True))
                    now = before | after | ({"laterality": before["laterality"] or side} if side else {})
                    differences[had] = difference(before, now)
                if differences[had]["after"]:
                    entries.append({"table": "image", "id": named, **differences[had]})
                    changed.append(image_id)
            _update(work, changed, after, side)
            owner = record_for_each(work, Action.IMAGE_EDIT, batch_of, names)
            change_id = work.remember(Action.IMAGE_EDIT, entries, owner) if entries else None
            return len(found), change_id

    @performs(Action.IMAGE_MOVE)
    def move(
        self, actor: Actor, image_ids: Sequence[UUID], batch_id: UUID, reason: str = ""
    ) -> tuple[int, UUID | None]:
        """Move images to the end of another batch; to another patient's only with a reason."""
        ids = some(image_ids)
        with self._ledger.write(actor) as work:
            sight.lock_batches(work, ids, batch_id)
            target = sight.batch(work, batch_id, Action.IMAGE_MOVE)
            found = [row for row in sight.images(work, ids, Action.IMAGE_MOVE) if row.batch_id != target.id]
            if not found:
                raise Invalid(_("These photographs are in this batch already."))
            left = owners(work, found)
            if left != {target.patient_id} and not reason.strip():
                raise Invalid(_("Please say why the photographs go to another patient."))
            holds.require_free(work, left - {target.patient_id})
            pairs = [(row, snapshot(row)) for row in found]
            if target.visit_id is not None:
                work.session.get_one(Visit, target.visit_id).images_taken = True
            last = last_order(work, target.id)
            for place, row in enumerate(found, start=last + 1):
                row.batch_id, row.order, row.is_primary = target.id, place, False
            owner = next(iter(left)) if len(left) == 1 else None
            change_id = apply_all(work, Action.IMAGE_MOVE, pairs, patient_id=owner, reason=reason.strip())
            for patient_id in ({target.patient_id} | left) - {owner}:
                moved = {"patient_id": patient_id, "entity": "image", "entity_ids": [row.id for row in found]}
                work.record(Action.IMAGE_MOVE, **moved)
            return len(found), change_id

    def _check(self, fields: ImageFields) -> None:
        for name in fields.model_fields_set - _MAY_BE_EMPTY:
            if getattr(fields, name) is None:
                raise Invalid(_("{field} cannot be empty.").format(field=name.replace("_", " ").capitalize()))
        if "category" in fields.model_fields_set:
            self.categories.require_active(fields.category)

    def _side(self, fields: ImageFields) -> str | None:
        """Return the laterality that the chosen category brings along, unless one was named."""
        if "category" not in fields.model_fields_set or "laterality" in fields.model_fields_set:
            return None
        return self.categories.get(fields.category).laterality


def last_order(work: Work, batch_id: UUID) -> int:
    """Return the highest place in a batch, whatever state its image is in; the batch must be locked."""
    highest = select(func.max(Image.order)).where(Image.batch_id == batch_id)
    return work.session.exec(highest).one() or 0


def owners(work: Work, found: Sequence[Image]) -> set[UUID]:
    """Return the patients that these images belong to."""
    batch_ids = {row.batch_id for row in found}
    return set(work.session.exec(select(Batch.patient_id).where(col(Batch.id).in_(batch_ids))))


def record_for_each(
    work: Work, action: Action, batch_of: Mapping[Any, Any], field_names: Sequence[str] = ()
) -> UUID | None:
    """Write one audit line for each patient of these images; return the patient when it is only one.

    Ids may be written out.
    """
    inside: dict[Any, list[Any]] = defaultdict(list)
    for image_id, batch_id in batch_of.items():
        inside[batch_id].append(image_id)
    ids = {UUID(str(each)): each for each in inside}
    wanted = sa.select(col(Batch.id), col(Batch.patient_id)).where(col(Batch.id).in_(ids))
    patient_of = {ids[batch_id]: patient_id for batch_id, patient_id in work.session.execute(wanted)}
    theirs: dict[UUID, list[Any]] = defaultdict(list)
    for batch_id, images in inside.items():
        theirs[patient_of[batch_id]] += images
    for patient_id, images in theirs.items():
        named = {"entity": "image", "entity_ids": images, "field_names": field_names}
        work.record(action, patient_id=patient_id, **named)
    return next(iter(theirs)) if len(theirs) == 1 else None


def some(image_ids: Sequence[UUID]) -> list[UUID]:
    """Return the ids without repeats; ``Invalid`` for none and for too many."""
    ids = list(dict.fromkeys(image_ids))
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise Invalid(_("Choose between 1 and {most} images.").format(most=MOST_AT_ONCE))
    return ids


def _scope(work: Work, asked: Filter) -> UUID | None:
    """Return the one patient that the list is inside of, if it is inside of one."""
    patient_id = None
    if asked.patient_ref is not None:
        patient_id = sight.patient(work, asked.patient_ref, Action.IMAGE_SEE).id
    if asked.visit_id is not None:
        owner = sight.visit(work, asked.visit_id, Action.IMAGE_SEE).patient_id
        if patient_id not in (None, owner):
            raise NotFound(_("This visit does not belong to this patient."))
        patient_id = owner
    if asked.batch_id is None:
        return patient_id
    owner = sight.batch(work, asked.batch_id, Action.IMAGE_SEE).patient_id
    if patient_id not in (None, owner):
        raise NotFound(_("This batch does not belong to this patient."))
    return owner


@dataclass(frozen=True)
class _Part:
    """The part of all images that a list shows; ``is_long`` when it is known to be too long to be counted."""

    wanted: SelectOfScalar[Image]
    order: Order
    is_long: bool = False
    sieve: Sieve | None = None


def _part(work: Work, asked: Filter, patient_id: UUID | None) -> _Part:
    """Return what a list inside of one patient, or across all, has to show."""
    wanted = select(Image).where(rows.kept(), *_conditions(asked))
    if patient_id is None:
        return _across(work, asked, wanted)
    wanted = wanted.where(*_days(asked)).with_hint(Image, _BY_BATCH, "sqlite")
    if asked.batch_id is not None:
        return _Part(wanted, Order((col(Image.order), col(Image.id))))
    keys = [col(Image.uploaded_at), col(Image.id)]
    batches = select(Batch.id).where(Batch.patient_id == patient_id)
    if asked.visit_id is not None:
        keys.insert(0, col(Image.is_primary))
        batches = batches.where(Batch.visit_id == asked.visit_id)
    return _Part(wanted.where(col(Image.batch_id).in_(batches)), Order(keys, newest_first=True))


def _across(work: Work, asked: Filter, wanted: SelectOfScalar[Image]) -> _Part:
    """Return what a list across patients has to show; SQLite is told how, for want of counts of its own."""
    sees_all = sight.sees_all(work, Action.IMAGE_SEE)
    named = words.named(work.session, asked.text, COUNTED_UP_TO + 1)
    is_long = named is not None and len(named) > COUNTED_UP_TO
    is_by_day = asked.taken_from is not None or asked.taken_to is not None
    first = "date_taken" if is_by_day else "uploaded_at"
    along = [name for name in _KINDS if getattr(asked, name) is not None and not is_by_day][:1]
    index = f"ix_image_{'_'.join([*along, first, 'id'])}"
    keys = (_column(first), col(Image.id))
    order = Order(keys, newest_first=True, index=index, within=_days(asked))
    if named is not None and not is_long:
        found = wanted.where(sight.batch_of(work, Action.IMAGE_SEE, col(Image.batch_id)), *_days(asked))
        return _Part(words.found(work.session, found, named), order)
    if not sees_all and sight.has_few_batches(work, Action.IMAGE_SEE):
        theirs = select(Batch.id).join(Patient).where(sight.patients(work, Action.IMAGE_SEE))
        return _Part(
            wanted.where(col(Image.batch_id).in_(theirs)).with_hint(Image, _BY_BATCH, "sqlite"), order
        )
    limit = sight.batch_of(work, Action.IMAGE_SEE, col(Image.batch_id))
    wanted = wanted.where(limit).with_hint(Image, f"INDEXED BY {index}", "sqlite")
    is_long = is_long and sees_all and asked == Filter(text=asked.text)
    by_words = named is None and bool(words.trigrams(asked.text))  # PostgreSQL finds rare ones by itself
    by_index = Filter(
        taken_from=asked.taken_from, taken_to=asked.taken_to, **{name: getattr(asked, name) for name in along}
    )
    if sees_all and asked == by_index:
        return _Part(wanted, order)
    read = select(Image).where(rows.kept(), *_conditions(by_index))
    sieve = Sieve(read.with_hint(Image, f"INDEXED BY {index}", "sqlite"), stops=bool(asked.text))
    if by_words:
        shown = select(Image).where(rows.kept(), limit, *_conditions(asked, by_words=False))
        sieve = replace(sieve, shown=shown, enough=_FREQUENT)
    return _Part(wanted, order, is_long, sieve)


def _conditions(asked: Filter, *, by_words: bool = True) -> list[sa.ColumnElement[bool]]:
    """Return what is asked of an image; unless ``by_words`` as the index of words does not take it."""
    given = [
        (operator.eq, Image.batch_id, asked.batch_id),
        (operator.eq, Image.category, asked.category),
        (operator.eq, Image.body_location, asked.body_location),
        (operator.eq, Image.image_type, asked.image_type),
    ]
    conditions: list[sa.ColumnElement[bool]] = [
        compare(col(field), value) for compare, field, value in given if value is not None
    ]
    for word in asked.text.split():
        fields = [_column(name) if by_words else _column(name).concat("") for name in words.FIELDS]
        conditions.append(sa.or_(*(each.icontains(word, autoescape=True) for each in fields)))
    return conditions


def _days(asked: Filter) -> list[sa.ColumnElement[bool]]:
    given = ((operator.ge, asked.taken_from), (operator.le, asked.taken_to))
    return [compare(col(Image.date_taken), day) for compare, day in given if day is not None]


def other_primaries(work: Work, batch: Batch, chosen: Image) -> list[Image]:
    """Return the other primary images of the visit, or of the batch outside a visit."""
    wanted = select(Image).join(Batch).where(col(Image.is_primary), Image.id != chosen.id)
    wanted = wanted.where(Image.state == "ready").with_for_update(of=Image)
    if batch.visit_id is not None:
        return list(work.session.exec(wanted.where(Batch.visit_id == batch.visit_id)))
    return list(work.session.exec(wanted.where(Image.batch_id == batch.id)))


def _places(work: Work, moved: Image, place: int) -> list[tuple[Image, int]]:
    """Return each image of the batch that gets another order when one goes to a place, from 1.

    The orders in use are dealt out anew, so none is given twice: not to what lies in the trash,
    nor to what is uploaded before this is undone.
    """
    wanted = select(Image).where(rows.kept(batch_id=moved.batch_id))
    listed = list(work.session.exec(wanted.order_by(col(Image.order), col(Image.id)).with_for_update()))
    orders = [row.order for row in listed]
    others = [row for row in listed if row.id != moved.id]
    others.insert(place - 1, moved)
    return [(row, order) for row, order in zip(others, orders, strict=True) if row.order != order]


def _column(name: str) -> Any:
    return getattr(Image, name)


def _update(work: Work, ids: Sequence[UUID], after: Mapping[str, Any], side: str | None) -> None:
    """Change many images by one statement; ``side`` fills in the laterality where there is none."""
    if not ids:
        return
    values = {**after, "version": col(Image.version) + 1, "updated_at": work.at}
    if side is not None:
        values["laterality"] = func.coalesce(col(Image.laterality), side)
    work.session.execute(
        sa.update(Image).where(sight.among(work, col(Image.id), ids)).values(values),
        execution_options={"synchronize_session": False},
    )
