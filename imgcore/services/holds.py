"""Legal holds: while one stands, nothing of the patient goes, whoever asks."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.tables import Batch, Image, Patient, User
from imgcore.domain.access import Action, Actor
from imgcore.domain.records import Page
from imgcore.domain.retention import Hold, NewHold
from imgcore.errors import Conflict, NotFound
from imgcore.services import sight
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.rows import unfinished
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _


class Holds(Service):
    """Sets and lifts legal holds; patients in the trash can be held too."""

    @performs(Action.RETENTION_SEE)
    def all(self, actor: Actor, turn: Turn | None = None) -> Page[Hold]:
        """Return the holds, the latest first."""
        with self._ledger.read(actor) as work:
            wanted = select(Patient).where(~free(), sight.patients(work, Action.RETENTION_SEE))
            order = Order((col(Patient.legal_hold_at), col(Patient.id)), newest_first=True)
            page = page_of(work, wanted, order, turn or Turn(), lambda found: _records(work, found))
            seen = [each.patient_id for each in page.items]
            work.record(Action.RETENTION_SEE, entity="patient", entity_ids=seen, once=True)
            return page

    @performs(Action.RETENTION_SEE)
    def of_patient(self, actor: Actor, ref: UUID | str) -> Hold | None:
        """Return the hold on a patient, or None when there is none."""
        with self._ledger.read(actor) as work:
            row = sight.patient_in_any_state(work, ref, Action.RETENTION_SEE)
            seen = {"patient_id": row.id, "entity": "patient", "entity_ids": [row.id]}
            work.record(Action.RETENTION_SEE, once=True, **seen)
            return next(iter(_records(work, [row])), None)

    @performs(Action.RETENTION_EDIT)
    def set(self, actor: Actor, ref: UUID | str, new: NewHold) -> Hold:
        """Hold everything of a patient, what waits for its removal included; once more changes the reason.

        The lock on the patient makes this wait for a sweep that is choosing what goes, and a sweep that
        comes later sees the hold.
        """
        with self._ledger.write(actor) as work:
            row = sight.patient_in_any_state(work, ref, Action.RETENTION_EDIT)
            if not row.name:
                raise NotFound(_("This patient is being erased."))
            row.legal_hold_at = row.legal_hold_at or work.at
            row.legal_hold_by, row.legal_hold_reason = actor.user_id, new.reason
            _bring_back(work, row.id)
            self._note(work, row)
            work.session.flush()
            return _records(work, [row])[0]

    @performs(Action.RETENTION_EDIT)
    def lift(self, actor: Actor, ref: UUID | str) -> None:
        """End a hold; ``NotFound`` when there is none."""
        with self._ledger.write(actor) as work:
            row = sight.patient_in_any_state(work, ref, Action.RETENTION_EDIT)
            if row.legal_hold_at is None:
                raise NotFound(_("There is no legal hold on this patient."))
            row.legal_hold_at, row.legal_hold_by, row.legal_hold_reason = None, None, ""
            self._note(work, row)

    def _note(self, work: Work, row: Patient) -> None:
        named = {"entity": "patient", "entity_ids": [row.id], "field_names": ["legal_hold"]}
        work.record(Action.RETENTION_EDIT, patient_id=row.id, **named)


def free() -> sa.ColumnElement[bool]:
    """Return the condition on ``Patient`` for those whose things may go."""
    return col(Patient.legal_hold_at).is_(None)


def require_free(work: Work, patient_ids: Collection[UUID]) -> None:
    """Raise ``Conflict`` when one of these is held; none can be held before the end of this unit."""
    wanted = select(Patient).where(col(Patient.id).in_(patient_ids)).order_by(col(Patient.id))
    if any(row.legal_hold_at for row in work.session.exec(wanted.with_for_update(read=True))):
        raise Conflict(
            _("This patient’s record is under a legal hold: nothing of it can be removed."),
            hint=_("An administrator can lift the hold once its reason has gone."),
        )


def free_to_go(work: Work, patient_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these that are not held, locked; patients whom somebody changes now are left out."""
    wanted = select(Patient.id).where(col(Patient.id).in_(patient_ids), free()).order_by(col(Patient.id))
    return set(work.session.exec(wanted.with_for_update(read=True, skip_locked=True)))


def _bring_back(work: Work, patient_id: UUID) -> None:
    """Put images back into the trash that are marked to go and whose bytes nobody has touched yet."""
    theirs = select(Batch.id).where(Batch.patient_id == patient_id)
    marked = sa.and_(unfinished("deleting"), col(Image.trashed_at).is_not(None))
    work.session.execute(
        sa.update(Image).where(col(Image.batch_id).in_(theirs), marked).values(state="ready")
    )


def _records(work: Work, found: Collection[Patient]) -> list[Hold]:
    people = sa.select(col(User.id), col(User.name))
    people = people.where(col(User.id).in_({row.legal_hold_by for row in found}))
    names = dict(work.session.execute(people).all())
    return [
        Hold(
            patient_id=row.id,
            patient_name=row.name,
            at=row.legal_hold_at,
            by_name=names.get(row.legal_hold_by, "") if row.legal_hold_by else "",
            reason=row.legal_hold_reason,
            is_trashed=row.trashed_at is not None,
        )
        for row in found
        if row.legal_hold_at is not None
    ]
