"""Results of analyses: all of them for who looks after a patient, the released ones for the patient."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col

from imgcore.db.tables import Analysis
from imgcore.domain import records
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Page
from imgcore.errors import Conflict
from imgcore.services import analysis_rows, sight
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _


class Results(Service):
    """Shows results, and decides which of them a patient may see."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.RESULT_SEE)
    def list(self, actor: Actor, patient_ref: UUID | str, turn: Turn | None = None) -> Page[records.Result]:
        """Return a patient's results, the newest first; without those whose image is in the trash."""
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, patient_ref, Action.RESULT_SEE)
            wanted = analysis_rows.kept(work, Action.RESULT_SEE)
            wanted = wanted.where(analysis_rows.of_patient(patient.id))
            order = Order((col(Analysis.created_at), col(Analysis.id)), newest_first=True)
            record_of = lambda found: analysis_rows.records_of(work, found)  # noqa: E731
            page = page_of(work, wanted, order, turn or Turn(), record_of)
            seen = {"patient_id": patient.id, "entity_ids": [each.id for each in page.items]}
            work.record(Action.RESULT_SEE, once=True, entity="analysis", **seen)
            return page

    @performs(Action.RESULT_RELEASE)
    def release(self, actor: Actor, result_id: UUID) -> records.Result:
        """Let the patient see a result; ``Conflict`` when the analysis came to none, or is hidden still."""
        with self._ledger.write(actor) as work:
            row, _place = analysis_rows.find(work, result_id, Action.RESULT_RELEASE, self._categories)
            told = analysis_rows.record_of(work, row)
            if not row.predictions:
                raise Conflict(_("This analysis came to no result; there is nothing to release."))
            if told.is_hidden:
                raise Conflict(_("Please record your own impression of the image first."))
            if row.released_at is None or row.patient_id != told.patient_id:
                row.released_at, row.released_by, row.updated_at = work.at, actor.user_id, work.at
                row.patient_id = told.patient_id or row.patient_id
            return _decided(work, row)

    @performs(Action.RESULT_RELEASE)
    def take_back(self, actor: Actor, result_id: UUID) -> records.Result:
        """Let the patient see a result no longer."""
        with self._ledger.write(actor) as work:
            row, _place = analysis_rows.find(work, result_id, Action.RESULT_RELEASE, self._categories)
            if row.released_at is not None:
                row.released_at, row.released_by, row.updated_at = None, None, work.at
            return _decided(work, row)


def _decided(work: Work, row: Analysis) -> records.Result:
    told = analysis_rows.record_of(work, row)
    named = {"entity": "analysis", "entity_ids": [row.id], "field_names": ["released_at"]}
    work.record(Action.RESULT_RELEASE, patient_id=told.patient_id, **named)
    work.session.flush()
    return told
