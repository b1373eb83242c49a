"""Many images run through a model: a job that takes up where it was broken off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field, model_validator
from sqlmodel import col

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import CAPTURE_QUALITY
from imgcore.domain.categories import CategorySet
from imgcore.domain.progress import Progress
from imgcore.domain.values import Short, Value
from imgcore.errors import FileRefused, Invalid, NotFound, ObjectMissing, Unavailable
from imgcore.services import analysis_rows, rows, sight
from imgcore.services.analysis_runs import AnalysisRuns, Outcome, Prepared, Wanted, copied
from imgcore.services.images import MOST_AT_ONCE
from imgcore.services.parallel import side_by_side
from imgcore.services.work import Ledger, Work
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.analysis import Analyser

FIRST, MOST = 4, 64  # how many images are looked at and written together, at first and at most
GROUP_SECONDS = 0.5  # how long a model may look at a group: a job that is broken off loses so much
LOOK_SECONDS = 0.2  # how often a model that takes long is asked whether it has done
LISTED = 200
MOST_SHOWN = 100
ENOUGH = 20  # errors of the model itself one after the other: it would be the same with the rest
R = TypeVar("R")


class AnalysisOptions(Value):
    """Which model, and of which images: exactly one of the last four; ``again`` also those it knows."""

    analyser: Short = CAPTURE_QUALITY
    again: bool = False
    image_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=MOST_AT_ONCE)
    batch_id: UUID | None = None
    patient_id: UUID | None = None
    image_set_id: UUID | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        named = (self.image_ids, self.batch_id, self.patient_id, self.image_set_id)
        if sum(each is not None for each in named) != 1:
            raise ValueError(_("name images, a batch, a patient or an image set, and only one of these"))
        return self


@dataclass
class _Tally:
    """What became of the images so far, and how many there are."""

    total: int
    computed: int = 0
    known: int = 0
    gone: int = 0
    failed: list[str] = field(default_factory=list)
    in_a_row: int = 0  # images that the model failed at for a reason of its own

    @property
    def done(self) -> int:
        return self.computed + self.known + self.gone + len(self.failed)

    def tell(self, progress: Progress) -> None:
        """Say how far it is; ``Stopped`` ends the job there."""
        progress(self.done, max(self.done, self.total))


@dataclass
class _Pace:
    """How many images fit into a group, by how long the model took with the last one."""

    size: int = field(default_factory=lambda: FIRST)

    def timed(self, predict: Callable[[Sequence[Prepared]], R], group: Sequence[Prepared]) -> R:
        """Let the model look at a group."""
        began = time.monotonic()
        answer = predict(group)
        if group:
            each = (time.monotonic() - began) / len(group)
            self.size = max(1, min(MOST, 2 * self.size, int(GROUP_SECONDS / max(each, 1e-6))))
        return answer


class AnalysisJobs:
    """Runs a model over many images; what it says is committed in small groups as it comes."""

    def __init__(self, ledger: Ledger, runs: AnalysisRuns, categories: CategorySet) -> None:
        self._ledger = ledger
        self._runs = runs
        self._categories = categories

    def prepare(self, actor: Actor, options: AnalysisOptions) -> dict[str, Any]:
        """Check that the model can run here, and that the person sees the images."""
        model = self._runs.analysers.get(options.analyser).model
        if model.missing:
            raise Invalid(model.missing)
        with self._ledger.read(actor) as work:
            if options.image_ids is not None:
                sight.image_values(work, options.image_ids, Action.RESULT_RUN)
            elif options.batch_id is not None:
                sight.batch(work, options.batch_id, Action.RESULT_RUN)
            elif options.patient_id is not None:
                sight.patient(work, options.patient_id, Action.RESULT_RUN)
            elif options.image_set_id is not None:
                analysis_rows.of_set(work, options.image_set_id, Action.SET_SEE, self._categories)
        return options.model_dump(mode="json", exclude_none=True)

    def run(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Go through the images; one that fails is counted and passed over, and can be run again.

        ``Unavailable`` when the model fails at every one: it is tried again later, and then given up.
        The next images are read, and the last results written, while the model looks at a group.
        """
        analyser, again = self._runs.analysers.get(ids["analyser"]), bool(ids.get("again"))
        tally, pace = _Tally(self._count(actor, ids)), _Pace()
        tally.tell(progress)
        threads = self._ledger.settings.decoders + 1
        wanted = self._wanted(actor, ids, tally)
        with side_by_side(partial(self._prepared, actor), wanted, threads) as ready:
            running: Future[list[Outcome]] | None = None
            for group in _groups(ready, pace):
                new, outcomes = self._split(actor, analyser, group, tally, again=again)
                if running is not None:
                    outcomes = [*outcomes, *_awaited(running, partial(tally.tell, progress))]
                running = _beside(partial(pace.timed, partial(self._runs.predict, analyser), new))
                self._keep(actor, analyser, outcomes, tally, again=again)
                tally.tell(progress)
            if running is not None:
                outcomes = _awaited(running, partial(tally.tell, progress))
                self._keep(actor, analyser, outcomes, tally, again=again)
        tally.tell(progress)
        return {
            "images": tally.done,
            "computed": tally.computed,
            "already_there": tally.known,
            "failed": len(tally.failed),
            "failed_images": tally.failed[:MOST_SHOWN],
            "gone": tally.gone,
        }

    def _prepared(self, actor: Actor, wanted: Wanted) -> Prepared | UUID:
        """Return what the model is given; the bare id when the original cannot be read."""
        try:
            return self._runs.prepare(actor, wanted)
        except (FileRefused, ObjectMissing, NotFound):
            return wanted.source.id

    def _split(
        self,
        actor: Actor,
        analyser: Analyser,
        group: Sequence[Prepared | UUID],
        tally: _Tally,
        *,
        again: bool,
    ) -> tuple[list[Prepared], list[Outcome]]:
        """Return what the model has to look at, and what it said of the same picture elsewhere."""
        tally.failed += [str(each) for each in group if isinstance(each, UUID)]
        readable = [each for each in group if isinstance(each, Prepared)]
        if again or not readable:
            return readable, []
        with self._ledger.read(actor) as work:
            known = self._runs.known(work, analyser.model, readable)
            elsewhere = [
                copied(each, known[each.image_id])
                for each in readable
                if each.image_id in known and known[each.image_id].image_id != each.image_id
            ]
        tally.known += len(known) - len(elsewhere)
        return [each for each in readable if each.image_id not in known], elsewhere

    def _keep(
        self, actor: Actor, analyser: Analyser, outcomes: Sequence[Outcome], tally: _Tally, *, again: bool
    ) -> None:
        if not outcomes:
            return
        kept = self._runs.keep(actor, analyser.model, outcomes, again=again)
        for each in outcomes:
            image_id = each.prepared.image_id
            if image_id not in kept:
                tally.gone += 1
            elif each.error:
                tally.failed.append(str(image_id))
            else:
                tally.computed += 1
            tally.in_a_row = tally.in_a_row + 1 if each.error and not each.is_of_picture else 0
            if tally.in_a_row >= ENOUGH:
                text = _(
                    "The model failed at {count} images one after the other, so the rest was left. {error}"
                )
                raise Unavailable(text.format(count=tally.in_a_row, error=each.error))

    def _wanted(self, actor: Actor, ids: dict[str, Any], tally: _Tally) -> Iterator[Wanted]:
        for lot in self._lots(actor, ids):
            with self._ledger.read(actor) as work:
                seen = [row[0] for row in work.session.execute(_theirs(work).where(_among(work, lot)))]
                found = self._runs.wanted(work, [each for each in lot if each in set(seen)])
            tally.gone += len(lot) - len(found)
            yield from found

    def _lots(self, actor: Actor, ids: dict[str, Any]) -> Iterator[Sequence[UUID]]:
        """Yield the ids of all images in lots: as they were named, in the order of the set, or by id."""
        if "batch_id" not in ids and "patient_id" not in ids:
            named = self._named(actor, ids)
            yield from (named[start : start + LISTED] for start in range(0, len(named), LISTED))
            return
        last: UUID | None = None
        while True:
            with self._ledger.read(actor) as work:
                wanted = _below(_theirs(work), ids).order_by(col(Image.id)).limit(LISTED)
                if last is not None:
                    wanted = wanted.where(col(Image.id) > last)
                found = list(work.session.scalars(wanted))
            yield found
            if len(found) < LISTED:
                return
            last = found[-1]

    def _named(self, actor: Actor, ids: dict[str, Any]) -> list[UUID]:
        if "image_ids" in ids:
            return list(dict.fromkeys(map(UUID, ids["image_ids"])))
        with self._ledger.read(actor) as work:
            set_id = UUID(ids["image_set_id"])
            return list(analysis_rows.of_set(work, set_id, Action.SET_SEE, self._categories))

    def _count(self, actor: Actor, ids: dict[str, Any]) -> int:
        if "batch_id" not in ids and "patient_id" not in ids:
            return len(self._named(actor, ids))
        with self._ledger.read(actor) as work:
            counted = sa.select(sa.func.count()).select_from(_below(_theirs(work), ids).subquery())
            return int(work.session.execute(counted).scalar_one())


