"""Where the columns of the tables for programs come from, and in which order their rows are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from imgcore.db.journal import Event, ImageSetItem
from imgcore.db.tables import Analysis, Batch, Image, Patient, Table, User, Visit
from imgcore.domain.datasets import ANALYSES, BATCHES, EVENTS, IMAGES, PATIENTS, Dataset, Name, Part
from imgcore.services import analysis_rows, rows
from imgcore.services.work import Work

_uploader, _clinician, _actor = aliased(User), aliased(User), aliased(User)
_IN_NO_SET = dict.fromkeys(("set_id", "place", "pseudonym"), sa.null())
_RESULT = ("label", "score", "predictions", "risk_level", "confidence")
IN_A_SET = {
    "set_id": col(ImageSetItem.image_set_id),
    "place": col(ImageSetItem.place),
    "pseudonym": col(ImageSetItem.pseudonym),
}


@dataclass(frozen=True)
class Source:
    """How a table is read: its cells by column, from where, and along which keys, the last one unique.

    A span of days is read along ``keys_by_day``. SQLite, which keeps no counts of rows, is told to go along
    the index of these keys where the source ``has_index``, of one category along ``by_category``, which
    holds the same order, and inside of one patient along ``inside``.
    """

    dataset: Dataset
    cells: Mapping[str, Any]
    base: sa.Select[Any]
    keys: Sequence[Any]
    keys_by_day: Sequence[Any]
    has_index: bool = False
    by_category: str = ""
    inside: str = ""
    has_patients: bool = True

    def cells_for(self, work: Work) -> dict[str, Any]:
        """Return the cells; results that wait for the actor's own impression are empty."""
        if self.dataset is not ANALYSES or not analysis_rows.hides(work):
            return dict(self.cells)
        shown = analysis_rows.is_open(work)
        veiled = {name: sa.case((shown, self.cells[name]), else_=sa.null()) for name in _RESULT}
        return {**self.cells, **veiled, "is_hidden": sa.not_(shown)}

    def conditions(self, part: Part, patient_id: UUID | None) -> list[sa.ColumnElement[bool]]:
        """Return what holds for the rows of a part, whoever asks for it."""
        day = self.cells[self.dataset.day]
        kinds = {column.name: column.kind for column in self.dataset.columns}
        first, last = (_midnight, _last_moment) if kinds[self.dataset.day] == "moment" else (_day, _day)
        given: list[tuple[Any, Callable[[Any], sa.ColumnElement[bool]]]] = [
            (part.category, lambda wanted: col(Image.category) == wanted),
            (part.batch_id, lambda wanted: col(Batch.id) == wanted),
            (patient_id, self._of_patient),
            (part.from_on, lambda wanted: day >= first(wanted)),
            (part.to_on, lambda wanted: day <= last(wanted)),
        ]
        return [condition(wanted) for wanted, condition in given if wanted is not None]

    def keys_of(self, part: Part) -> Sequence[Any]:
        """Return the keys along which a part is read."""
        return self.keys_by_day if part.from_on is not None or part.to_on is not None else self.keys

    def hinted(self, query: sa.Select[Any], part: Part, patient_id: UUID | None) -> sa.Select[Any]:
        """Return the query with what SQLite has to be told about the way to its rows."""
        keys = self.keys_of(part)
        index = "_".join(["ix", keys[0].table.name, *(key.key for key in keys)]) if self.has_index else ""
        if part.category is not None and self.by_category and keys is self.keys:
            index = self.by_category
        if patient_id is not None:
            index = self.inside
        return query.with_hint(keys[0].class_, f"INDEXED BY {index}", "sqlite") if index else query

    def _of_patient(self, patient_id: UUID) -> sa.ColumnElement[bool]:
        if self.dataset is ANALYSES:
            return analysis_rows.of_patient(patient_id)
        return col(Patient.id if self.has_patients else Event.patient_id) == patient_id


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _last_moment(day: date) -> datetime:
    """Return the last moment of a day, as far as a database tells moments apart."""
    return datetime.combine(day, time.max, UTC)


def _day(day: date) -> date:
    return day


def _same(table: type[Table], dataset: Dataset) -> dict[str, Any]:
    """Return the columns that a table of the database has under the same name."""
    named = [column.name for column in dataset.columns]
    return {name: getattr(table, name) for name in named if hasattr(table, name)}


