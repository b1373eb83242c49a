"""Analyses: models run over stored images, and every result kept with the image and the model's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.tables import Analysis
from imgcore.domain import failpoints, records
from imgcore.domain.access import Action, Actor, Reach, reach
from imgcore.domain.analyses import CAPTURE_QUALITY, AnalysisFilter, Model, Version
from imgcore.domain.categories import CategorySet
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.records import Page
from imgcore.domain.values import Short, Value, parse
from imgcore.errors import Conflict, Invalid, NotFound
from imgcore.services import analysis_rows, sight
from imgcore.services.analysis_batches import batch_of_day
from imgcore.services.analysis_rows import InSet
from imgcore.services.analysis_runs import AnalysisRuns, Outcome, copied
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _


class Wish(Value):
    """What a person may say of a run."""

    analyser: Short = CAPTURE_QUALITY
    body_region: Short = ""


class Analyses(Service):
    """Runs models and shows what they said; a result is never changed."""

    def __init__(self, ledger: Ledger, runs: AnalysisRuns, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._runs = runs
        self._categories = categories

    @performs(Action.RESULT_SEE)
    def models(self, actor: Actor) -> tuple[Model, ...]:
        """Return the models that are offered, also those that cannot run here, with the reason.

        Who may not run a model is told of none: the reasons speak of the server.
        """
        if reach(actor, Action.RESULT_RUN) is Reach.NONE:
            return ()
        return tuple(each.model for each in self._runs.analysers.all().values())

    @performs(Action.RESULT_SEE)
    def versions(self, actor: Actor, image_set_id: UUID | None = None) -> tuple[Version, ...]:
        """Return the versions of models that have results, by name; of an image set with counts of images."""
        names = (col(Analysis.analyser), col(Analysis.analyser_version))
        with self._ledger.read(actor) as work:
            if image_set_id is None:
                may = reach(actor, Action.RESULT_SEE) is Reach.CLINIC
                return tuple(Version(*row) for row in _steps(work, *names)) if may else ()
            wanted, _places = self._wanted(work, AnalysisFilter(image_set_id=image_set_id, with_errors=False))
            found = wanted.with_only_columns(col(Analysis.id), maintain_column_froms=True)
            count = sa.func.count(sa.distinct(col(Analysis.image_id)))
            counted = sa.select(*names, count).where(col(Analysis.id).in_(found))
            rows = work.session.execute(counted.group_by(*names).order_by(*names))
            return tuple(Version(*row) for row in rows)

    @performs(Action.RESULT_SEE)
    def levels(self, actor: Actor, image_set_id: UUID | None = None) -> tuple[str, ...]:
        """Return the risk levels that results have, by name; models name their own."""
        level = col(Analysis.risk_level)
        with self._ledger.read(actor) as work:
            if image_set_id is None:
                may = reach(actor, Action.RESULT_SEE) is Reach.CLINIC
                return tuple(row[0] for row in _steps(work, level)) if may else ()
            wanted, _places = self._wanted(work, AnalysisFilter(image_set_id=image_set_id))
            found = wanted.where(level.is_not(None), analysis_rows.is_open(work))
            named = found.with_only_columns(level, maintain_column_froms=True).distinct()
            return tuple(work.session.execute(named.order_by(level)).scalars())

    @performs(Action.RESULT_SEE)
    def list(
        self, actor: Actor, asked: AnalysisFilter | None = None, turn: Turn | None = None
    ) -> Page[records.Result]:
        """Return results, the newest first; none whose image is in the trash.

        Patients get their own that were released. Whoever is given image sets names one, gets nothing
        without, and is told no days.
        """
        asked = asked or AnalysisFilter()
        with self._ledger.read(actor) as work:
            wanted, places = self._wanted(work, asked)
            one = asked.patient is not None or asked.image_id is not None or asked.image_set_id is not None
            keys = (col(Analysis.created_at), col(Analysis.id))
            order = Order(keys, newest_first=True, index="" if one else _index(asked))
            tell = partial(analysis_rows.records_of, work, places=places)
            page = page_of(work, wanted, order, turn or Turn(), tell, exact=one)
            seen = {"entity": "analysis", "entity_ids": [each.id for each in page.items]}
            owners = {each.patient_id for each in page.items}
            patient_id = next(iter(owners)) if len(owners) == 1 else None
            work.record(Action.RESULT_SEE, once=True, patient_id=patient_id, **seen)
            return page

    @performs(Action.RESULT_SEE)
    def get(self, actor: Actor, result_id: UUID) -> records.Result:
        """Return one result."""
        with self._ledger.read(actor) as work:
            row, place = analysis_rows.find(work, result_id, Action.RESULT_SEE, self._categories)
            told = analysis_rows.record_of(work, row, place)
            seen = {"entity": "analysis", "entity_ids": [row.id], "patient_id": told.patient_id}
            work.record(Action.RESULT_SEE, once=True, **seen)
            return told

    @performs(Action.RESULT_RUN)
    def check(self, actor: Actor) -> None:
        """Raise before the first byte is read when the person may not store images and analyse them."""
        self._ledger.require(actor, Action.IMAGE_UPLOAD)

    @performs(Action.RESULT_RUN)
    def batch_for(
        self,
        actor: Actor,
        patient_ref: UUID | str,
        analyser: str = CAPTURE_QUALITY,
        key: str | None = None,
        check: Callable[[], None] | None = None,
    ) -> UUID:
        """Return today's batch of a patient for images that are stored to be analysed.

        ``Invalid`` when there is no such model, before anything is stored. What was stored under the same
        ``key`` before leads to its batch, also on the day after. A new one is made only when ``check``
        raises nothing, so that no file that is refused leaves an empty batch.
        """
        self._runs.analysers.get(analyser)
        return batch_of_day(self._ledger, actor, patient_ref, key=key, check=check)

    @performs(Action.RESULT_RUN)
    def run(
        self,
        actor: Actor,
        image_id: UUID,
        *,
        analyser: str = CAPTURE_QUALITY,
        body_region: str | None = None,
        again: bool = False,
    ) -> records.Result:
        """Let a model look at a stored image; what it said before is returned, unless ``again``.

        A model that fails leaves a result with ``error``, whose place the next run takes.
        """
        failpoints.reach(FailPoint.ANALYSIS_STORED)
        wish = parse(Wish, analyser=analyser, body_region=body_region or "")
        chosen = self._runs.analysers.get(wish.analyser)
        with self._ledger.read(actor) as work:
            sight.image(work, image_id, Action.RESULT_RUN)
            wanted = self._runs.wanted(work, [image_id], wish.body_region)[0]
        prepared = self._runs.prepare(actor, wanted)
        outcome: Outcome | None = None
        if not again:
            with self._ledger.read(actor) as work:
                known = self._runs.known(work, chosen.model, [prepared]).get(image_id)
                if known is not None and known.image_id == image_id:
                    return self._told(work, known)
                outcome = copied(prepared, known) if known is not None else None
        outcome = outcome or self._runs.predict(chosen, [prepared])[0]
        kept = self._runs.keep(actor, chosen.model, [outcome], again=again)
        if image_id not in kept:
            raise NotFound(_("This image does not exist, or is in the trash."))
        with self._ledger.read(actor) as work:
            return self._told(work, work.session.get_one(Analysis, kept[image_id]))

    @performs(Action.RESULT_RUN)
    def run_again(self, actor: Actor, result_id: UUID) -> records.Result:
        """Let the model of a result look at its image once more; an error gives way to what comes of it.

        ``Conflict`` for a result without an image, and ``Invalid`` when the model is not here any more.
        """
        with self._ledger.read(actor) as work:
            row, _place = analysis_rows.find(work, result_id, Action.RESULT_RUN, self._categories)
            image_id, analyser, region, failed = row.image_id, row.analyser, row.body_region, bool(row.error)
        if image_id is None:
            raise Conflict(_("This result was kept without its image, and cannot be run again."))
        return self.run(actor, image_id, analyser=analyser, body_region=region, again=not failed)

    def _told(self, work: Work, row: Analysis) -> records.Result:
        told = analysis_rows.record_of(work, row)
        seen = {"entity": "analysis", "entity_ids": [row.id], "patient_id": told.patient_id}
        work.record(Action.RESULT_SEE, once=True, **seen)
        return told

    def _wanted(
        self, work: Work, asked: AnalysisFilter
    ) -> tuple[SelectOfScalar[Analysis], Mapping[UUID, InSet] | None]:
        """Return the query for what is asked for, and where its images are in the set that was given."""
        is_given = reach(work.actor, Action.RESULT_SEE) is Reach.GIVEN
        if is_given and (asked.from_on is not None or asked.to_on is not None):
            raise Invalid(_("Days are not told of image sets, so nothing can be chosen by them."))
        places = None
        if asked.image_set_id is not None:
            places = analysis_rows.of_set(work, asked.image_set_id, Action.RESULT_SEE, self._categories)
        patient_id = None
        if asked.patient is not None:
            patient_id = sight.patient(work, asked.patient, Action.RESULT_SEE).id
        if asked.image_id is not None:
            sight.image(work, asked.image_id, Action.RESULT_SEE)
        if is_given:
            wanted = select(Analysis) if places is not None else select(Analysis).where(sa.false())
        else:
            wanted = analysis_rows.kept(work, Action.RESULT_SEE)
        if places is not None:
            wanted = wanted.where(sight.among(work, col(Analysis.image_id), list(places)))
        if patient_id is not None:
            wanted = wanted.where(analysis_rows.of_patient(patient_id))
        wanted = wanted.where(*_conditions(asked))
        if asked.risk_level is not None:  # else whoever chooses a risk would know it
            wanted = wanted.where(analysis_rows.is_open(work))
        return wanted, places if is_given else None


def _index(asked: AnalysisFilter) -> str:
    """Return the index along which a list over all patients is read when it is too long to be sorted."""
    if asked.risk_level is not None:
        return "ix_analysis_risk_level_created_at_id"
    if asked.body_region is not None:
        return "ix_analysis_body_region_created_at_id"
    if asked.analyser is not None and asked.version is not None:
        return "ix_analysis_analyser_analyser_version_created_at_id"
    return "ix_analysis_created_at_id"


def _steps(work: Work, *names: Any) -> Iterator[tuple[Any, ...]]:
    """Yield every value that results have, from one to the next along an index, however many results."""
    first = sa.select(*names).where(names[0].is_not(None)).order_by(*names).limit(1)
    row = work.session.execute(first).first()
    while row is not None:
        yield tuple(row)
        row = work.session.execute(first.where(sa.tuple_(*names) > sa.tuple_(*row))).first()


def _conditions(asked: AnalysisFilter) -> list[sa.ColumnElement[bool]]:
    same = {
        Analysis.image_id: asked.image_id,
        Analysis.analyser: asked.analyser,
        Analysis.analyser_version: asked.version,
        Analysis.risk_level: asked.risk_level,
        Analysis.body_region: asked.body_region,
    }
    conditions: list[sa.ColumnElement[bool]] = [
        col(column) == value for column, value in same.items() if value is not None
    ]
    if asked.from_on is not None and asked.to_on is not None and asked.from_on > asked.to_on:
        raise Invalid(_("The first day is after the last one."))
    if asked.from_on is not None:
        conditions.append(col(Analysis.created_at) >= _begin(asked.from_on, asked.zone))
    if asked.to_on is not None:
        conditions.append(col(Analysis.created_at) < _begin(asked.to_on, asked.zone, days=1))
    if not asked.with_errors:
        conditions.append(col(Analysis.error).is_(None))
    return conditions


def _begin(day: date, zone: str | None, days: int = 0) -> datetime:
    """Return when a day, or one some days later, begins in a zone, or where the server stands."""
    try:
        later = day + timedelta(days=days)
        return datetime.combine(later, time.min, ZoneInfo(zone) if zone else None).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        raise Invalid(_("There is no such time zone, or no such day in it.")) from None
