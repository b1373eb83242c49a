"""Impressions: what clinicians think of an image themselves, kept beside what models say of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.tables import Batch, Image, Impression, Patient, User
from imgcore.domain import analyses
from imgcore.domain.access import Action, Actor
from imgcore.domain.analyses import NewImpression
from imgcore.errors import Invalid
from imgcore.services import analysis_rows, rows, sight
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _


class Impressions(Service):
    """Keeps impressions; none is ever changed, and no patient sees them."""

    @performs(Action.IMPRESSION_ADD)
    def add(self, actor: Actor, image_id: UUID, new: NewImpression) -> analyses.Impression:
        """Keep what the person thinks of an image; results that waited for it are shown from now on."""
        if not new.text and not new.risk_level:
            raise Invalid(_("Write what you think of the image, or choose a risk level."))
        if actor.user_id is None:
            raise Invalid(_("Only a person has an impression."))
        with self._ledger.write(actor) as work:
            image = sight.image(work, image_id, Action.IMPRESSION_ADD)
            row = Impression(
                image_id=image.id,
                patient_id=sight.owner(work, image),
                user_id=actor.user_id,
                text=new.text,
                risk_level=new.risk_level,
                created_at=work.at,
            )
            work.session.add(row)
            named = {"patient_id": row.patient_id, "entity": "impression", "entity_ids": [row.id]}
            work.record(Action.IMPRESSION_ADD, **named)
            work.session.flush()
            return _records(work, [row])[0]

    @performs(Action.IMPRESSION_SEE)
    def of_image(self, actor: Actor, image_id: UUID) -> tuple[analyses.Impression, ...]:
        """Return the impressions of an image, the oldest first.

        Where results are hidden until somebody has an own impression, so are those of others.
        """
        with self._ledger.read(actor) as work:
            image = sight.image(work, image_id, Action.IMPRESSION_SEE)
            wanted = select(Impression).where(Impression.image_id == image.id)
            found = work.session.exec(wanted.order_by(col(Impression.created_at), col(Impression.id))).all()
            has_own = any(row.user_id == actor.user_id for row in found)
            if self._settings.hide_results_until_impression and not has_own and not actor.is_system:
                found = []
            seen = {"entity": "impression", "entity_ids": [row.id for row in found]}
            work.record(Action.IMPRESSION_SEE, once=True, patient_id=sight.owner(work, image), **seen)
            return tuple(_records(work, found))

    @performs(Action.IMPRESSION_SEE)
    def of_images(self, actor: Actor, image_ids: Collection[UUID]) -> tuple[analyses.Impression, ...]:
        """Return the impressions of some images, as far as ``of_image`` would, the oldest first."""
        with self._ledger.read(actor) as work:
            wanted = select(Impression).join(Image, col(Impression.image_id) == col(Image.id))
            wanted = wanted.join(Batch, col(Image.batch_id) == col(Batch.id))
            wanted = wanted.join(Patient, col(Batch.patient_id) == col(Patient.id)).where(
                sight.among(work, col(Impression.image_id), list(image_ids)),
                rows.kept(),
                sight.patients(work, Action.IMPRESSION_SEE),
            )
            hidden = analysis_rows.hidden_images(work, image_ids)
            every = work.session.exec(wanted.order_by(col(Impression.created_at), col(Impression.id)))
            found = [row for row in every if row.image_id not in hidden]
            if found:
                seen = {"entity": "impression", "entity_ids": [row.id for row in found]}
                work.record(Action.IMPRESSION_SEE, once=True, **seen)
            return tuple(_records(work, found))


def _records(work: Work, found: Sequence[Impression]) -> list[analyses.Impression]:
    people = select(User.id, User.name).where(col(User.id).in_({row.user_id for row in found}))
    names = dict(work.session.exec(people).all())
    return [
        analyses.Impression(
            id=row.id,
            image_id=row.image_id,
            user_id=row.user_id,
            user_name=names.get(row.user_id, ""),
            text=row.text,
            risk_level=row.risk_level,
            created_at=row.created_at,
        )
        for row in found
    ]
