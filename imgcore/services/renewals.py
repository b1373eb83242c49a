"""Copies of many images made in one go: thumbnails, and what browsers show of other formats."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Action, Actor
from imgcore.domain.progress import Progress
from imgcore.domain.values import Value
from imgcore.errors import FileRefused, Invalid, NotFound, ObjectMissing
from imgcore.services import rows, sight
from imgcore.services.files import Kind, Renditions
from imgcore.services.parallel import side_by_side
from imgcore.services.work import Ledger, Work
from imgcore.texts import _

AT_ONCE = 500
MOST_SHOWN = 100


class RenewalOptions(Value):
    """Of which images: of one batch, of one patient, or of all; ``again`` also those that are there."""

    batch_id: UUID | None = None
    patient_id: UUID | None = None
    again: bool = False


class Renewals:
    """Makes the copies that are missing, or all of them again."""

    def __init__(self, ledger: Ledger, renditions: Renditions) -> None:
        self._ledger = ledger
        self._renditions = renditions

    def prepare(self, actor: Actor, options: RenewalOptions) -> dict[str, Any]:
        """Check that the person sees what it is about."""
        if options.batch_id is not None and options.patient_id is not None:
            raise Invalid(_("Please name a batch or a patient, not both."))
        with self._ledger.read(actor) as work:
            if options.batch_id is not None:
                sight.batch(work, options.batch_id, Action.IMAGE_EDIT)
            elif options.patient_id is not None:
                sight.patient(work, options.patient_id, Action.IMAGE_EDIT)
        return options.model_dump(mode="json", exclude_none=True)

    def make(self, actor: Actor, ids: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Go through the images; one whose original cannot be read is counted and passed over."""
        made, failed, done = 0, list[str](), 0
        total = self._count(actor, ids)
        progress(0, total)
        one = partial(self._of_one, actor, bool(ids.get("again")))
        threads = self._ledger.settings.decoders + 1
        with side_by_side(one, self._images(actor, ids), threads) as results:
            for image_id, count in results:
                if count is None:
                    failed.append(str(image_id))
                made, done = made + (count or 0), done + 1
                progress(done, max(done, total))
        return {"images": done, "made": made, "failed": len(failed), "failed_images": failed[:MOST_SHOWN]}

    def _of_one(self, actor: Actor, again: bool, wanted: tuple[UUID, bool]) -> tuple[UUID, int | None]:
        """Return how many copies of an image were made; None when they could not be."""
        image_id, browser_shows = wanted
        kinds: tuple[Kind, ...] = ("thumbnail",) if browser_shows else ("thumbnail", "display")
        made = 0
        try:
            for kind in kinds:
                with self._ledger.read(actor) as work:
                    source = self._renditions.source(work, image_id, kind)
                if source is not None:  # else it went to the trash meanwhile
                    made += self._renditions.ensure(actor, source, kind, again=again)
        except (FileRefused, ObjectMissing, NotFound):
            return image_id, None
        return image_id, made

    def _count(self, actor: Actor, ids: dict[str, Any]) -> int:
        with self._ledger.read(actor) as work:
            found = sa.select(sa.func.count()).select_from(_wanted(work, ids).subquery())
            return int(work.session.execute(found).scalar_one())

    def _images(self, actor: Actor, ids: dict[str, Any]) -> Iterator[tuple[UUID, bool]]:
        last: UUID | None = None
        while True:
            with self._ledger.read(actor) as work:
                wanted = _wanted(work, ids).order_by(col(Image.id)).limit(AT_ONCE)
                if last is not None:
                    wanted = wanted.where(col(Image.id) > last)
                found = [(image_id, shows) for image_id, shows in work.session.execute(wanted)]
            yield from found
            if len(found) < AT_ONCE:
                return
            last = found[-1][0]


def _wanted(work: Work, ids: dict[str, Any]) -> sa.Select[UUID, bool]:
    wanted = sa.select(col(Image.id), col(Image.browser_shows)).where(rows.kept())
    wanted = wanted.join(Batch, col(Image.batch_id) == col(Batch.id))
    wanted = wanted.join(Patient, col(Batch.patient_id) == col(Patient.id))
    wanted = wanted.where(sight.patients(work, Action.IMAGE_EDIT))
    if "batch_id" in ids:
        wanted = wanted.where(col(Batch.id) == UUID(ids["batch_id"]))
    if "patient_id" in ids:
        wanted = wanted.where(col(Patient.id) == UUID(ids["patient_id"]))
    return wanted
