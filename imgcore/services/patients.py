"""Patients: find, add, change, and see at a glance how much is kept of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.journal import Event
from imgcore.db.tables import Batch, CareTeam, Image, Patient
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import DEFAULT_CODE
from imgcore.domain.records import Counts, Page
from imgcore.domain.values import NewPatient, PatientFields
from imgcore.errors import Conflict
from imgcore.services import rows, sight
from imgcore.services.edits import apply, check_version, snapshot
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

RECENT = 8
_LATEST_EVENTS = 1_000
_LONGEST_NAME_SEARCHED = 400  # PostgreSQL indexes at most 2,700 bytes; one letter can unfold to 18
_LONGEST_NUMBER_SEARCHED = 64
# Letters with a stroke or of two letters, which Unicode does not take apart.
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ħ": "h",
        "ŧ": "t",
    }
)
_APOSTROPHES = str.maketrans("", "", "'`\u00b4\u02bc\u2018\u2019")


class Patients(Service):
    """Finds patients and keeps their data."""

    @performs(Action.PATIENT_SEE)
    def find(self, actor: Actor, text: str = "", turn: Turn | None = None) -> Page[records.Patient]:
        """Return the patients whose name, number or birth date hold every word of ``text``, by name."""
        with self._ledger.read(actor) as work:
            parts = fold(text).split()
            theirs = sight.patients(work, Action.PATIENT_SEE)
            if parts:
                theirs = sight.patient_of(work, Action.PATIENT_SEE, col(Patient.id))
            wanted = select(Patient).where(theirs, col(Patient.trashed_at).is_(None))
            for word in parts:
                wanted = wanted.where(col(Patient.search_text).contains(word, autoescape=True))
            order = Order((col(Patient.search_text), col(Patient.id)))
            page = page_of(work, wanted, order, turn or Turn(), _records, exact=False)
            seen = [each.id for each in page.items]
            work.record(Action.PATIENT_SEE, entity="patient", entity_ids=seen)
            return page

    @performs(Action.PATIENT_SEE)
    def recent(self, actor: Actor) -> tuple[records.Patient, ...]:
        """Return the patients that the person opened last, the latest first."""
        with self._ledger.read(actor) as work:
            latest = (
                select(Event.patient_id, Event.at)
                .where(Event.actor_id == actor.user_id, col(Event.patient_id).is_not(None))
                .where(Event.outcome == "done")
                .order_by(col(Event.at).desc())
                .limit(_LATEST_EVENTS)
                .subquery()
            )
            opened = (
                sa.select(latest.c.patient_id, func.max(latest.c.at).label("at"))
                .group_by(latest.c.patient_id)
                .subquery()
            )
            wanted = (
                select(Patient)
                .join(opened, opened.c.patient_id == col(Patient.id))
                .where(sight.patients(work, Action.PATIENT_SEE), col(Patient.trashed_at).is_(None))
                .order_by(opened.c.at.desc())
                .limit(RECENT)
            )
            found = _records(list(work.session.exec(wanted)))
            work.record(Action.PATIENT_SEE, entity="patient", entity_ids=[each.id for each in found])
            return tuple(found)

    @performs(Action.PATIENT_SEE)
    def some(self, actor: Actor, ids: Collection[UUID]) -> tuple[records.Patient, ...]:
        """Return those of these patients that the actor may see."""
        with self._ledger.read(actor) as work:
            wanted = select(Patient).where(
                col(Patient.id).in_(ids),
                sight.patients(work, Action.PATIENT_SEE),
                col(Patient.trashed_at).is_(None),
            )
            found = _records(list(work.session.exec(wanted.order_by(col(Patient.id)))))
            seen = [each.id for each in found]
            if seen:
                work.record(Action.PATIENT_SEE, once=True, entity="patient", entity_ids=seen)
            return tuple(found)

    @performs(Action.PATIENT_SEE)
    def get(self, actor: Actor, ref: UUID | str) -> records.Patient:
        """Return one patient, by id or external id."""
        with self._ledger.read(actor) as work:
            row = sight.patient(work, ref, Action.PATIENT_SEE)
            seen = {"patient_id": row.id, "entity": "patient", "entity_ids": [row.id]}
            work.record(Action.PATIENT_SEE, once=True, **seen)
            return rows.patient(row)

    @performs(Action.PATIENT_SEE)
    def counts(self, actor: Actor, ref: UUID | str) -> Counts:
        """Return how many batches and images are kept of a patient, now."""
        with self._ledger.read(actor) as work:
            return counts_of(work, sight.patient(work, ref, Action.PATIENT_SEE).id)

    @performs(Action.PATIENT_CREATE)
    def create(self, actor: Actor, new: NewPatient) -> records.Patient:
        """Add a patient; ``Conflict`` when the MRN or external id is taken."""
        with self._ledger.write(actor) as work:
            row = Patient(name=new.name, created_at=work.at, updated_at=work.at)
            _fill(row, new)
            _check_numbers(work, row)
            work.session.add(row)
            work.session.flush()
            if actor.user_id is not None:
                work.session.add(CareTeam(patient_id=row.id, user_id=actor.user_id, joined_at=work.at))
            work.record(Action.PATIENT_CREATE, patient_id=row.id, entity="patient", entity_ids=[row.id])
            return rows.patient(row)

    @performs(Action.PATIENT_EDIT)
    def edit(
        self, actor: Actor, ref: UUID | str, fields: PatientFields, version: int | None = None
    ) -> tuple[records.Patient, UUID | None]:
        """Change the named fields; return the patient and the change to undo it by.

        ``Stale`` when ``version`` is given and is not the stored one.
        """
        with self._ledger.write(actor) as work:
            row = sight.patient(work, ref, Action.PATIENT_EDIT)
            check_version(row, version)
            before = snapshot(row)
            _fill(row, fields)
            _check_numbers(work, row)
            change_id = apply(work, Action.PATIENT_EDIT, row, before, patient_id=row.id)
            return rows.patient(row), change_id


def counts_of(work: Work, patient_id: UUID) -> Counts:
    """Count what is kept of a patient, the trash left out."""
    batches = select(func.count()).where(Batch.patient_id == patient_id, col(Batch.trashed_at).is_(None))
    images, size, uncategorised, last = work.session.execute(
        sa.select(
            func.count(),
            func.coalesce(func.sum(col(Image.file_size)), 0),
            func.count().filter(col(Image.category) == DEFAULT_CODE),
            func.max(col(Image.uploaded_at)),
        )
        .join(Batch, col(Image.batch_id) == col(Batch.id))
        .where(col(Batch.patient_id) == patient_id, rows.kept())
    ).one()
    return Counts(
        batches=work.session.exec(batches).one(),
        images=images,
        file_size=int(size),
        uncategorised=uncategorised,
        last_upload_at=last,
    )


def fold(text: str) -> str:
    """Return text as it is searched: small letters, without accents and apostrophes, single spaces."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return " ".join(plain.translate(_LETTERS).split())


