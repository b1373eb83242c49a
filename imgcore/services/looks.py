"""Who looked: what everybody did with the record of one patient, and receipts of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.journal import Event, EventImage
from imgcore.db.tables import Batch, Image, Patient
from imgcore.documents import Cell, Receipt, ReceiptRow, receipt_pdf
from imgcore.domain.access import Action, Actor
from imgcore.domain.looks import Look, pictures_of, told
from imgcore.domain.names import safe_file_name
from imgcore.domain.records import Page
from imgcore.services import sight
from imgcore.services.audit import NEWEST_FIRST, Sheet, in_lots, people_of, table_of
from imgcore.services.pages import Turn, page_of
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

MOST_IN_A_PDF = 10_000


class Looks(Service):
    """Tells who looked at a patient's pictures, to those who may see the patient themselves."""

    @performs(Action.LOOKS_SEE)
    def of_patient(
        self, actor: Actor, ref: UUID | str, turn: Turn | None = None, image_id: UUID | None = None
    ) -> Page[Look]:
        """Return what was done with a patient's record, or with one image of it, newest first.

        A list of many patients' names is no look at one of them. Looking is itself a line, one in
        ten minutes.
        """
        with self._ledger.read(actor) as work:
            patient = sight.patient_in_any_state(work, ref, Action.LOOKS_SEE)
            wanted = self._wanted(patient.id, image_id)
            page = page_of(work, wanted, NEWEST_FIRST, turn or Turn(), lambda found: _looks(work, found))
            work.record(Action.LOOKS_SEE, once=True, **_about(patient.id))
            return page

    @performs(Action.LOOKS_SEE)
    def table(self, actor: Actor, ref: UUID | str) -> Sheet:
        """Return the receipt of a patient as a CSV file: every line, names letter by letter."""
        patient, name = self._receipt(actor, ref, "csv")
        lines = in_lots(self._ledger, actor, lambda _work: self._wanted(patient.id), _looks)
        return table_of(name, _header(), map(_cells, lines))

    @performs(Action.LOOKS_SEE)
    def document(self, actor: Actor, ref: UUID | str) -> Sheet:
        """Return the receipt of a patient as a PDF, to be handed out; the newest 10,000 lines."""
        patient, name = self._receipt(actor, ref, "pdf")
        lines = in_lots(self._ledger, actor, lambda _work: self._wanted(patient.id), _looks)
        rows = [ReceiptRow(each.at, each.person.shown, each.what) for each in islice(lines, MOST_IN_A_PDF)]
        more = next(lines, None) is not None
        about = (patient.name, patient.mrn, patient.birth_on)
        made = receipt_pdf(Receipt(*about, self._ledger.clock(), rows, more))
        return Sheet(name, "application/pdf", iter([made]))

    def _receipt(self, actor: Actor, ref: UUID | str, kind: str) -> tuple[Patient, str]:
        """Note that somebody takes a receipt, and return the patient and the name of the file.

        It holds no name of a person: lists of downloads are seen by others too.
        """
        with self._ledger.read(actor) as work:
            patient = sight.patient_in_any_state(work, ref, Action.LOOKS_SEE)
            work.record(Action.LOOKS_SEE, field_names=[kind], **_about(patient.id))
            work.session.expunge(patient)
            number, day = patient.mrn or str(patient.id)[:8], f"{work.at:%Y-%m-%d}"
        title = _("who looked {number} {day}").format(number=number, day=day)
        return patient, f"{safe_file_name(title, 100)}.{kind}"

    def _wanted(self, patient_id: UUID, image_id: UUID | None = None) -> SelectOfScalar[Event]:
        """Return the query for the lines that name the patient, and those of images across patients."""
        own = select(Event.id).where(Event.patient_id == patient_id)
        across = select(EventImage.event_id).join(Image, col(Image.id) == EventImage.image_id).join(Batch)
        across = across.where(Batch.patient_id == patient_id)
        if image_id is not None:
            named = self._named_ids()
            own = own.where(sa.select(named).where(named.c.value == str(image_id)).exists())
            across = across.where(EventImage.image_id == image_id)
        return select(Event).where(col(Event.id).in_(sa.union(own, across)))

    def _named_ids(self) -> sa.TableValuedAlias:
        """Return the ids that a line names, as rows."""
        ids = col(Event.entity_ids)
        if self._ledger.database.on_sqlite:
            return sa.func.json_each(ids).table_valued("value")
        return sa.func.json_array_elements_text(ids).table_valued("value")


def _about(patient_id: UUID) -> dict[str, Any]:
    return {"patient_id": patient_id, "entity": "patient", "entity_ids": [patient_id]}


def _looks(work: Work, events: Sequence[Event]) -> list[Look]:
    return [
        Look(
            id=event.id or 0,
            at=event.at,
            person=person,
            action=event.action,
            outcome=event.outcome,
            pictures=pictures_of(event.action, event.entity, event.count),
            what=told(event.action, event.outcome, event.count),
        )
        for event, person in zip(events, people_of(work, events), strict=True)
    ]


def _header() -> list[str]:
    return [
        _("Time (UTC)"),
        _("Person"),
        _("E-mail"),
        _("What"),
        _("Pictures"),
        _("Action"),
        _("Outcome"),
    ]


def _cells(look: Look) -> list[Cell]:
    person = look.person
    return [
        look.at.astimezone(UTC),
        person.shown,
        person.email,
        look.what,
        look.pictures,
        look.action,
        look.outcome,
    ]
