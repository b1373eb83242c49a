"""A lot of files of one batch: the steps of an upload, with one transaction before and one after for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.records import Stored
from imgcore.errors import ImgcoreError, Unavailable
from imgcore.services import arrivals, sight
from imgcore.services.arrivals import Arrival, Plan
from imgcore.services.work import Ledger
from imgcore.storage import ObjectStore
from imgcore.texts import _

PUTS = 4  # files on their way to the store at a time


class Lots:
    """Stores what was checked; each commit costs a wait for the disk, which many files can share."""

    def __init__(self, ledger: Ledger, store: ObjectStore, categories: CategorySet) -> None:
        self._ledger = ledger
        self._store = store
        self._categories = categories

    def keep(self, actor: Actor, batch_id: UUID, lot: Sequence[Arrival]) -> Iterator[Stored | ImgcoreError]:
        """Yield what became of each file, in their order; a store that fails spoils no file but its own."""
        plans = self._begin(actor, batch_id, lot)
        failpoints.reach(FailPoint.UPLOAD_PENDING)
        with ThreadPoolExecutor(PUTS, thread_name_prefix="put") as threads:
            put = list(threads.map(self._put, lot, plans))
        ready = [(plan, each) for plan, each, fault in zip(plans, lot, put, strict=True) if fault is None]
        stored = self._finish(actor, [(plan, each) for plan, each in ready if isinstance(plan, Plan)])
        failpoints.reach(FailPoint.UPLOAD_READY)
        for plan, fault in zip(plans, put, strict=True):
            yield fault or (stored[plan.image_id] if isinstance(plan, Plan) else plan)

    def _begin(self, actor: Actor, batch_id: UUID, lot: Sequence[Arrival]) -> list[Plan | Stored]:
        """Insert the pending rows; a file that the batch holds already needs none."""
        with self._ledger.draft(actor) as work:
            batch = sight.batch(work, batch_id, Action.IMAGE_UPLOAD)
            plans: list[Plan | Stored] = []
            for each in lot:
                there = arrivals.same_in_batch(work, each)
                if there is not None:
                    plans.append(Stored(there, already_there=True))
                else:
                    plans.append(arrivals.begin(work, batch, each, self._categories))
            return plans

    def _put(self, arrival: Arrival, plan: Plan | Stored) -> ImgcoreError | None:
        if isinstance(plan, Stored):
            return None
        try:
            mime_type = arrival.prepared.facts.mime_type
            self._store.put(plan.key, arrival.file.path, content_type=mime_type, sha256=arrival.file.sha256)
            failpoints.reach(FailPoint.UPLOAD_ORIGINAL_PUT)
            arrivals.put_rendition(self._store, plan.thumbnail_key, arrival.prepared.thumbnail.path)
            failpoints.reach(FailPoint.UPLOAD_THUMBNAIL_PUT)
        except ImgcoreError as error:
            return error
        return None

    def _finish(
        self, actor: Actor, ready: Sequence[tuple[Plan, Arrival]]
    ) -> dict[UUID, Stored | ImgcoreError]:
        """Make the rows ready; what a sweep took back meanwhile is removed, since nobody else will."""
        if not ready:
            return {}
        with self._ledger.write(actor) as work:
            found = {plan.image_id: arrivals.finish(work, plan, arrival) for plan, arrival in ready}
        late = [plan for plan, _arrival in ready if found[plan.image_id] is None]
        self._store.delete([key for plan in late for key in (plan.key, plan.thumbnail_key)])
        too_late = Unavailable(_("The upload took too long and was taken back. Please try again."))
        return {image_id: stored or too_late for image_id, stored in found.items()}
