"""Purges: what lies in the trash goes for good now, without the wait for the end of its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress, nothing
from imgcore.domain.retention import Purged
from imgcore.errors import Invalid
from imgcore.services import holds, sight
from imgcore.services.removals import Removals
from imgcore.services.rows import READY
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _


class Purges(Service):
    """Empties the trash, all of it or that of one patient; what a legal hold keeps stays there."""

    def __init__(self, ledger: Ledger, removals: Removals) -> None:
        super().__init__(ledger)
        self._removals = removals

    @performs(Action.TRASH_PURGE)
    def preview(
        self, actor: Actor, patient_ref: UUID | str | None = None, older_than_days: int = 0
    ) -> Purged:
        """Return what a purge would remove: what has been in the trash for at least so many days."""
        with self._ledger.read(actor) as work:
            return _counted(work, _patient_id(work, patient_ref), _before(work, older_than_days))

    @performs(Action.TRASH_PURGE)
    def run(
        self,
        actor: Actor,
        patient_ref: UUID | str | None = None,
        older_than_days: int = 0,
        progress: Progress = nothing,
    ) -> Purged:
        """Remove it for good, and return what went; broken off, the next sweep finishes what was marked."""
        with self._ledger.read(actor) as work:
            patient_id, before = _patient_id(work, patient_ref), _before(work, older_than_days)
            counted = _counted(work, patient_id, before)
        progress(0, counted.images)
        self._removals.mark(actor, before, patient_id)
        self._removals.remove(actor)
        self._removals.empty(actor, before, patient_id)
        self._removals.rewrite(actor)
        progress(counted.images, counted.images)
        return counted


def _patient_id(work: Work, ref: UUID | str | None) -> UUID | None:
    """Return the one patient whose trash is meant; without one the whole clinic's."""
    if ref is not None:
        return sight.patient_in_any_state(work, ref, Action.TRASH_PURGE).id
    if work.settings.access == "care_team" and not work.actor.is_system:
        raise Invalid(
            _("Name the patient: the trash of other care teams is not yours to empty."),
            hint=_("On the server, `python -m imgcore purge` empties all of it."),
        )
    return None


def _before(work: Work, days: int) -> datetime:
    return work.at - timedelta(days=days)


def _counted(work: Work, patient_id: UUID | None, before: datetime) -> Purged:
    whose = sa.true() if patient_id is None else col(Patient.id) == patient_id
    free, held = sa.and_(whose, holds.free()), sa.and_(whose, ~holds.free())
    images = sa.and_(col(Image.trashed_at) <= before, col(Image.state) == READY)
    size = func.coalesce(func.sum(col(Image.file_size)), 0)
    of_images = sa.select(func.count(), size).select_from(Image)
    of_images = of_images.join(Batch, col(Image.batch_id) == col(Batch.id))
    of_images = of_images.join(Patient, col(Batch.patient_id) == col(Patient.id)).where(images)
    of_batches = sa.select(func.count()).select_from(Batch).where(col(Batch.trashed_at) <= before)
    of_batches = of_batches.join(Patient, col(Batch.patient_id) == col(Patient.id))
    of_patients = sa.select(func.count()).select_from(Patient).where(col(Patient.trashed_at) <= before)
    count, file_size = work.session.execute(of_images.where(free)).one()
    return Purged(
        patients=work.session.execute(of_patients.where(free)).scalar_one(),
        batches=work.session.execute(of_batches.where(free)).scalar_one(),
        images=count,
        file_size=int(file_size),
        held=work.session.execute(of_images.where(held)).one()[0],
    )
