"""Reads tables for programs from the database, a lot of rows at a time, with the cells as they are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.journal import ImageSetItem
from imgcore.db.tables import Image
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.datasets import Column, Lot, Part
from imgcore.services import sight
from imgcore.services.analysis_rows import likeliest
from imgcore.services.dataset_sources import IN_A_SET, Source
from imgcore.services.work import Ledger, Work

LOT = 5_000
Tell = Callable[[Any], Any]
Shown = Callable[[Work, UUID], Sequence[UUID]]


@dataclass(frozen=True)
class Reading:
    """Some columns of a part of one table, read by somebody; each lot in a transaction of its own.

    Who may see what is asked anew for each lot. ``patient_id`` is the patient of the part, if it has one.
    """

    ledger: Ledger
    actor: Actor
    source: Source
    part: Part
    patient_id: UUID | None
    columns: Sequence[Column]

    def lots(self, action: Action) -> Iterator[Lot]:
        """Yield the rows of patients to whom the actor may do this; lines of the audit are of nobody."""
        keys = self.source.keys_of(self.part)
        last: sa.ColumnElement[Any] | None = None
        while True:
            with self.ledger.read(self.actor) as work:
                query = self._query(work, self.source.cells_for(work)).add_columns(*keys)
                if self.source.has_patients:
                    query = query.where(sight.patients(work, action))
                if last is not None:
                    query = query.where(sa.tuple_(*keys) > last)
                query = self.source.hinted(query.order_by(*keys).limit(LOT), self.part, self.patient_id)
                found = work.session.execute(query).all()
                lot = self._told(work, found)
            yield from [lot] if lot else []
            if len(found) < LOT:
                return
            last = _after(found[-1][-len(keys) :], keys)

    def lots_of_sets(self, set_ids: Sequence[UUID], shown: Shown) -> Iterator[Lot]:
        """Yield the rows of what is ``shown`` of each set, in its order; reviewers are told nothing else."""
        for set_id in set_ids:
            with self.ledger.read(self.actor) as work:
                cells = {**self.source.cells_for(work), **IN_A_SET}
                if reach(self.actor, Action.TABLE_DOWNLOAD) is Reach.GIVEN:
                    cells |= {each.name: sa.null() for each in self.columns if not each.is_passed_on}
                same = col(ImageSetItem.image_id) == col(Image.id)
                query = self._query(work, cells).join(
                    ImageSetItem, sa.and_(same, col(ImageSetItem.image_set_id) == set_id)
                )
                query = query.where(sight.among(work, col(Image.id), shown(work, set_id)))
                query = query.order_by(col(ImageSetItem.place), *self.source.keys)
                lot = self._told(work, work.session.execute(query).all())
            yield from [lot] if lot else []

    def _query(self, work: Work, cells: Mapping[str, Any]) -> sa.Select[Any]:
        asked = [sa.label(each.name, _asked(work, each, cells[each.name])) for each in self.columns]
        query = self.source.base.add_columns(*asked)
        return query.where(*self.source.conditions(self.part, self.patient_id))

    def _told(self, work: Work, found: Sequence[Sequence[Any]]) -> Lot:
        """Return rows column by column, with each cell as it is told; nothing when there are none."""
        dashed = _Dashed().__getitem__ if sight.on_sqlite(work) else None
        ways = [_BY_NAME.get(each.name) or _BY_KIND.get(each.kind) for each in self.columns]
        ways = [dashed if each.kind == "id" else way for each, way in zip(self.columns, ways, strict=True)]
        told = zip(zip(*found, strict=True), ways, strict=False)  # behind the columns stand the keys
        return [cells if way is None else list(map(way, cells)) for cells, way in told]


def _asked(work: Work, column: Column, cell: Any) -> Any:
    """Return what to ask the database for; of an id the text, without the detour over an object for each."""
    if column.kind != "id":
        return cell
    return sa.type_coerce(cell, sa.String) if sight.on_sqlite(work) else sa.cast(cell, sa.String)


def _after(values: Sequence[Any], keys: Sequence[Any]) -> sa.ColumnElement[Any]:
    bound = [sa.bindparam(None, value, type_=key.type) for value, key in zip(values, keys, strict=True)]
    return sa.tuple_(*bound)


class _Dashed(dict[str | None, str | None]):
    """Ids as SQLite keeps them, and as they are told; many come again and again."""

    def __missing__(self, bare: str | None) -> str | None:
        if bare is None:
            return None
        told = f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"
        return self.setdefault(bare, told)


_BY_KIND: dict[str, Tell] = {"code": lambda value: value or None}
_BY_NAME: dict[str, Tell] = {
    "label": lambda predictions: likeliest(predictions or {}) or None,
    "score": lambda predictions: max(predictions.values()) if predictions else None,
    "predictions": lambda predictions: json.dumps(predictions, sort_keys=True) if predictions else None,
    "entity_ids": " ".join,
    "field_names": " ".join,
}
