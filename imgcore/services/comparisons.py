"""Results beside each other: two versions of models on one image set, one place of a patient over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.tables import Analysis, Image
from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import Agreement, Pair, Said, Trend, TrendPoint, Version
from imgcore.domain.categories import CategorySet
from imgcore.services import analysis_rows, sight
from imgcore.services.work import Ledger, Service, Work, performs

MOST_POINTS = 5_000


class Comparisons(Service):
    """Compares what models said; what is hidden from the person is left out."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.RESULT_SEE)
    def agreement(self, actor: Actor, image_set_id: UUID, first: Version, second: Version) -> Agreement:
        """Return how far two versions agree on the likeliest label of each image of a frozen set.

        Of several results of one version for an image the newest counts.
        """
        with self._ledger.read(actor) as work:
            places = analysis_rows.of_set(work, image_set_id, Action.RESULT_SEE, self._categories)
            ids = list(places)
            one, other = (_said(work, ids, version) for version in (first, second))
            named = {"entity": "image_set", "entity_ids": [image_set_id], "count": len(ids)}
            work.record(Action.RESULT_SEE, once=True, **named)
        both = [each for each in ids if each in one and each in other]
        pairs = [Pair(places[each].place, one[each], other[each]) for each in both]
        return _agreement(sorted(pairs, key=lambda pair: pair.place), first, second, len(ids))

    @performs(Action.RESULT_SEE)
    def trends(self, actor: Actor, patient_ref: UUID | str, analyser: str | None = None) -> tuple[Trend, ...]:
        """Return what models said of each place and view of a patient in the course of time.

        A place is a body location on one side under one category; for each photograph the newest result
        of a model counts, whatever its version. Patients get what was released to them.
        """
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, patient_ref, Action.RESULT_SEE)
            wanted = analysis_rows.kept(work, Action.RESULT_SEE).where(
                analysis_rows.of_patient(patient.id), col(Analysis.error).is_(None)
            )
            wanted = wanted.where(col(Analysis.image_id).is_not(None))
            if analyser is not None:
                wanted = wanted.where(Analysis.analyser == analyser)
            rows = work.session.exec(
                wanted.order_by(col(Analysis.created_at).desc()).limit(MOST_POINTS)
            ).all()
            found = self._trends(work, rows)
            seen = {"entity": "analysis", "entity_ids": [row.id for row in rows]}
            work.record(Action.RESULT_SEE, once=True, patient_id=patient.id, **seen)
            return found

    def _trends(self, work: Work, rows: Sequence[Analysis]) -> tuple[Trend, ...]:
        ids = [row.image_id for row in rows if row.image_id is not None]
        images = {
            each.id: each
            for each in work.session.exec(select(Image).where(sight.among(work, col(Image.id), ids)))
        }
        newest: dict[tuple[UUID | None, str], Analysis] = {}
        for row in rows:
            newest.setdefault((row.image_id, row.analyser), row)
        told = analysis_rows.records_of(work, list(newest.values()))
        points: dict[tuple[str, str, str, str], list[TrendPoint]] = defaultdict(list)
        for result in reversed(told):  # the oldest first, which of one day it stays
            if result.image_id is None:
                continue
            image = images[result.image_id]
            side = "" if image.laterality in (None, "U") else image.laterality
            about = (image.body_location, side, image.category, result.analyser)
            points[about].append(TrendPoint(_day(image), result))
        return tuple(
            Trend(
                body_location=about[0],
                laterality=about[1],
                category=about[2],
                category_label=self._categories.label(about[2]),
                analyser=about[3],
                points=tuple(sorted(points[about], key=lambda each: each.on)),
            )
            for about in sorted(points)
        )


def _day(image: Image) -> date:
    """Return when a photograph was taken, as far as that is known."""
    if image.date_taken is not None:
        return image.date_taken
    return image.captured_at.date() if image.captured_at else image.uploaded_at.astimezone().date()


def _said(work: Work, image_ids: Sequence[UUID], version: Version) -> Mapping[UUID, Said]:
    """Return what a version said of each image, by its newest result."""
    columns = (col(Analysis.image_id), col(Analysis.predictions), col(Analysis.risk_level))
    wanted = sa.select(*columns).where(
        sight.among(work, col(Analysis.image_id), image_ids),
        col(Analysis.analyser) == version.analyser,
        col(Analysis.analyser_version) == version.version,
        col(Analysis.error).is_(None),
        analysis_rows.is_open(work),
    )
    said: dict[UUID, Said] = {}
    newest_last = wanted.order_by(col(Analysis.created_at), col(Analysis.id))
    for image_id, predictions, risk_level in work.session.execute(newest_last):
        if image_id is not None and predictions:
            said[image_id] = Said(analysis_rows.likeliest(predictions), predictions, risk_level)
    return said


def _agreement(pairs: Sequence[Pair], first: Version, second: Version, size: int) -> Agreement:
    both = [(pair.first.label, pair.second.label) for pair in pairs]
    labels = tuple(sorted({label for pair in both for label in pair}))
    counts = Counter(both)
    table = tuple(tuple(counts[row, column] for column in labels) for row in labels)
    agreeing = sum(counts[label, label] for label in labels)
    return Agreement(
        first=first,
        second=second,
        labels=labels,
        table=table,
        images=len(both),
        agreeing=agreeing,
        kappa=kappa(table),
        left_out=size - len(both),
        pairs=tuple(pairs),
    )


def kappa(table: Sequence[Sequence[int]]) -> float | None:
    """Return Cohen's kappa of a square table of counts; None when chance alone would always agree.

    J. Cohen, "A coefficient of agreement for nominal scales", 1960: (p_o - p_e) / (1 - p_e).
    """
    size: int = sum(sum(row) for row in table)
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    by_chance: int = sum(row * column for row, column in zip(rows, columns, strict=True))
    if by_chance == size * size:
        return None
    agreeing: int = sum(table[place][place] for place in range(len(table)))
    return (agreeing * size - by_chance) / (size * size - by_chance)