def _theirs(work: Work) -> sa.Select[UUID]:
    """Return the query for the kept images that the person may have analysed."""
    wanted = sa.select(col(Image.id)).join(Batch, col(Image.batch_id) == col(Batch.id))
    wanted = wanted.join(Patient, col(Batch.patient_id) == col(Patient.id))
    return wanted.where(rows.kept(), sight.patients(work, Action.RESULT_RUN))


def _among(work: Work, lot: Sequence[UUID]) -> sa.ColumnElement[bool]:
    return sight.among(work, col(Image.id), lot)


def _below(wanted: sa.Select[UUID], ids: dict[str, Any]) -> sa.Select[UUID]:
    if "batch_id" in ids:
        return wanted.where(col(Batch.id) == UUID(ids["batch_id"]))
    return wanted.where(col(Patient.id) == UUID(ids["patient_id"]))


def _groups(ready: Iterator[Prepared | UUID], pace: _Pace) -> Iterator[list[Prepared | UUID]]:
    while group := list(islice(ready, pace.size)):
        yield group


def _beside(work: Callable[[], R]) -> Future[R]:
    """Begin something in a thread that nobody waits for when the server or the job ends."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # for whoever takes the result
            future.set_exception(error)

    threading.Thread(target=run, name="analysis", daemon=True).start()
    return future


def _awaited(future: Future[R], tell: Callable[[], None]) -> R:
    """Return the result; meanwhile ``tell`` may end it all."""
    while True:
        try:
            return future.result(timeout=LOOK_SECONDS)
        except NotYet:
            if future.done():  # then the work itself has run out of time
                raise
            tell()
