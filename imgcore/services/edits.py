"""How a change to a row is written: its version, what stood there before, and its audit line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from imgcore.db.tables import Batch, Image, Patient, Visit
from imgcore.domain.access import Action
from imgcore.errors import Stale
from imgcore.services.work import Work
from imgcore.texts import _

Editable = Patient | Visit | Batch | Image
Snapshot = dict[str, Any]
_DAYS = (date, datetime)
_WRITTEN: dict[type, Callable[[str], Any]] = {
    UUID: UUID,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}
_BOOKKEEPING = {"version", "updated_at", "search_text"}


def check_version(row: Editable, version: int | None) -> None:
    """Raise ``Stale`` when somebody has changed the row since ``version`` was read."""
    if version is not None and version != row.version:
        raise Stale(
            _("Somebody else has changed this in the meantime; your change was not saved."),
            hint=_("Reload to see what it is now, then change it again."),
        )


def plain(value: Any) -> Any:
    """Return a field's value as JSON holds it."""
    if isinstance(value, _DAYS):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def typed(kind: Any, value: Any) -> Any:
    """Return what ``plain`` made of a value as a column of this type takes it; ``ValueError`` for others."""
    python: type = getattr(kind, "impl", kind).python_type
    if isinstance(value, str) and python in _WRITTEN:
        return _WRITTEN[python](value)
    if value is not None and not isinstance(value, python):
        raise ValueError("a value of another type")
    return value


def snapshot(row: Editable) -> Snapshot:
    """Return what stands in a row now, to compare with after the edit."""
    return {name: getattr(row, name) for name in type(row).model_fields if name not in _BOOKKEEPING}


def entry(table: str, row_id: UUID, before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Return the undo entry of one row."""
    return {"table": table, "id": str(row_id), **difference(before, after)}


def difference(before: Snapshot, after: Snapshot) -> dict[str, Snapshot]:
    """Return of each field that differs what stood there and what stands now."""
    changed = [name for name, value in before.items() if value != after[name]]
    return {
        "before": {name: plain(before[name]) for name in changed},
        "after": {name: plain(after[name]) for name in changed},
    }


def apply(
    work: Work, action: Action, row: Editable, before: Snapshot, *, patient_id: UUID, reason: str = ""
) -> UUID | None:
    """Finish the edit of one row; return the change to undo it by, or None when nothing differs."""
    return apply_all(work, action, [(row, before)], patient_id=patient_id, reason=reason)


def apply_all(
    work: Work,
    action: Action,
    pairs: Iterable[tuple[Editable, Snapshot]],
    *,
    patient_id: UUID | None,
    reason: str = "",
) -> UUID | None:
    """Finish the edit of several rows of one table as one change with one audit line."""
    entries, names, ids, kind = [], set[str](), [], ""
    for row, before in pairs:
        kind = str(row.__tablename__)
        ids.append(row.id)
        made = entry(kind, row.id, before, snapshot(row))
        if made["after"]:
            row.version += 1
            row.updated_at = work.at
            entries.append(made)
            names |= set(made["after"])
    work.record(action, patient_id=patient_id, entity=kind, entity_ids=ids, field_names=sorted(names))
    if not entries:
        return None
    return work.remember(action, entries, patient_id, reason=reason)
