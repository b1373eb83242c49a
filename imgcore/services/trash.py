"""The trash: out of sight at once, back within the window, gone after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.journal import Change
from imgcore.db.tables import Batch, Image, Patient, User, Visit
from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Page, TrashItem
from imgcore.errors import Conflict, NotFound
from imgcore.services import holds, rows, sight
from imgcore.services.images import owners, record_for_each, some
from imgcore.services.pages import Order, Sieve, Turn, page_of
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

Trashable = Patient | Batch | Image
TABLES: dict[str, type[Trashable]] = {"patient": Patient, "batch": Batch, "image": Image}


class Trash(Service):
    """Moves patients, batches and images to the trash and back; each call is one change."""

    @performs(Action.PATIENT_TRASH)
    def patient(self, actor: Actor, ref: UUID | str) -> UUID:
        """Put a patient with all batches and images into the trash; return the change to undo it by."""
        with self._ledger.write(actor) as work:
            row = sight.patient(work, ref, Action.PATIENT_TRASH)
            return discard(work, Action.PATIENT_TRASH, [row])

    @performs(Action.BATCH_TRASH)
    def batch(self, actor: Actor, batch_id: UUID) -> UUID:
        """Put a batch with its images into the trash; return the change to undo it by."""
        with self._ledger.write(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_TRASH)
            return discard(work, Action.BATCH_TRASH, [row])

    @performs(Action.IMAGE_TRASH)
    def images(self, actor: Actor, image_ids: Sequence[UUID]) -> UUID:
        """Put images into the trash; return the change to undo it by."""
        ids = some(image_ids)
        with self._ledger.write(actor) as work:
            return discard(work, Action.IMAGE_TRASH, sight.images(work, ids, Action.IMAGE_TRASH))

    @performs(Action.PATIENT_RESTORE)
    def restore_patient(self, actor: Actor, ref: UUID | str) -> None:
        """Take a patient out of the trash with all that went in with it."""
        with self._ledger.write(actor) as work:
            row = sight.patient(work, ref, Action.PATIENT_RESTORE, trashed=True)
            restore(work, Action.PATIENT_RESTORE, [row])

    @performs(Action.BATCH_RESTORE)
    def restore_batch(self, actor: Actor, batch_id: UUID) -> None:
        """Take a batch out of the trash with the images that went in with it."""
        with self._ledger.write(actor) as work:
            row = sight.batch(work, batch_id, Action.BATCH_RESTORE, trashed=True)
            restore(work, Action.BATCH_RESTORE, [row])

    @performs(Action.IMAGE_RESTORE)
    def restore_images(self, actor: Actor, image_ids: Sequence[UUID]) -> None:
        """Take images out of the trash."""
        ids = some(image_ids)
        with self._ledger.write(actor) as work:
            found = sight.images(work, ids, Action.IMAGE_RESTORE, trashed=True)
            restore(work, Action.IMAGE_RESTORE, found)

    @performs(Action.TRASH_SEE)
    def list(
        self, actor: Actor, kind: str = "batch", patient_ref: str | None = None, turn: Turn | None = None
    ) -> Page[TrashItem]:
        """Return what lies in the trash of one kind, the latest first; what went along is counted in."""
        table = TABLES.get(kind)
        if table is None:
            raise NotFound(_("The trash holds patients, batches and images."))
        with self._ledger.read(actor) as work:
            patient_id = None
            if patient_ref is not None:
                patient_id = sight.patient_in_any_state(work, patient_ref, Action.TRASH_SEE).id
            wanted, sieve = _on_its_own(table, work, patient_id)
            order = Order((col(table.trashed_at), col(table.id)), newest_first=True)
            page = page_of(
                work, wanted, order, turn or Turn(), lambda found: _items(work, found),
                exact=patient_id is not None, sieve=sieve,
            )  # fmt: skip
            seen = [each.id for each in page.items]
            work.record(Action.TRASH_SEE, patient_id=patient_id, entity=kind, entity_ids=seen)
            return page


def discard(work: Work, action: Action, found: Sequence[Trashable], reason: str = "") -> UUID:
    """Stamp the rows, and the children that were not in the trash yet, with one new change.

    ``Conflict`` when they belong to a patient under a legal hold.
    """
    holds.require_free(work, _owners(work, found))
    change_id = uuid4()
    stamp = {"trashed_at": work.at, "trashed_by": work.actor.user_id, "change_id": change_id}
    kept = sa.and_(col(Image.trashed_at).is_(None), col(Image.state) != "deleting")
    _stamp(work, found, stamp, col(Batch.trashed_at).is_(None), kept)
    patient_id = _record(work, action, found)
    entries = [{"table": str(row.__tablename__), "id": str(row.id)} for row in found]
    return work.remember(action, entries, patient_id, change_id=change_id, reason=reason)


def _owners(work: Work, found: Sequence[Trashable]) -> set[UUID]:
    theirs = owners(work, [row for row in found if isinstance(row, Image)])
    theirs |= {row.patient_id for row in found if isinstance(row, Batch)}
    return theirs | {row.id for row in found if isinstance(row, Patient)}


def restore(work: Work, action: Action, found: Sequence[Trashable]) -> None:
    """Take rows out of the trash with exactly those that went in by the same change."""
    check_parents(work, found)
    if any(isinstance(row, Patient) and not row.name for row in found):
        raise NotFound(_("This patient is being erased."))
    changes = {row.change_id for row in found if row.change_id is not None}
    clean = {"trashed_at": None, "trashed_by": None, "change_id": None}
    _stamp(work, found, clean, col(Batch.change_id).in_(changes), col(Image.change_id).in_(changes))
    ids = {str(row.id) for row in found}
    for change in work.session.exec(select(Change).where(col(Change.id).in_(changes))):
        if {each["id"] for each in change.rows} <= ids:
            change.undone_by = change.undone_by or change.id
    _record(work, action, found)


def _stamp(
    work: Work,
    found: Sequence[Trashable],
    stamp: Mapping[str, Any],
    batches: sa.ColumnElement[bool],
    images: sa.ColumnElement[bool],
) -> None:
    """Write ``stamp`` on the rows and on those children of theirs that fulfil the conditions."""
    ids = [row.id for row in found]
    table = type(found[0])
    inside = col(Image.batch_id).in_(ids)
    if table is Patient:  # batches first: whoever changes their images holds them
        theirs = col(Batch.patient_id).in_(ids)
        work.session.execute(sa.update(Batch).where(theirs, batches).values(stamp))
        inside = col(Image.batch_id).in_(select(Batch.id).where(theirs))
    if table is not Image:
        work.session.execute(sa.update(Image).where(inside, images).values(stamp))
    for row in found:
        for name, value in stamp.items():
            setattr(row, name, value)
        row.version += 1


def _record(work: Work, action: Action, found: Sequence[Trashable]) -> UUID | None:
    """Write the audit lines of what went in or out; return the patient when it is only one."""
    images = {row.id: row.batch_id for row in found if isinstance(row, Image)}
    if images:
        return record_for_each(work, action, images)
    for row in found:
        named = {"entity": str(row.__tablename__), "entity_ids": [row.id]}
        work.record(action, patient_id=sight.owner(work, row), **named)
    return sight.owner(work, found[0])


def check_parents(work: Work, found: Sequence[Trashable | Visit]) -> None:
    """Refuse to restore into what is in the trash, and keep it from going there meanwhile."""
    batches = {row.batch_id for row in found if isinstance(row, Image)}
    patients = {row.patient_id for row in found if isinstance(row, Batch | Visit)}
    above = [
        *work.session.exec(select(Batch).where(col(Batch.id).in_(batches)).with_for_update(read=True)),
        *work.session.exec(select(Patient).where(col(Patient.id).in_(patients)).with_for_update(read=True)),
    ]
    if any(row.trashed_at is not None for row in above):
        raise Conflict(
            _("What this belongs to is in the trash as well."),
            hint=_("Restore the batch or the patient first."),
        )


def _on_its_own(
    table: type[Trashable], work: Work, patient_id: UUID | None
) -> tuple[SelectOfScalar[Any], Sieve | None]:
    """Return the rows that were put into the trash themselves, not along with their parent."""
    wanted: SelectOfScalar[Any] = select(table).where(col(table.trashed_at).is_not(None))
    is_there = col(Patient.name) != ""  # who is being erased has no name any more
    if patient_id is not None:
        is_there = sa.and_(is_there, col(Patient.id) == patient_id)
    theirs = sa.and_(sight.patient_of(work, Action.TRASH_SEE, col(Patient.id)), is_there)
    if table is Patient:
        return wanted.where(theirs), None
    if table is Batch:
        along = sa.func.coalesce(Batch.change_id != Patient.change_id, sa.true())
        if patient_id is None:
            wanted = wanted.with_hint(Batch, "INDEXED BY ix_batch_trashed_at_id", "sqlite")
        return wanted.join(Patient).where(theirs, along), None
    changes = select(Batch.change_id).where(col(Batch.trashed_at).is_not(None))
    changes = changes.where(col(Batch.change_id).is_not(None))
    alone = sa.or_(col(Image.change_id).is_(None), col(Image.change_id).not_in(changes))
    wanted = wanted.where(col(Image.state) == rows.READY)
    if patient_id is not None:  # their batches are fewer than what lies in the trash
        batches = select(Batch.id).join(Patient).where(theirs)
        return wanted.where(alone, col(Image.batch_id).in_(batches)), None
    wanted = wanted.with_hint(Image, "INDEXED BY ix_image_trashed_at_id_change_id", "sqlite")
    if sight.sees_all(work, Action.TRASH_SEE):
        return wanted.where(alone), None
    seen = sight.batch_of(work, Action.TRASH_SEE, col(Image.batch_id), is_there)
    return wanted.where(alone, seen), Sieve(wanted)


def _items(work: Work, found: Sequence[Trashable]) -> list[TrashItem]:
    """Return the records of what lies in the trash, by five queries for all of them."""
    patients = _patients(work, found)
    people = dict(
        work.session.execute(
            sa.select(col(User.id), col(User.name)).where(col(User.id).in_({row.trashed_by for row in found}))
        ).all()
    )
    counts, covers = _along(work, found)
    window = timedelta(days=work.settings.trash_days)
    items = []
    for row in found:
        patient_id, patient_name = patients[row.id]
        at = row.trashed_at or work.at
        is_image = isinstance(row, Image)
        items.append(
            TrashItem(
                kind=str(row.__tablename__),
                id=row.id,
                patient_id=patient_id,
                patient_name=patient_name,
                name=row.original_name if isinstance(row, Image) else row.name,
                image_count=1 if is_image else counts.get(row.change_id, 0),
                trashed_at=at,
                trashed_by=people.get(row.trashed_by, "") if row.trashed_by else "",
                gone_at=at + window,
                cover_ids=(row.id,) if is_image else tuple(covers[row.change_id]),
            )
        )
    return items


def _patients(work: Work, found: Sequence[Trashable]) -> dict[UUID, tuple[UUID, str]]:
    """Return the id and name of the patient of each row."""
    ids = [row.id for row in found]
    table = type(found[0]) if found else Patient
    wanted = sa.select(col(table.id), col(Patient.id), col(Patient.name)).where(col(table.id).in_(ids))
    if table is Image:
        wanted = wanted.join(Batch, col(Image.batch_id) == col(Batch.id))
    if table is not Patient:
        wanted = wanted.join(Patient, col(Batch.patient_id) == col(Patient.id))
    return {row_id: (patient_id, name) for row_id, patient_id, name in work.session.execute(wanted)}


def _along(
    work: Work, found: Sequence[Trashable]
) -> tuple[dict[UUID | None, int], dict[UUID | None, list[UUID]]]:
    """Return how many images went along with each change, and the first three of them."""
    with_change = sa.and_(
        col(Image.change_id).in_({row.change_id for row in found}), col(Image.state) == "ready"
    )
    place = func.row_number().over(
        partition_by=col(Image.change_id), order_by=(col(Image.order), col(Image.id))
    )
    count = func.count().over(partition_by=col(Image.change_id))
    numbered = (
        sa.select(col(Image.change_id), col(Image.id), place.label("place"), count.label("images"))
        .where(with_change)
        .subquery()
    )
    counts: dict[UUID | None, int] = {}
    covers: dict[UUID | None, list[UUID]] = defaultdict(list)
    first = sa.select(numbered).where(numbered.c.place <= rows.COVERS).order_by(numbered.c.place)
    for change_id, image_id, _place, images in work.session.execute(first):
        counts[change_id] = images
        covers[change_id].append(image_id)
    return counts, covers
