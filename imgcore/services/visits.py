"""Visits: what was said and seen on one day, by whom, and the photographs that were taken."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from imgcore.db.tables import Batch, Patient, User, Visit
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.records import Page
from imgcore.domain.values import NewVisit, VisitFields
from imgcore.errors import Invalid
from imgcore.services import rows, sight
from imgcore.services.batches import day_name
from imgcore.services.edits import apply, check_version, snapshot
from imgcore.services.pages import Order, Sieve, Turn, page_of
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

CLINICIANS = (Role.ADMIN, Role.CLINICIAN)


class Visits(Service):
    """Keeps the visits of each patient, with the clinical note."""

    @performs(Action.VISIT_SEE)
    def list(
        self, actor: Actor, patient_ref: UUID | str | None = None, turn: Turn | None = None
    ) -> Page[records.Visit]:
        """Return a patient's visits, or those of all patients, the newest day first."""
        with self._ledger.read(actor) as work:
            wanted = select(Visit)
            patient_id, sieve = None, None
            if patient_ref is not None:
                patient_id = sight.patient(work, patient_ref, Action.VISIT_SEE).id
                wanted = wanted.where(Visit.patient_id == patient_id)
            else:
                trashed = select(Patient.id).where(col(Patient.trashed_at).is_not(None))
                wanted = wanted.where(col(Visit.patient_id).not_in(trashed))
                if not sight.sees_all(work, Action.VISIT_SEE):
                    theirs = sight.patient_of(work, Action.VISIT_SEE, col(Visit.patient_id))
                    sieve, wanted = Sieve(wanted), wanted.where(theirs)
            order = Order((col(Visit.visited_on), col(Visit.id)), newest_first=True)
            page = page_of(
                work, wanted, order, turn or Turn(), lambda found: rows.visits(work, found),
                exact=patient_id is not None, sieve=sieve,
            )  # fmt: skip
            seen = {"patient_id": patient_id, "entity_ids": [each.id for each in page.items]}
            work.record(Action.VISIT_SEE, once=True, entity="visit", **seen)
            return page

    @performs(Action.VISIT_SEE)
    def get(self, actor: Actor, visit_id: UUID) -> records.Visit:
        """Return one visit; for patients without the clinical note."""
        with self._ledger.read(actor) as work:
            row = sight.visit(work, visit_id, Action.VISIT_SEE)
            seen = {"patient_id": row.patient_id, "entity": "visit", "entity_ids": [row.id]}
            work.record(Action.VISIT_SEE, once=True, **seen)
            return rows.visits(work, [row])[0]

    @performs(Action.VISIT_CREATE)
    def create(self, actor: Actor, patient_ref: UUID | str, new: NewVisit) -> records.Visit:
        """Add a visit to a patient: today, where the server stands, and of who adds it."""
        with self._ledger.write(actor) as work:
            patient = sight.patient(work, patient_ref, Action.VISIT_CREATE)
            if new.clinician_id is not None:
                _check_clinician(work, new.clinician_id)
            row = Visit(
                patient_id=patient.id,
                clinician_id=new.clinician_id or actor.user_id,
                visited_on=new.visited_on or work.at.astimezone().date(),
                note=new.note,
                created_at=work.at,
                updated_at=work.at,
            )
            work.session.add(row)
            work.session.flush()
            work.record(Action.VISIT_CREATE, patient_id=patient.id, entity="visit", entity_ids=[row.id])
            return rows.visits(work, [row])[0]

    @performs(Action.VISIT_EDIT)
    def edit(
        self, actor: Actor, visit_id: UUID, fields: VisitFields, version: int | None = None
    ) -> tuple[records.Visit, UUID | None]:
        """Change the named fields; return the visit and the change to undo it by.

        ``Stale`` when ``version`` is given and is not the stored one.
        """
        named = fields.model_fields_set
        with self._ledger.write(actor) as work:
            row = sight.visit(work, visit_id, Action.VISIT_EDIT)
            check_version(row, version)
            before = snapshot(row)
            if any(getattr(fields, name) is None for name in named):
                raise Invalid(_("A visit needs a day and a clinician."))
            if fields.clinician_id is not None and fields.clinician_id != row.clinician_id:
                _check_clinician(work, fields.clinician_id)
            for name in named:
                setattr(row, name, getattr(fields, name))
            change_id = apply(work, Action.VISIT_EDIT, row, before, patient_id=row.patient_id)
            return rows.visits(work, [row])[0], change_id

    @performs(Action.BATCH_CREATE)
    def batch(self, actor: Actor, visit_id: UUID) -> UUID:
        """Return the batch that photographs of a visit go to; it is made when the first are added."""
        with self._ledger.read(actor) as work:
            known = _oldest_batch(work, sight.visit(work, visit_id, Action.BATCH_CREATE))
        if known is not None:
            return known
        with self._ledger.write(actor) as work:
            # The lock on the visit makes whoever comes at the same time wait, and find the batch.
            visit = sight.visit(work, visit_id, Action.BATCH_CREATE)
            batch_id = _oldest_batch(work, visit) or _new_batch(work, visit)
            named = {"patient_id": visit.patient_id, "entity": "batch", "entity_ids": [batch_id]}
            work.record(Action.BATCH_CREATE, **named)
            return batch_id

    @performs(Action.VISIT_CREATE)
    def clinicians(self, actor: Actor) -> dict[UUID, str]:
        """Return the names of those who can be the clinician of a visit, by name."""
        with self._ledger.read(actor) as work:
            wanted = select(User).where(col(User.role).in_(CLINICIANS), col(User.is_active))
            return {row.id: row.name for row in work.session.exec(wanted.order_by(col(User.name)))}


def _oldest_batch(work: Work, visit: Visit) -> UUID | None:
    theirs = select(Batch.id).where(Batch.visit_id == visit.id, col(Batch.trashed_at).is_(None))
    return work.session.exec(theirs.order_by(col(Batch.created_at), col(Batch.id)).limit(1)).first()


def _new_batch(work: Work, visit: Visit) -> UUID:
    row = Batch(
        patient_id=visit.patient_id,
        visit_id=visit.id,
        name=day_name(visit.visited_on),
        taken_on=visit.visited_on,
        created_at=work.at,
        updated_at=work.at,
    )
    work.session.add(row)
    work.session.flush()
    return row.id


def _check_clinician(work: Work, user_id: UUID) -> None:
    row = work.session.get(User, user_id)
    if row is None or not row.is_active or row.role not in CLINICIANS:
        raise Invalid(_("The clinician of a visit is a clinician or an administrator of this clinic."))
