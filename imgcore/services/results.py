"""Results of analyses: all of them for who looks after a patient, the released ones for the patient."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.tables import Analysis, Batch, Image, Patient
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.records import Page
from imgcore.errors import Conflict, NotFound
from imgcore.services import rows, sight
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Line, Service, Work, performs
from imgcore.texts import _


class Results(Service):
    """Shows results, and decides which of them a patient may see."""

    @performs(Action.RESULT_SEE)
    def list(self, actor: Actor, patient_ref: UUID | str, turn: Turn | None = None) -> Page[records.Result]:
        """Return a patient's results, the newest first; without those whose image is in the trash."""
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, patient_ref, Action.RESULT_SEE)
            wanted = _kept().where(Batch.patient_id == patient.id)
            if reach(actor, Action.RESULT_SEE) is Reach.OWN:
                wanted = wanted.where(col(Analysis.released_at).is_not(None), _still_theirs())
            order = Order((col(Analysis.created_at), col(Analysis.id)), newest_first=True)
            page = page_of(work, wanted, order, turn or Turn(), lambda found: _records(found, patient.id))
            seen = {"patient_id": patient.id, "entity_ids": [each.id for each in page.items]}
            work.record(Action.RESULT_SEE, once=True, entity="analysis", **seen)
            return page

    @performs(Action.RESULT_RELEASE)
    def release(self, actor: Actor, result_id: UUID) -> records.Result:
        """Let the patient see a result; ``Conflict`` when the analysis came to none."""
        with self._ledger.write(actor) as work:
            row, patient_id = _get(work, result_id)
            if not row.predictions:
                raise Conflict(_("This analysis came to no result; there is nothing to release."))
            if row.released_at is None or row.patient_id != patient_id:
                row.released_at, row.released_by, row.updated_at = work.at, actor.user_id, work.at
                row.patient_id = patient_id
            return _decided(work, row, patient_id)

    @performs(Action.RESULT_RELEASE)
    def take_back(self, actor: Actor, result_id: UUID) -> records.Result:
        """Let the patient see a result no longer."""
        with self._ledger.write(actor) as work:
            row, patient_id = _get(work, result_id)
            if row.released_at is not None:
                row.released_at, row.released_by, row.updated_at = None, None, work.at
            return _decided(work, row, patient_id)


def _kept() -> SelectOfScalar[Analysis]:
    """Return the query for results whose image is kept; they belong to whom the image belongs to now."""
    wanted = select(Analysis).join(Image, col(Analysis.image_id) == col(Image.id))
    return wanted.join(Batch, col(Image.batch_id) == col(Batch.id)).where(rows.kept())


def _still_theirs() -> sa.ColumnElement[bool]:
    """Return the condition that an image did not go to another patient since its result was released."""
    return col(Analysis.patient_id) == col(Batch.patient_id)


def _get(work: Work, result_id: UUID) -> tuple[Analysis, UUID]:
    """Return a result, and the patient that its image belongs to."""
    wanted = _kept().join(Patient, col(Batch.patient_id) == col(Patient.id))
    wanted = wanted.where(Analysis.id == result_id, sight.patients(work, Action.RESULT_RELEASE))
    row = work.session.exec(wanted.with_for_update(of=Analysis)).first()
    if row is None:
        work.refusals.append(
            Line(Action.RESULT_RELEASE, outcome="refused", entity="analysis", entity_ids=[result_id])
        )
        raise NotFound(_("This result does not exist."))
    return row, sight.owner(work, work.session.get_one(Image, row.image_id))


def _decided(work: Work, row: Analysis, patient_id: UUID) -> records.Result:
    named = {"entity": "analysis", "entity_ids": [row.id], "field_names": ["released_at"]}
    work.record(Action.RESULT_RELEASE, patient_id=patient_id, **named)
    work.session.flush()
    return _record(row, patient_id)


def _records(found: Sequence[Analysis], patient_id: UUID) -> Sequence[records.Result]:
    return [_record(row, patient_id) for row in found]


def _record(row: Analysis, patient_id: UUID) -> records.Result:
    predictions = row.predictions or {}
    return records.Result(
        id=row.id,
        patient_id=patient_id,
        image_id=row.image_id,
        analyser=row.analyser,
        analyser_version=row.analyser_version,
        label=max(predictions, key=lambda name: predictions[name], default=""),
        predictions=predictions,
        risk_level=row.risk_level,
        confidence=row.confidence,
        body_region=row.body_region,
        error=row.error,
        created_at=row.created_at,
        released_at=row.released_at,
    )
