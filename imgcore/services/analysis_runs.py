"""The runs of models over images: the copy that they are given, their answer, and its row."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.config import Settings
from imgcore.db.tables import Analysis, Batch, Image, Patient
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.domain.failpoints import FailPoint
from imgcore.errors import ConfigError, Conflict, ImgcoreError, Invalid, Unavailable
from imgcore.services import rows, sight
from imgcore.services.files import Renditions, Source
from imgcore.services.work import Ledger, Work
from imgcore.texts import _

if TYPE_CHECKING:  # the libraries that it needs are loaded with the first run
    from imgcore.analysis import Analyser

LOOK_SECONDS = 5.0  # how long what was found counts
_LONGEST_ERROR = 1000
_log = logging.getLogger(__name__)


class Analysers:
    """The models that are offered here; they are looked for when somebody asks, and again later.

    Whoever asks during a look gets what the last one found. ``find`` looks for others than what is installed.
    """

    def __init__(self, settings: Settings, find: Callable[[], Mapping[str, Analyser]] | None = None) -> None:
        self._settings = settings
        self._find = find
        self._found: Mapping[str, Analyser] | None = None
        self._looked = 0.0
        self._finding = threading.Lock()

    def all(self) -> Mapping[str, Analyser]:
        """Return every analyser by its name."""
        found = self._found
        if found is not None and time.monotonic() - self._looked < LOOK_SECONDS:
            return found
        if not self._finding.acquire(blocking=found is None):
            return found or {}
        try:
            if self._found is found:  # else somebody else has looked meanwhile
                self._found = self._look()
                self._looked = time.monotonic()
        except OSError:
            if found is None:
                raise
            _log.exception("the folder of models cannot be read; what was found before is offered")
        finally:
            self._finding.release()
        return self._found or {}

    def _look(self) -> Mapping[str, Analyser]:
        if self._find is None:
            from imgcore.analysis import Installed

            self._find = Installed(self._settings)
        return self._find()

    def get(self, name: str) -> Analyser:
        """Return an analyser; ``Invalid`` names those that there are."""
        known = self.all()
        if name not in known:
            names = ", ".join(known)
            raise Invalid(_("There is no such model. The models are: {names}.").format(names=names))
        return known[name]


@dataclass(frozen=True)
class Wanted:
    """An image that a model is to look at; ``body_region`` is what the model is told."""

    source: Source
    width: int
    height: int
    body_region: str | None


@dataclass(frozen=True)
class Prepared:
    """What a model is given of an image, and the hash of it."""

    image_id: UUID
    input_sha256: str
    subject: Subject


@dataclass(frozen=True)
class Outcome:
    """What became of one run: a finding, or the sentence that says why there is none."""

    prepared: Prepared
    finding: Finding | None
    error: str | None = None
    duration_ms: int | None = None
    is_of_picture: bool = True  # an error of this picture, which the model may not have with the next one


class AnalysisRuns:
    """Does the steps of a run; who may ask for it was decided before. No model runs in a transaction."""

    def __init__(self, ledger: Ledger, renditions: Renditions, analysers: Analysers) -> None:
        self._ledger = ledger
        self._renditions = renditions
        self.analysers = analysers

    def wanted(self, work: Work, image_ids: Sequence[UUID], body_region: str | None = None) -> list[Wanted]:
        """Return the images in this order, those in the trash left out.

        Without a ``body_region`` the model is told the body location that the image has.
        """
        columns = (col(Image.id), col(Image.width), col(Image.height), col(Image.body_location))
        facts = sa.select(*columns).where(sight.among(work, col(Image.id), image_ids))
        known = {row[0]: row for row in work.session.execute(facts)}
        sources = {each.id: each for each in self._renditions.sources(work, image_ids, "analysis")}
        found = []
        for each in (each for each in image_ids if each in sources):
            _id, width, height, location = known[each]
            found.append(Wanted(sources[each], width, height, body_region or location or None))
        return found

    def prepare(self, actor: Actor, wanted: Wanted) -> Prepared:
        """Return the analysis copy of an image, which is made the first time."""
        file = self._renditions.file(actor, wanted.source, "analysis")
        data = b"".join(file.read())
        failpoints.reach(FailPoint.ANALYSIS_PREPARED)
        subject = Subject(data, wanted.width, wanted.height, wanted.body_region)
        return Prepared(wanted.source.id, hashlib.sha256(data).hexdigest(), subject)

    def known(self, work: Work, model: Model, prepared: Sequence[Prepared]) -> dict[UUID, Analysis]:
        """Return the results that this version of the model has of these images, or of the very same ones."""
        hashes = {each.input_sha256 for each in prepared}
        wanted = sa.select(Analysis, col(Image.width), col(Image.height))
        wanted = wanted.join(Image, col(Image.id) == col(Analysis.image_id))
        wanted = wanted.where(
            col(Analysis.input_sha256).in_(hashes), *_of(model), col(Analysis.error).is_(None)
        )
        found: dict[tuple[object, ...], dict[UUID | None, Analysis]] = defaultdict(dict)
        for row, width, height in work.session.execute(wanted.order_by(col(Analysis.created_at))):
            found[row.input_sha256, width, height, row.body_region][row.image_id] = row
        results = {}
        for each in prepared:
            subject = each.subject
            same = found.get((each.input_sha256, subject.width, subject.height, subject.body_region))
            if same:
                results[each.image_id] = same.get(each.image_id) or next(iter(same.values()))
        return results

    def predict(self, analyser: Analyser, prepared: Sequence[Prepared]) -> list[Outcome]:
        """Let the model look at the images; whatever it does, each has an outcome."""
        if analyser.model.missing:
            missing = partial(Outcome, finding=None, error=analyser.model.missing, is_of_picture=False)
            return [missing(each) for each in prepared]
        began = time.monotonic()
        answers = _answers(analyser, [each.subject for each in prepared])
        spent = round((time.monotonic() - began) * 1000 / max(1, len(prepared)))
        failpoints.reach(FailPoint.ANALYSIS_PREDICTED)
        return [_outcome(each, answer, spent) for each, answer in zip(prepared, answers, strict=True)]

    def keep(
        self, actor: Actor, model: Model, outcomes: Sequence[Outcome], *, again: bool = False
    ) -> dict[UUID, UUID]:
        """Write the outcomes in one transaction; return the id of each image's row.

        An image that went to the trash meanwhile has none. An error gives way to what the next run comes
        to, and keeps its id, also when the model was mended and has another version by then; a result
        stays, and ``again`` puts another one beside it.
        """
        with self._ledger.write(actor) as work:
            owners = _lock(work, [each.prepared.image_id for each in outcomes])
            kept = [each for each in outcomes if each.prepared.image_id in owners]
            known = {} if again else self.known(work, model, [each.prepared for each in kept])
            failed = _failed(work, model, owners)
            ids: dict[UUID, UUID] = {}
            told: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
            for each in kept:
                image_id = each.prepared.image_id
                there = known.get(image_id)
                if there is not None and there.image_id == image_id:
                    ids[image_id] = there.id
                    continue
                # The region may have been noted only after the model failed.
                row = failed.get((image_id, each.prepared.subject.body_region)) or failed.get(
                    (image_id, None)
                )
                row = _written(work, row, owners[image_id], model, each)
                ids[image_id] = row.id
                told[owners[image_id], "failed" if row.error else "done"].append(row.id)
            for (patient_id, outcome), entity_ids in told.items():
                named = {"entity": "analysis", "entity_ids": entity_ids}
                work.record(Action.RESULT_RUN, outcome=outcome, patient_id=patient_id, **named)
            if not told:
                work.record(Action.RESULT_RUN, outcome="late", entity="analysis")
        failpoints.reach(FailPoint.ANALYSIS_WRITTEN)
        return ids


def copied(prepared: Prepared, row: Analysis) -> Outcome:
    """Return what a model said of another image with the same bytes, as the outcome for this one."""
    return Outcome(prepared, Finding(row.predictions or {}, row.risk_level, row.confidence))


def _of(model: Model) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on ``Analysis`` for results of this very model."""
    digest = col(Analysis.model_sha256)
    return (
        col(Analysis.analyser) == model.name,
        col(Analysis.analyser_version) == model.version,
        digest.is_(None) if model.sha256 is None else digest == model.sha256,
        col(Analysis.record_id).is_(None),
    )


