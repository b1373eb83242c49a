"""The images of a visit: everybody who may see them sees them, its clinician adds and changes them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from imgcore.db.tables import Batch, Visit
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.records import Page, Received, Refused
from imgcore.domain.values import ImageFields
from imgcore.errors import Forbidden, NotFound
from imgcore.services import sight
from imgcore.services.images import Filter, Images
from imgcore.services.pages import Turn
from imgcore.services.trash import Trash
from imgcore.services.uploads import Offered, Uploads
from imgcore.services.visits import Visits
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _


class VisitImages(Service):
    """Stands before the other services where images are reached through their visit.

    What changes one is for the clinician of the visit and for administrators.
    """

    def __init__(
        self, ledger: Ledger, visits: Visits, images: Images, uploads: Uploads, trash: Trash
    ) -> None:
        super().__init__(ledger)
        self._visits = visits
        self._images = images
        self._uploads = uploads
        self._trash = trash

    @performs(Action.IMAGE_SEE)
    def list(self, actor: Actor, visit_id: UUID, turn: Turn | None = None) -> Page[records.Image]:
        """Return the images of a visit: the primary one, then the newest first."""
        return self._images.list(actor, Filter(visit_id=visit_id), turn)

    @performs(Action.IMAGE_SEE)
    def get(self, actor: Actor, image_id: UUID) -> records.Image:
        """Return one image's data; ``NotFound`` when it belongs to no visit."""
        with self._ledger.read(actor) as work:
            _visit_of(work, image_id, Action.IMAGE_SEE)
        return self._images.get(actor, image_id)

    @performs(Action.IMAGE_UPLOAD)
    def check(self, actor: Actor, visit_id: UUID) -> None:
        """Raise before the first byte is read when images cannot be added by this person."""
        with self._ledger.read(actor) as work:
            _require_own(work, sight.visit(work, visit_id, Action.IMAGE_UPLOAD), Action.IMAGE_UPLOAD)

    @performs(Action.IMAGE_UPLOAD)
    def store(
        self, actor: Actor, visit_id: UUID, offered: Sequence[Offered | Refused], *, key: str | None = None
    ) -> Received:
        """Store files in the visit's batch, which is made for the first; see ``Uploads.store``."""
        self.check(actor, visit_id)
        return self._uploads.store(actor, self._visits.batch(actor, visit_id), offered, key=key)

    @performs(Action.IMAGE_EDIT)
    def edit(
        self, actor: Actor, image_id: UUID, fields: ImageFields, version: int | None = None
    ) -> tuple[records.Image, UUID | None]:
        """Change the named fields; return the image and the change to undo it by."""
        self._check_image(actor, image_id, Action.IMAGE_EDIT)
        return self._images.edit(actor, image_id, fields, version)

    @performs(Action.IMAGE_TRASH)
    def trash(self, actor: Actor, image_id: UUID) -> UUID:
        """Put an image into the trash; return the change to undo it by."""
        self._check_image(actor, image_id, Action.IMAGE_TRASH)
        return self._trash.images(actor, [image_id])

    def _check_image(self, actor: Actor, image_id: UUID, action: Action) -> None:
        with self._ledger.read(actor) as work:
            _require_own(work, _visit_of(work, image_id, action), action)


def _visit_of(work: Work, image_id: UUID, action: Action) -> Visit:
    row = sight.image(work, image_id, action)
    visit_id = work.session.get_one(Batch, row.batch_id).visit_id
    if visit_id is None:
        raise NotFound(_("This image belongs to no visit."))
    return work.session.get_one(Visit, visit_id)


def _require_own(work: Work, visit: Visit, action: Action) -> None:
    if work.actor.role is Role.ADMIN or visit.clinician_id == work.actor.user_id:
        return
    work.refusals.append(
        Line(action, "refused", patient_id=visit.patient_id, entity="visit", entity_ids=[visit.id])
    )
    raise Forbidden(
        _("Only the clinician of this visit may do this."),
        hint=_("Ask them, or an administrator of your clinic."),
    )
