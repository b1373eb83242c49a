"""Image sets: pictures put together for others to look at, under pseudonyms and within the consents."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.journal import GivenSet, ImageSet, ImageSetItem
from imgcore.db.tables import Batch, Image, Patient, User
from imgcore.domain import sets
from imgcore.domain.access import Action, Actor, Reach, Role, reach
from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Page
from imgcore.domain.sets import Given, Made, NewImageSet, Purpose, Reviewer, SetItem
from imgcore.errors import Conflict, Invalid, NotFound
from imgcore.services import set_contents, sight
from imgcore.services.pages import Order, Turn, page_of
from imgcore.services.set_contents import Content
from imgcore.services.work import Ledger, Service, Work, performs
from imgcore.texts import _, ngettext

# Without letters and digits that look alike.
_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 6


class ImageSets(Service):
    """Makes image sets, gives them to reviewers, and shows them to whoever may see them."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.SET_CREATE)
    def create(self, actor: Actor, new: NewImageSet) -> Made:
        """Freeze a set; identity documents are left out, and ``Conflict`` says whose consent is missing."""
        with self._ledger.write(actor) as work:
            found = sight.images(work, new.image_ids, Action.SET_CREATE)
            kept = [each for each in found if not self._categories.get(each.category).is_identity_document]
            if not kept:
                raise Invalid(_("Identity documents are not passed on, and no other picture was chosen."))
            owners = _owners(work, kept)
            _require_consent(work, new.purpose, set(owners.values()))
            row = ImageSet(
                name=new.name,
                purpose=new.purpose,
                note=new.note,
                created_at=work.at,
                created_by=actor.user_id,
                frozen_at=work.at,
                hash=set_contents.hash_of((place, each.sha256) for place, each in enumerate(kept, start=1)),
                size=len(kept),
            )
            work.session.add(row)
            work.session.flush()
            _fill(work, row, kept, owners)
            held = set_contents.contents(work, [row], self._categories)[row.id]
            set_contents.record(work, Action.SET_CREATE, held, "image_set", [row.id], with_images=False)
            return Made(self._record(work, row), len(found) - len(kept))

    @performs(Action.SET_SEE)
    def all(self, actor: Actor, turn: Turn | None = None) -> Page[sets.ImageSet]:
        """Return the sets that the person may see, the newest first."""
        with self._ledger.read(actor) as work:
            wanted = select(ImageSet).where(set_contents.visible(work, Action.SET_SEE))
            order = Order((col(ImageSet.created_at), col(ImageSet.id)), newest_first=True)
            records_of = partial(set_contents.records, work, categories=self._categories)
            page = page_of(work, wanted, order, turn or Turn(), records_of, exact=False)
            seen = [each.id for each in page.items]
            work.record(Action.SET_SEE, entity="image_set", entity_ids=seen, once=True)
            return page

    @performs(Action.SET_SEE)
    def get(self, actor: Actor, set_id: UUID) -> sets.ImageSet:
        """Return one set: how much of it is shown now, and whether its hash still fits."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_SEE)
            work.record(Action.SET_SEE, entity="image_set", entity_ids=[row.id], once=True)
            return self._record(work, row)

    @performs(Action.SET_SEE)
    def items(self, actor: Actor, set_id: UUID, turn: Turn | None = None) -> Page[SetItem]:
        """Return the pictures of a set in their order; reviewers are not told of what is withheld."""
        turn, for_staff = turn or Turn(), reach(actor, Action.SET_SEE) is Reach.CLINIC
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_SEE)
            held: Sequence[Content] = set_contents.contents(work, [row], self._categories)[row.id]
            listed = held if for_staff else set_contents.shown(held)
            part = listed[(turn.page - 1) * turn.page_size : turn.page * turn.page_size]
            seen = set_contents.shown(part)
            set_contents.record(work, Action.SET_SEE, seen, "image", once=True)
            tell = partial(set_contents.item, categories=self._categories, for_staff=for_staff)
            return Page(tuple(map(tell, part)), len(listed), turn.page, turn.page_size)

    @performs(Action.SET_EDIT)
    def reviewers(self, actor: Actor) -> tuple[Reviewer, ...]:
        """Return everybody whom a set can be given, by name."""
        with self._ledger.read(actor) as work:
            wanted = select(User).where(User.role == Role.REVIEWER, col(User.is_active))
            found = work.session.exec(wanted.order_by(col(User.name), col(User.id)))
            return tuple(Reviewer(each.id, each.name, each.email) for each in found)

    @performs(Action.SET_EDIT)
    def give(self, actor: Actor, set_id: UUID, user_id: UUID, ends_at: datetime | None = None) -> None:
        """Let a reviewer see a set, until ``ends_at`` where that is named; once more changes the end."""
        if ends_at is not None and ends_at.tzinfo is None:
            raise Invalid(_("The end needs a time zone."))
        with self._ledger.write(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_EDIT)
            user = work.session.get(User, user_id)
            if user is None or user.role != Role.REVIEWER or not user.is_active:
                raise Invalid(_("Image sets are given to reviewers only."))
            if ends_at is not None and ends_at <= work.at:
                raise Invalid(_("The end must be in the future."))
            given = work.session.get(GivenSet, (row.id, user.id))
            given = given or GivenSet(image_set_id=row.id, user_id=user.id, given_at=work.at)
            given.given_by, given.ends_at = actor.user_id, ends_at
            work.session.add(given)
            self._note_edit(work, row, user.id)

    @performs(Action.SET_EDIT)
    def take_back(self, actor: Actor, set_id: UUID, user_id: UUID) -> None:
        """Let a reviewer no longer see a set, from now on."""
        with self._ledger.write(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_EDIT)
            given = work.session.get(GivenSet, (row.id, user_id))
            if given is None:
                raise NotFound(_("This person does not have the image set."))
            work.session.delete(given)
            self._note_edit(work, row, user_id)

    @performs(Action.SET_EDIT)
    def given_to(self, actor: Actor, set_id: UUID) -> tuple[Given, ...]:
        """Return who has a set and until when, by name."""
        with self._ledger.read(actor) as work:
            row = set_contents.find(work, set_id, Action.SET_EDIT)
            work.record(Action.SET_SEE, entity="image_set", entity_ids=[row.id], once=True)
            wanted = select(GivenSet, User).join(User, col(GivenSet.user_id) == col(User.id))
            found = work.session.exec(
                wanted.where(GivenSet.image_set_id == row.id).order_by(col(User.name), col(User.id))
            )
            return tuple(_given(each, user, work.at) for each, user in found)

    def _record(self, work: Work, row: ImageSet) -> sets.ImageSet:
        return set_contents.records(work, [row], self._categories)[0]

    def _note_edit(self, work: Work, row: ImageSet, user_id: UUID) -> None:
        """Write for each patient who was given or denied the set; the first id is the set's."""
        held = set_contents.contents(work, [row], self._categories)[row.id]
        set_contents.record(work, Action.SET_EDIT, held, "image_set", [row.id, user_id], with_images=False)
        if not held:
            work.record(Action.SET_EDIT, entity="image_set", entity_ids=[row.id, user_id])