def _answers(analyser: Analyser, subjects: Sequence[Subject]) -> Sequence[Finding | ImgcoreError]:
    """Return what the model says of each; one that fails for all of them is asked one by one."""
    from imgcore.analysis.analysers import predict_many

    if len(subjects) > 1:
        try:
            answers = predict_many(analyser, subjects)
            if len(answers) == len(subjects):
                return answers
        except Exception:
            _log.exception("the model %s failed for %d images at once", analyser.model.name, len(subjects))
    return [_answer(analyser, each) for each in subjects]


def _answer(analyser: Analyser, subject: Subject) -> Finding | ImgcoreError:
    try:
        return analyser.predict(subject)
    except ImgcoreError as error:
        return error
    except Exception:
        _log.exception("the model %s failed", analyser.model.name)
        return Invalid(_("The model failed unexpectedly; the server's log says more."))


def _outcome(prepared: Prepared, answer: Finding | ImgcoreError, spent: int) -> Outcome:
    from imgcore.analysis.analysers import checked

    try:
        if isinstance(answer, ImgcoreError):
            raise answer
        return Outcome(prepared, checked(answer), None, spent)
    except ImgcoreError as error:
        text = f"{error.message} {error.hint}".strip()[:_LONGEST_ERROR]
        is_of_picture = not isinstance(error, Unavailable | ConfigError | Conflict)
        return Outcome(prepared, None, text, spent, is_of_picture)


