"""The import of records that were kept in a browser before: each for itself, and again without harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel import select

from imgcore.db.tables import Analysis
from imgcore.domain import failpoints, past_records
from imgcore.domain.access import Action, Actor
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.past_records import Outcome, PastRecord, Report
from imgcore.domain.values import ImageFields
from imgcore.errors import Conflict, ImgcoreError, Invalid, StorageFull, Unavailable
from imgcore.services import sight
from imgcore.services.analysis_batches import batch_of_day
from imgcore.services.uploads import Offered, Uploads, error_of
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

MOST_AT_ONCE = 5_000


class PastRecords(Service):
    """Takes old records in: the picture is stored first, then the result that came with it."""

    def __init__(self, ledger: Ledger, uploads: Uploads) -> None:
        super().__init__(ledger)
        self._uploads = uploads

    @performs(Action.RESULT_IMPORT)
    def load(self, actor: Actor, given: Sequence[object], patient: str | None = None) -> Report:
        """Import records, each with an outcome of its own; the same ones again make nothing twice.

        ``patient`` is whose the records are that name nobody. One that is refused leaves no image
        and no result; one without a picture is kept without.
        """
        if patient is not None:
            with self._ledger.read(actor) as work:
                sight.patient(work, patient, Action.RESULT_IMPORT)
        if len(given) > MOST_AT_ONCE:
            text = _("At most {most} records can be sent at once.")
            raise Invalid(text.format(most=MOST_AT_ONCE), hint=_("Send the rest after them."))
        outcomes: list[Outcome] = []
        stopped: Unavailable | StorageFull | None = None
        for place, each in enumerate(given, start=1):
            name = past_records.id_of(each)
            if stopped is not None:  # what is away for one is away for the next
                outcomes.append(_refused(place, name, stopped))
                continue
            try:
                outcomes.append(self._one(actor, place, past_records.read(each, patient)))
            except (Unavailable, StorageFull) as error:
                stopped = error
                outcomes.append(_refused(place, name, error))
            except ImgcoreError as error:
                outcomes.append(_refused(place, name, error))
        return Report(tuple(outcomes))

    def _one(self, actor: Actor, place: int, record: PastRecord) -> Outcome:
        with self._ledger.read(actor) as work:
            patient_id = sight.patient(work, record.patient, Action.RESULT_IMPORT).id
            known = _known(work, patient_id, record)
            if known is not None:
                return Outcome(place, record.id, "already_there", known.id, known.image_id)
        image_id = self._picture(actor, patient_id, record)
        failpoints.reach(FailPoint.ANALYSIS_STORED)
        with self._ledger.write(actor) as work:
            patient = sight.patient(work, patient_id, Action.RESULT_IMPORT)
            known = _known(work, patient.id, record)
            row = known or _row(patient.id, image_id, record, work.at)
            work.session.add(row)
            named = {"entity": "analysis", "entity_ids": [row.id]}
            work.record(Action.RESULT_IMPORT, patient_id=patient.id, **named)
        failpoints.reach(FailPoint.ANALYSIS_WRITTEN)
        without = _("Kept without its picture: the record holds only the address of one.")
        outcome = "already_there" if known else "imported"
        return Outcome(place, record.id, outcome, row.id, row.image_id, message=without * record.has_address)

    def _picture(self, actor: Actor, patient_id: UUID, record: PastRecord) -> UUID | None:
        """Store the picture in the patient's batch of that day; the same bytes are there only once."""
        if record.image is None:
            return None
        day = record.at.astimezone().date()
        intake = self._uploads.intake(actor, _file_name(record))
        intake.write(record.image)
        file = intake.finish()
        fields = ImageFields(date_taken=day, body_location=record.body_region or "")
        try:
            check = partial(self._uploads.check_file, actor, file)
            batch_id = batch_of_day(self._ledger, actor, patient_id, day, check=check)
            received = self._uploads.store(actor, batch_id, [Offered(file, fields)])
        finally:
            file.path.unlink(missing_ok=True)
        if received.failed:
            raise error_of(received.failed[0])
        return received.uploaded[0].image.id


def _known(work: Work, patient_id: UUID, record: PastRecord) -> Analysis | None:
    """Return the record if it is there; ``Conflict`` when another one has its id."""
    wanted = select(Analysis).where(Analysis.patient_id == patient_id, Analysis.record_id == record.id)
    row = work.session.exec(wanted).first()
    if row is None:
        return None
    same = (row.predictions or {}) == dict(record.predictions) and row.created_at == record.at
    if not same:
        raise Conflict(_("Another record with this id is there already."))
    return row


def _row(patient_id: UUID, image_id: UUID | None, record: PastRecord, at: datetime) -> Analysis:
    return Analysis(
        patient_id=patient_id,
        image_id=image_id,
        analyser=record.analyser,
        analyser_version=record.version,
        input_sha256="",
        predictions=dict(record.predictions),
        risk_level=record.risk_level,
        confidence=record.confidence,
        body_region=record.body_region,
        record_id=record.id,
        created_at=record.at,
        updated_at=at,
    )


def _file_name(record: PastRecord) -> str:
    return f"analysis-{record.at:%Y%m%d-%H%M%S}.jpg"


def _refused(place: int, name: str, error: ImgcoreError) -> Outcome:
    can_retry = isinstance(error, Unavailable | StorageFull)
    message = f"{error.message} {error.hint}".strip()
    return Outcome(place, name, "refused", code=error.code, message=message, can_retry=can_retry)