def _holds(purpose: str) -> sa.ColumnElement[bool]:
    """Return the condition that a consent was given and not withdrawn."""
    given, withdrawn = (getattr(Patient, f"consent_{purpose}_{what}_on") for what in ("given", "withdrawn"))
    return sa.and_(given.is_not(None), withdrawn.is_(None))


def _images() -> Source:
    cells = _same(Image, IMAGES) | _IN_NO_SET
    cells |= {
        "image_id": col(Image.id),
        "visit_id": col(Batch.visit_id),
        "patient_id": col(Batch.patient_id),
        "taken_on": col(Batch.taken_on),
        "is_damaged": col(Image.damaged_at).is_not(None),
        "uploaded_by_name": _uploader.name,
    }
    base: sa.Select[Any] = sa.select().select_from(Image)
    base = (
        base.join(Batch, col(Image.batch_id) == col(Batch.id))
        .join(Patient, col(Batch.patient_id) == col(Patient.id))
        .outerjoin(_uploader, col(Image.uploaded_by) == _uploader.id)
        .where(rows.kept())
    )
    keys = (col(Image.uploaded_at), col(Image.id))
    by_day = (col(Image.date_taken), col(Image.id))
    of_one, inside = "ix_image_category_uploaded_at_id", "ix_image_batch_id_order_id"
    return Source(IMAGES, cells, base, keys, by_day, has_index=True, by_category=of_one, inside=inside)


def _batches() -> Source:
    cells = _same(Batch, BATCHES)
    cells |= {
        "batch_id": col(Batch.id),
        "visited_on": col(Visit.visited_on),
        "clinician_id": col(Visit.clinician_id),
        "clinician_name": _clinician.name,
    }
    base: sa.Select[Any] = sa.select().select_from(Batch)
    base = (
        base.join(Patient, col(Batch.patient_id) == col(Patient.id))
        .outerjoin(Visit, col(Batch.visit_id) == col(Visit.id))
        .outerjoin(_clinician, col(Visit.clinician_id) == _clinician.id)
        .where(col(Batch.trashed_at).is_(None))
    )
    return Source(BATCHES, cells, base, (col(Batch.id),), (col(Batch.id),))


def _patients() -> Source:
    cells = _same(Patient, PATIENTS)
    cells |= {f"consent_{purpose}": _holds(purpose) for purpose in ("record", "teaching", "publication")}
    cells |= {"patient_id": col(Patient.id), "is_held": col(Patient.legal_hold_at).is_not(None)}
    base: sa.Select[Any] = sa.select().select_from(Patient).where(col(Patient.trashed_at).is_(None))
    return Source(PATIENTS, cells, base, (col(Patient.id),), (col(Patient.id),))


def _analyses() -> Source:
    cells = _same(Analysis, ANALYSES) | _IN_NO_SET
    cells |= {
        "analysis_id": col(Analysis.id),
        "batch_id": col(Image.batch_id),
        "patient_id": col(Patient.id),
        "category": col(Image.category),
        "label": col(Analysis.predictions),
        "score": col(Analysis.predictions),
        # To another patient is not to this one.
        "released_at": sa.case((col(Analysis.patient_id) == col(Patient.id), col(Analysis.released_at))),
        "is_hidden": sa.false(),
    }
    without = sa.and_(col(Analysis.image_id).is_(None), col(Patient.trashed_at).is_(None))
    base: sa.Select[Any] = sa.select().select_from(Analysis)
    base = (
        base.outerjoin(Image, col(Analysis.image_id) == col(Image.id))
        .outerjoin(Batch, col(Image.batch_id) == col(Batch.id))
        .join(Patient, col(Patient.id) == analysis_rows.OWNER)
        .where(sa.or_(rows.kept(), without))
    )
    keys = (col(Analysis.created_at), col(Analysis.id))
    return Source(ANALYSES, cells, base, keys, keys, has_index=True)


def _events() -> Source:
    cells = _same(Event, EVENTS) | {"event_id": col(Event.id), "actor_name": _actor.name}
    base: sa.Select[Any] = sa.select().select_from(Event)
    base = base.outerjoin(_actor, col(Event.actor_id) == _actor.id)
    keys = (col(Event.at), col(Event.id))
    return Source(EVENTS, cells, base, keys, keys, has_patients=False)


SOURCES: dict[Name, Source] = {
    each.dataset.name: each for each in (_images(), _batches(), _patients(), _analyses(), _events())
}