def _lock(work: Work, image_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the patient of each image that is kept and the actor may have analysed; both stay until the end.

    Patients are locked before images, as by whoever removes them.
    """
    theirs = sa.select(col(Image.id), col(Batch.patient_id)).join(Batch, col(Image.batch_id) == col(Batch.id))
    theirs = theirs.join(Patient, col(Batch.patient_id) == col(Patient.id))
    theirs = theirs.where(sight.among(work, col(Image.id), image_ids), rows.kept())
    theirs = theirs.where(sight.patients(work, Action.RESULT_RUN))
    patients = sorted({patient_id for _id, patient_id in work.session.execute(theirs)})
    held = select(Patient.id).where(sight.among(work, col(Patient.id), patients)).order_by(col(Patient.id))
    work.session.exec(held.with_for_update(read=True, key_share=True)).all()
    locked = theirs.order_by(col(Image.id)).with_for_update(of=Image)
    return dict(work.session.execute(locked).all())


def _failed(
    work: Work, model: Model, owners: Mapping[UUID, UUID]
) -> dict[tuple[UUID | None, str | None], Analysis]:
    """Return the errors of a model, of whatever version, by image and body region."""
    wanted = select(Analysis).where(sight.among(work, col(Analysis.image_id), list(owners)))
    wanted = wanted.where(Analysis.analyser == model.name, col(Analysis.error).is_not(None))
    return {(row.image_id, row.body_region): row for row in work.session.exec(wanted.with_for_update())}


def _written(work: Work, row: Analysis | None, patient_id: UUID, model: Model, outcome: Outcome) -> Analysis:
    """Add the row of an outcome, or put it in the place of an error."""
    prepared, finding = outcome.prepared, outcome.finding
    fields: dict[str, Any] = {
        "patient_id": patient_id,
        "image_id": prepared.image_id,
        "analyser": model.name,
        "analyser_version": model.version,
        "model_sha256": model.sha256,
        "input_sha256": prepared.input_sha256,
        "body_region": prepared.subject.body_region,
        "predictions": dict(finding.predictions) if finding else None,
        "risk_level": finding.risk_level if finding else None,
        "confidence": finding.confidence if finding else None,
        "duration_ms": outcome.duration_ms,
        "error": outcome.error,
        "created_at": work.at,
        "updated_at": work.at,
    }
    if row is None:
        row = Analysis(**fields)
        work.session.add(row)
    for name, value in fields.items():
        setattr(row, name, value)
    return row
