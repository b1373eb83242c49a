"""Figures of results: how good the pictures are, how often which risk, and whether two models agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func

from imgcore.db.tables import Analysis, Image, Patient
from imgcore.services import analysis_rows, rows, sight
from imgcore.services.figure_scopes import Scope, by_minute, by_range
from imgcore.services.image_figures import InTime, Rows

CAPTURE_QUALITY = "capture-quality"
SAMPLE = 10_000  # results whose scores are read
COMPARED = 5_000  # images whose results are compared
BINS = 10


def quality(scope: Scope) -> Rows:
    """Count the newest results of images by each score of capture quality, in tenths."""
    predictions = col(Analysis.predictions)
    wanted = _kept(scope, scope.results(predictions.label("predictions"), with_image=True))
    wanted = wanted.where(col(Analysis.analyser) == CAPTURE_QUALITY, _is_object(scope, predictions))
    wanted = wanted.where(col(Analysis.image_id).is_not(None))
    newest = (
        wanted.order_by(col(Analysis.created_at).desc(), col(Analysis.id).desc()).limit(SAMPLE).subquery()
    )
    each = _entries(scope, newest.c.predictions)
    # PostgreSQL would round where SQLite cuts off, so it is told to cut off first.
    scaled: Any = sa.cast(each.c.value, sa.Float) * BINS
    tenth = sa.cast(scaled if sight.on_sqlite(scope.work) else func.floor(scaled), sa.Integer)
    counting = sa.select(each.c.key, tenth, func.count()).select_from(newest).join(each, sa.true())
    counted: Counter[tuple[str, int]] = Counter()
    for score, place, count in scope.work.session.execute(counting.group_by(each.c.key, tenth)):
        counted[score, min(BINS - 1, max(0, int(place)))] += int(count)
    scores = sorted({score for score, _place in counted})
    return [(score, place / BINS, counted[score, place]) for score in scores for place in range(BINS)]


def _newest_first(wanted: sa.Select[Any]) -> sa.Select[Any]:
    return wanted.order_by(col(Analysis.created_at).desc(), col(Analysis.id).desc())


def _is_object(scope: Scope, column: Any) -> sa.ColumnElement[bool]:
    kind = func.json_type(column) if sight.on_sqlite(scope.work) else func.json_typeof(column)
    return sa.and_(column.is_not(None), kind == "object")


def _entries(scope: Scope, column: Any) -> sa.TableValuedAlias:
    """Return what an object of JSON holds, as rows."""
    parts = func.json_each if sight.on_sqlite(scope.work) else func.json_each_text
    return parts(column).table_valued("key", "value", name="entry")


def risks(scope: Scope) -> InTime:
    """Count results of each risk level in each period; of an image set in all, since days are not told."""
    level, when = col(Analysis.risk_level), col(Analysis.created_at)
    wanted = scope.results(func.count(), on_any_day=scope.is_whole).where(level.is_not(None))
    if scope.shown is not None:
        found = scope.work.session.execute(wanted.add_columns(level).group_by(level))
        return [(None, name, int(count)) for count, name in found], None
    periods = scope.periods(scope.results(func.min(when)), latest=scope.results(func.max(when)))
    if periods is None:
        return [], None
    if not scope.is_whole:
        counted = by_minute(scope, _kept(scope, wanted), when, periods, level)
        return [(*key, count) for key, count in sorted(counted.items())], periods.step
    counted = Counter[tuple[Any, ...]]()
    levels = sa.select(level).where(level.is_not(None)).distinct()
    for name in scope.work.session.execute(levels).scalars().all():
        in_periods = by_range(scope, wanted.where(level == name), when, periods)
        counted.update({(start, name): count for start, count in in_periods.items()})
    for hidden in _hidden():
        counted.subtract(by_minute(scope, wanted.where(hidden, *scope.days(when)), when, periods, level))
    return [(*key, count) for key, count in sorted(counted.items()) if count > 0], periods.step


def _kept(scope: Scope, wanted: sa.Select[Any]) -> sa.Select[Any]:
    """Leave out results whose image, or without one whose patient, lies in the trash."""
    if scope.shown is not None:
        return wanted
    patient = sa.select(sa.literal(1)).where(
        col(Patient.id) == col(Analysis.patient_id), col(Patient.trashed_at).is_(None)
    )
    if not scope.is_whole:  # such a scope names only images that are kept
        return wanted.where(sa.or_(col(Analysis.image_id).is_not(None), patient.exists()))
    image = sa.select(sa.literal(1)).where(col(Image.id) == col(Analysis.image_id), rows.kept()).exists()
    return wanted.where(sa.or_(image, sa.and_(col(Analysis.image_id).is_(None), patient.exists())))


def _hidden() -> list[sa.ColumnElement[bool]]:
    """Return the conditions for all others: there are few, and they are found from the trash."""
    images = [
        sa.select(col(Image.id)).where(col(Image.state) == rows.READY, col(Image.trashed_at).is_not(None)),
        sa.select(col(Image.id)).where(col(Image.state) != rows.READY),
    ]
    patients = sa.select(col(Patient.id)).where(col(Patient.trashed_at).is_not(None))
    alone = sa.and_(col(Analysis.image_id).is_(None), col(Analysis.patient_id).in_(patients))
    return [*(col(Analysis.image_id).in_(each) for each in images), alone]


def agreement(scope: Scope) -> Rows:
    """Count, for each two models on the same images, how often they name the same label first.

    Looked at are the images that were analysed last; of two results of one model the later one counts.
    """
    newest = scope.results(col(Analysis.image_id), with_image=True).where(
        col(Analysis.image_id).is_not(None), col(Analysis.analyser) != CAPTURE_QUALITY
    )
    newest = _newest_first(_kept(scope, newest)).limit(COMPARED)
    ids = list(dict.fromkeys(scope.work.session.execute(newest).scalars()))
    compared: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for labels in _labels(scope, ids).values():
        for first, second in combinations(sorted(labels), 2):
            compared[first, second].append(labels[first] == labels[second])
    return [(*pair, len(same), sum(same)) for pair, same in sorted(compared.items())]


def _labels(scope: Scope, ids: list[UUID]) -> dict[UUID, dict[str, str]]:
    """Return the likeliest label of each image by each model and version."""
    columns = (Analysis.image_id, Analysis.analyser, Analysis.analyser_version, Analysis.predictions)
    wanted = scope.results(*map(col, columns)).where(
        sight.among(scope.work, col(Analysis.image_id), ids), col(Analysis.analyser) != CAPTURE_QUALITY
    )
    found: dict[UUID, dict[str, str]] = defaultdict(dict)
    for image_id, analyser, version, predictions in scope.work.session.execute(
        wanted.order_by(col(Analysis.created_at), col(Analysis.id))
    ):
        if predictions:
            found[image_id][f"{analyser} {version}"] = analysis_rows.likeliest(predictions)
    return found
