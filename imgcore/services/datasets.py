"""The clinic's records as tables for programs, by whoever may see the rows, with an audit line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.journal import ImageSet
from imgcore.db.tables import Image
from imgcore.documents import csv_stream, parquet_stream
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.categories import CategorySet
from imgcore.domain.datasets import DATASETS, Column, FileForm, Form, Lot, Name, Part
from imgcore.errors import Invalid, NotFound
from imgcore.services import rows, set_contents, sight
from imgcore.services.audit import Sheet, patient_of
from imgcore.services.dataset_readings import Reading
from imgcore.services.dataset_sources import SOURCES
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

_ALSO: dict[Name, Action] = {
    "images": Action.IMAGE_SEE,
    "batches": Action.BATCH_SEE,
    "patients": Action.PATIENT_SEE,
    "analyses": Action.RESULT_SEE,
}
_MIME: dict[FileForm, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


@dataclass(frozen=True)
class Extract:
    """A table that is read while it is used.

    A row that changes meanwhile is told as it was before or after. None is told twice, unless days are asked
    for and an image gets another one just then.
    """

    title: str
    columns: tuple[Column, ...]
    lots: Iterator[Lot]

    def sheet(self, form: FileForm) -> Sheet:
        """Return the table as a file that is made while it is read."""
        if form == "parquet":
            chunks = parquet_stream(self.columns, self.lots)
        else:
            names = [column.name for column in self.columns]
            chunks = csv_stream(names, (row for lot in self.lots for row in zip(*lot, strict=True)))
        return Sheet(f"{self.title}.{form}", _MIME[form], chunks)


class Datasets(Service):
    """Gives out tables: to staff of their patients, to reviewers of the image sets that they were given."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.TABLE_DOWNLOAD)
    def extract(
        self, actor: Actor, name: Name, part: Part, form: Form, columns: Sequence[str] = ()
    ) -> Extract:
        """Return images, batches, patients or analyses; only the ``columns`` that are named, or all."""
        self._ledger.require(actor, _ALSO[name])
        chosen = _chosen(name, columns)
        is_given = reach(actor, Action.TABLE_DOWNLOAD) is Reach.GIVEN
        if is_given and (part.from_on is not None or part.to_on is not None):
            raise Invalid(_("Days are not told of image sets, so nothing can be chosen by them."))
        _check_days(part)
        with self._ledger.read(actor) as work:
            patient_id = _patient_of(work, part)
            self._check_category(work, part)
            in_sets = is_given or part.set_id is not None
            set_ids = self._noted_sets(work, part, (name, form)) if in_sets else []
            if not in_sets:
                about = {"entity": "patient", "entity_ids": [patient_id]} if patient_id else {}
                work.record(Action.TABLE_DOWNLOAD, patient_id=patient_id, field_names=(name, form), **about)
            title = f"{name} {work.at:%Y-%m-%d}"
        reading = Reading(self._ledger, actor, SOURCES[name], part, patient_id, chosen)
        of_sets, of_all = reading.lots_of_sets(set_ids, self._shown), reading.lots(Action.TABLE_DOWNLOAD)
        return Extract(title, chosen, of_sets if in_sets else of_all)

    @performs(Action.AUDIT_SEE)
    def events(self, actor: Actor, part: Part, form: Form, columns: Sequence[str] = ()) -> Extract:
        """Return the audit, the oldest line first."""
        chosen = _chosen("events", columns)
        _check_days(part)
        with self._ledger.read(actor) as work:
            patient_id = None if part.patient_ref is None else patient_of(work, part.patient_ref)
            work.record(Action.AUDIT_SEE, patient_id=patient_id, field_names=("events", form))
            title = f"events {work.at:%Y-%m-%d}"
        reading = Reading(self._ledger, actor, SOURCES["events"], part, patient_id, chosen)
        return Extract(title, chosen, reading.lots(Action.AUDIT_SEE))

    def _noted_sets(self, work: Work, part: Part, what: tuple[str, str]) -> list[UUID]:
        """Return the image sets to be read, and note for each patient in them that they are."""
        if part.set_id is not None:
            found = [set_contents.find(work, part.set_id, Action.TABLE_DOWNLOAD)]
        else:
            visible = select(ImageSet).where(set_contents.visible(work, Action.TABLE_DOWNLOAD))
            found = list(work.session.exec(visible.order_by(col(ImageSet.created_at), col(ImageSet.id))))
        held = set_contents.contents(work, found, self._categories)
        for row in found:
            shown = set_contents.shown(held[row.id])
            set_contents.record(work, Action.TABLE_DOWNLOAD, shown, "image", field_names=what)
        if not work.lines:  # nothing is shown of any patient, and yet somebody asked
            about = {"entity": "image_set", "entity_ids": [row.id for row in found]}
            work.record(Action.TABLE_DOWNLOAD, field_names=what, **about)
        return [row.id for row in found]

    def _check_category(self, work: Work, part: Part) -> None:
        """Refuse a category that neither the clinic nor any of its images has: it must not pass for none."""
        if part.category is None or self._categories.knows(part.category):
            return
        had = select(Image.id).where(Image.category == part.category, rows.kept()).limit(1)
        if work.session.exec(had).first() is None:
            self._categories.require_active(part.category)

    def _shown(self, work: Work, set_id: UUID) -> list[UUID]:
        """Return which images of a set may be shown at this moment; none once it was taken back."""
        try:
            row = set_contents.find(work, set_id, Action.TABLE_DOWNLOAD)
        except NotFound:
            return []
        held = set_contents.contents(work, [row], self._categories)[row.id]
        return [content.image.id for content in set_contents.shown(held)]


def _chosen(name: Name, columns: Sequence[str]) -> tuple[Column, ...]:
    known = {column.name: column for column in DATASETS[name].columns}
    for column in columns:
        if column not in known:
            raise Invalid(_("There is no column of this name: {name}.").format(name=column))
    return tuple(known[column] for column in columns) if columns else DATASETS[name].columns


def _check_days(part: Part) -> None:
    if part.from_on is not None and part.to_on is not None and part.from_on > part.to_on:
        raise Invalid(_("The first day is after the last one."))


def _patient_of(work: Work, part: Part) -> UUID | None:
    """Return the one patient that a part is inside of; ``NotFound`` when the actor may not see them."""
    patient_id = None
    if part.patient_ref is not None:
        patient_id = sight.patient(work, part.patient_ref, Action.TABLE_DOWNLOAD).id
    if part.batch_id is not None:
        owner = sight.batch(work, part.batch_id, Action.TABLE_DOWNLOAD).patient_id
        if patient_id not in (None, owner):
            raise NotFound(_("This batch does not belong to this patient."))
        patient_id = owner
    return patient_id
