"""Statistics: the figures behind the dashboard, counted by the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from imgcore.documents import csv_stream
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.statistics import OF_RESULTS, OF_SETS, Asked, Figure, Table
from imgcore.errors import Forbidden, Invalid
from imgcore.services import analysis_rows, figure_scopes, image_figures, result_figures
from imgcore.services.audit import Sheet
from imgcore.services.figure_scopes import Scope
from imgcore.services.image_figures import InTime, Rows
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _

COUNTED = timedelta(minutes=1)  # a whole clinic is not counted anew for everybody who asks
_KEPT_AT_MOST = 500
_SAMPLES = {Figure.QUALITY: result_figures.SAMPLE, Figure.AGREEMENT: result_figures.COMPARED}
_IN_TIME: dict[Figure, Callable[[Scope, CategorySet], InTime]] = {
    Figure.GROWTH: image_figures.growth,
    Figure.RISKS: lambda scope, _categories: result_figures.risks(scope),
    Figure.FAILURES: lambda scope, _categories: image_figures.failures(scope),
}
_AT_ONCE: dict[Figure, Callable[[Scope, CategorySet], Rows]] = {
    Figure.CATEGORIES: image_figures.by_category,
    Figure.CLINICIANS: lambda scope, _categories: image_figures.by_person(scope),
    Figure.FORMATS: lambda scope, _categories: image_figures.by_format(scope),
    Figure.QUALITY: lambda scope, _categories: result_figures.quality(scope),
    Figure.AGREEMENT: lambda scope, _categories: result_figures.agreement(scope),
}
_Key = tuple[Figure, Asked]
_Found = tuple[Table, tuple[UUID, ...]]  # and the patients whom it names


class Statistics(Service):
    """Counts what there is, by day, category, person, patient, format and result."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories
        self._counting = {figure: threading.Lock() for figure in Figure}
        self._guard = threading.Lock()
        self._counted: dict[_Key, _Found] = {}

    @performs(Action.DASHBOARD_SEE)
    def table(self, actor: Actor, figure: Figure, asked: Asked) -> Table:
        """Return one figure; a whole clinic's may be a minute old, and says of when it is.

        Of an image set, which is all that a reviewer is shown, it names pseudonyms, and no day and no person.
        Results that wait for the actor's own impression are not counted.
        """
        table, _patients = self._table(actor, figure, asked)
        return table

    @performs(Action.DASHBOARD_SEE)
    def csv(self, actor: Actor, figure: Figure, asked: Asked) -> Sheet:
        """Return one figure as a CSV file."""
        table, _patients = self._table(actor, figure, asked, "csv")
        name = f"{figure} {table.at:%Y-%m-%d}.csv"
        return Sheet(name, "text/csv; charset=utf-8", csv_stream(table.columns, table.rows))

    def _table(self, actor: Actor, figure: Figure, asked: Asked, kind: str = "") -> _Found:
        """Return a figure; whoever comes second waits for the first, and holds no connection meanwhile."""
        _check(asked)
        found = self._told(actor, figure, asked, kind, counts=False)
        if found is None:
            with self._counting[figure]:
                found = self._told(actor, figure, asked, kind, counts=True)
        assert found is not None
        return found

    def _told(self, actor: Actor, figure: Figure, asked: Asked, kind: str, *, counts: bool) -> _Found | None:
        """Return a figure as somebody may see it; None when it ``counts`` only what others count too."""
        with self._ledger.read(actor) as work:
            scope = figure_scopes.scope(work, asked, self._categories)
            if scope.shown is not None and figure not in OF_SETS:
                raise Forbidden(_("Days and names of colleagues are not told of an image set."))
            is_shared = scope.is_whole and not (figure in OF_RESULTS and analysis_rows.hides(work))
            found = self._known(work, (figure, asked)) if is_shared else None
            if found is None:
                if is_shared and not counts:
                    return None
                found = self._count(scope, figure)
                if is_shared:
                    self._keep((figure, asked), found)
            _record(work, scope, found[1], figure, kind)
            return found

    def _known(self, work: Work, key: _Key) -> _Found | None:
        """Return what was counted in this minute, unless it names somebody who has gone since."""
        with self._guard:
            found = self._counted.get(key)
        if found is None or work.at - found[0].at >= COUNTED or not image_figures.are_there(work, found[1]):
            return None
        return found

    def _keep(self, key: _Key, found: _Found) -> None:
        """Keep a figure for a minute, and nothing that is older: it may name people."""
        with self._guard:
            at = found[0].at
            held = {each: kept for each, kept in self._counted.items() if at - kept[0].at < COUNTED}
            self._counted = {} if len(held) >= _KEPT_AT_MOST else held
            self._counted[key] = found

    def _count(self, scope: Scope, figure: Figure) -> _Found:
        at, patients, step = scope.work.at, list[UUID](), None
        if figure is Figure.PATIENTS:
            rows, patients = image_figures.by_patient(scope)
        elif figure in _IN_TIME:
            rows, step = _IN_TIME[figure](scope, self._categories)
        else:
            rows = _AT_ONCE[figure](scope, self._categories)
        return Table(figure, tuple(rows), at, step, _SAMPLES.get(figure)), tuple(patients)


def _check(asked: Asked) -> None:
    if asked.set_id is not None and (asked.from_on or asked.to_on):
        raise Invalid(_("Days are not told of image sets, so nothing can be chosen by them."))
    if asked.from_on and asked.to_on and asked.from_on > asked.to_on:
        raise Invalid(_("The first day is after the last one."))


def _record(work: Work, scope: Scope, patients: tuple[UUID, ...], figure: Figure, kind: str) -> None:
    """Note the look: once in ten minutes at the screen, every time for a file."""
    about = {"field_names": [figure, kind] if kind else [], "once": not kind}
    if scope.asked.set_id is not None:
        work.record(Action.DASHBOARD_SEE, entity="image_set", entity_ids=[scope.asked.set_id], **about)
    elif scope.patient_id is not None:
        named = {"patient_id": scope.patient_id, "entity": "patient", "entity_ids": [scope.patient_id]}
        work.record(Action.DASHBOARD_SEE, **named, **about)
    else:
        work.record(Action.DASHBOARD_SEE, entity="patient" * bool(patients), entity_ids=patients, **about)