def search_text(row: Patient) -> str:
    """Return all that a patient is found by: name, MRN, external id, day of birth as people write it."""
    numbers = [fold(number)[:_LONGEST_NUMBER_SEARCHED] for number in (row.mrn, row.external_id) if number]
    return " ".join([fold(row.name)[:_LONGEST_NAME_SEARCHED], *numbers, *_spellings(row.birth_on)])


def _spellings(day: date | None) -> list[str]:
    if day is None:
        return []
    joined = [day.isoformat(), f"{day.day} {day:%B} {day.year}".lower()]
    for sign in "/.-":
        joined += [f"{day:%d{sign}%m{sign}%Y}", f"{day.day}{sign}{day.month}{sign}{day.year}"]
    return joined


def _fill(row: Patient, fields: PatientFields) -> None:
    for name in fields.model_fields_set:
        value = getattr(fields, name)
        if name.startswith("consent_"):
            for part in value.model_fields_set:
                setattr(row, f"{name}_{part}", getattr(value, part))
        else:
            setattr(row, name, value)
    row.search_text = search_text(row)


def _check_numbers(work: Work, row: Patient) -> None:
    for column, value, name in (
        (col(Patient.mrn), row.mrn, _("MRN")),
        (col(Patient.external_id), row.external_id, _("external id")),
    ):
        with work.session.no_autoflush:
            taken = select(Patient.id).where(column == value, Patient.id != row.id)
            if value is not None and work.session.exec(taken).first():
                raise Conflict(
                    _("Another patient already has this {number}.").format(number=name),
                    hint=_("Search for it first; the patient may be in the trash."),
                )


def _records(found: Sequence[Patient]) -> list[records.Patient]:
    return [rows.patient(row) for row in found]