def _given(row: GivenSet, user: User, at: datetime) -> Given:
    ended = row.ends_at is not None and row.ends_at <= at
    return Given(user.id, user.name, user.email, row.given_at, row.ends_at, ended)


def _owners(work: Work, images: Iterable[Image]) -> dict[UUID, UUID]:
    """Return the patient of each batch that the images are in."""
    wanted = select(Batch.id, Batch.patient_id).where(col(Batch.id).in_({each.batch_id for each in images}))
    return dict(work.session.exec(wanted).all())


def _require_consent(work: Work, purpose: Purpose, patient_ids: set[UUID]) -> None:
    """Raise ``Conflict`` unless every patient agreed; every later look asks again."""
    found = work.session.exec(select(Patient).where(col(Patient.id).in_(patient_ids)))
    missing = sum(not set_contents.consent(patient, purpose).holds for patient in found)
    if missing:
        texts = {
            "record": ngettext(
                "The patient's consent to the medical record is missing or withdrawn.",
                "The consent to the medical record is missing or withdrawn for {count} patients.",
                missing,
            ),
            "teaching": ngettext(
                "The patient's consent to teaching is missing or withdrawn.",
                "The consent to teaching is missing or withdrawn for {count} patients.",
                missing,
            ),
            "publication": ngettext(
                "The patient's consent to publication is missing or withdrawn.",
                "The consent to publication is missing or withdrawn for {count} patients.",
                missing,
            ),
        }
        raise Conflict(texts[purpose], hint=_("Record the consent on the patient's page first."))


def _fill(work: Work, row: ImageSet, images: Sequence[Image], owners: Mapping[UUID, UUID]) -> None:
    """Put the images on places from 1, each under the pseudonym that its patient has in this set only."""
    pseudonyms = _pseudonyms(dict.fromkeys(owners[each.batch_id] for each in images))
    for place, each in enumerate(images, start=1):
        patient_id = owners[each.batch_id]
        work.session.add(
            ImageSetItem(
                image_set_id=row.id,
                image_id=each.id,
                patient_id=patient_id,
                place=place,
                pseudonym=pseudonyms[patient_id],
            )
        )
    work.session.flush()


def _pseudonyms(patient_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return a name for each patient that is drawn by lot: nothing leads from it to the patient."""
    named: dict[UUID, str] = {}
    for patient_id in patient_ids:
        name = ""
        while not name or name in named.values():
            name = "P-" + "".join(secrets.choice(_SIGNS) for _sign in range(_LENGTH))
        named[patient_id] = name
    return named
