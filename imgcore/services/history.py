"""Undo: what a person did last, taken back as a change of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from imgcore.db.journal import Change
from imgcore.db.tables import Batch, Image, Patient, Visit
from imgcore.domain.access import Action, Actor
from imgcore.errors import Conflict, NotFound
from imgcore.services import holds, sight, trash
from imgcore.services.edits import apply_all, plain, snapshot, typed
from imgcore.services.images import last_order, owners
from imgcore.services.patients import search_text
from imgcore.services.trash import Trashable
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

Undoable = Trashable | Visit
TABLES: dict[str, type[Undoable]] = {**trash.TABLES, "visit": Visit}


class History(Service):
    """Takes changes back, one whole change at a time."""

    @performs(Action.CHANGE_UNDO)
    def undo(self, actor: Actor, change_id: UUID | None = None) -> Action:
        """Undo a change of one's own, the latest when none is named; return what was undone.

        ``Conflict`` when something has changed since; then nothing is undone.
        """
        with self._ledger.write(actor) as work:
            change = _own(work, change_id)
            found = _rows(work, change)
            action = Action(change.action)
            if action is Action.IMAGE_UPLOAD:
                change.undone_by = trash.discard(work, Action.CHANGE_UNDO, _trashable(_kept(found)))
            elif all("after" in each for each in change.rows):
                change.undone_by = _put_back(work, change, _kept(found))
            else:
                _restore(work, change, _trashable(found))
            return action


def _own(work: Work, change_id: UUID | None) -> Change:
    wanted = select(Change).where(
        Change.actor_id == work.actor.user_id, col(Change.undone_by).is_(None), Change.expires_at > work.at
    )
    if change_id is not None:
        wanted = wanted.where(Change.id == change_id)
    else:
        wanted = wanted.where(col(Change.action).not_in([Action.CHANGE_UNDO, Action.IMAGE_UPLOAD]))
    change = work.session.exec(wanted.order_by(col(Change.at).desc()).limit(1).with_for_update()).first()
    if change is None:
        raise NotFound(_("There is nothing to undo."))
    return change


def _rows(work: Work, change: Change) -> list[Undoable]:
    """Return the rows of a change, locked; each must still be there and be the person's to change."""
    ids = [UUID(each["id"]) for each in change.rows]
    table = TABLES[change.rows[0]["table"]]
    if table is Image:
        sight.lock_batches(work, ids, *_before(change, "batch_id"))
    found: dict[UUID, Undoable] = {}
    for part in sight.parts(sorted(ids)):
        wanted: Any = select(table).where(col(table.id).in_(part)).order_by(col(table.id))
        found |= {row.id: row for row in work.session.exec(wanted.with_for_update())}
    if len(found) < len(ids) or any(
        isinstance(row, Image) and row.state != "ready" for row in found.values()
    ):
        raise Conflict(_("This cannot be undone: it is gone for good."))
    rows = [found[each] for each in ids]
    sight.require_patients(work, _owners(work, rows) | _before(change, "patient_id"), Action.CHANGE_UNDO)
    return rows


def _owners(work: Work, found: Sequence[Undoable]) -> set[UUID]:
    images = [row for row in found if isinstance(row, Image)]
    if images:
        return owners(work, images)
    return {row.patient_id if isinstance(row, Batch | Visit) else row.id for row in found}


def _before(change: Change, name: str) -> set[UUID]:
    values = (each.get("before", {}).get(name) for each in change.rows)
    return {UUID(value) for value in values if value is not None}


def _trashable(found: Sequence[Undoable]) -> list[Trashable]:
    return [row for row in found if not isinstance(row, Visit)]


def _kept(found: Sequence[Undoable]) -> Sequence[Undoable]:
    if any(row.trashed_at is not None for row in _trashable(found)):
        raise Conflict(_("This cannot be undone: it is in the trash."), hint=_("Restore it first."))
    return found


def _restore(work: Work, change: Change, found: Sequence[Trashable]) -> None:
    along = [row for row in found if row.change_id == change.id]
    if not along:
        raise Conflict(_("This has already been restored."))
    trash.restore(work, Action.CHANGE_UNDO, along)
    change.undone_by = change.id


def _put_back(work: Work, change: Change, found: Sequence[Undoable]) -> UUID | None:
    if _before(change, "batch_id") | _before(change, "patient_id"):  # they would leave who has them now
        holds.require_free(work, _owners(work, found))
    pairs = []
    for row, each in zip(found, change.rows, strict=True):
        now = snapshot(row)
        if any(plain(now[name]) != value for name, value in each["after"].items()):
            raise Conflict(
                _("This cannot be undone: it has been changed again since."),
                hint=_("Change it by hand if you still want to."),
            )
        for name, value in each["before"].items():
            setattr(row, name, typed(row.metadata.tables[each["table"]].c[name].type, value))
        if isinstance(row, Patient):
            row.search_text = search_text(row)
        pairs.append((row, now))
    trash.check_parents(work, found)
    _check_visits(work, [row for row in found if isinstance(row, Batch)])
    if any({"batch_id", "order"} & set(each["before"]) for each in change.rows):
        _part_twins(work, [row for row in found if isinstance(row, Image)])
    return apply_all(work, Action.CHANGE_UNDO, pairs, patient_id=change.patient_id)


def _check_visits(work: Work, found: Sequence[Batch]) -> None:
    """Refuse to leave a batch of one patient in a visit of another."""
    for row in found:
        if row.visit_id is not None and (
            work.session.get_one(Visit, row.visit_id).patient_id != row.patient_id
        ):
            raise Conflict(_("This cannot be undone: the batch belongs to another patient now."))


def _part_twins(work: Work, found: Sequence[Image]) -> None:
    """Put those at the end of their batch whose place was given to another image meanwhile."""
    place = (col(Image.batch_id), col(Image.order))
    twice = select(*place).where(col(Image.batch_id).in_({row.batch_id for row in found}))
    taken = set(work.session.exec(twice.group_by(*place).having(func.count() > 1)))
    for row in found:
        if (row.batch_id, row.order) in taken:
            row.order = last_order(work, row.batch_id) + 1
            work.session.flush()
