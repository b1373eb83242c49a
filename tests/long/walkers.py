"""The people of a random walk: what each can do next, and which audit lines that must leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from imgcore.domain.access import Action, Actor, Role, visitor
from imgcore.domain.values import BatchFields, ImageFields, NewBatch, NewPatient, NewVisit, PatientFields
from imgcore.errors import Forbidden, NotFound, Unauthenticated
from imgcore.services.audit import Asked
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from tests.services.clinics import DESK, PASSWORD, House, ids, photo

STAFF = 4
MOST_IMAGES = 40  # of a batch, so that a list of it is one page


class Told(NamedTuple):
    """What an audit line tells, without its ids."""

    actor_id: UUID | None
    action: str
    outcome: str
    patient_id: UUID | None
    rows: int


@dataclass
class Kept:
    """A batch as the walk knows it."""

    id: UUID
    images: list[UUID] = field(default_factory=list)
    trashed: list[UUID] = field(default_factory=list)


@dataclass
class Known:
    """A patient as the walk knows them, and who may see them."""

    id: UUID
    team: set[UUID | None]
    batches: list[Kept] = field(default_factory=list)


Step = Callable[[Actor, Known], "list[Told] | None"]


class Walkers:
    """Several people who do something by chance; a step that is not possible now is drawn anew."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.house, self.services, self.chance = house, house.services, chance
        self.in_teams = house.services.settings.access == "care_team"
        house.admin = house.person(Role.ADMIN)
        self.staff = [house.admin, *(house.person(Role.CLINICIAN) for _ in range(STAFF - 1))]
        self.reviewer = house.person(Role.REVIEWER)
        self.patients: list[Known] = []
        self.seed = 0
        self.steps: Sequence[Step] = (
            self.see_patient, self.see_patient_twice, self.edit_patient, self.add_batch, self.see_batches,
            self.rename_batch, self.upload, self.upload, self.upload_broken, self.upload_again,
            self.see_images, self.see_images, self.see_image, self.display, self.download, self.download_zip,
            self.caption, self.categorise, self.caption_and_undo, self.move, self.trash, self.restore,
            self.add_visit, self.look_up_looks, self.take_receipt, self.look_at_audit, self.find,
            self.sign_in, self.sign_in_wrongly, self.be_refused, self.see_hidden, self.change_hidden,
        )  # fmt: skip

    def act(self) -> tuple[str, list[Told]]:
        """Let somebody do something; return its name and the lines that it must have left."""
        if len(self.patients) < STAFF or self.chance.random() < 0.01:
            return "add_patient", self.add_patient(self.chance.choice(self.staff))
        while True:
            who, patient = self.chance.choice(self.staff), self.chance.choice(self.patients)
            step = self.chance.choice(self.steps)
            is_hidden = self.in_teams and who.user_id not in patient.team
            if is_hidden is (step in (self.see_hidden, self.change_hidden)):
                told = step(who, patient)
                if told is not None:
                    return step.__name__, told

    def add_patient(self, who: Actor) -> list[Told]:
        patient = self.services.patients.create(who, NewPatient(name=f"Patient {len(self.patients)}"))
        self.patients.append(Known(patient.id, {who.user_id}))
        return [_done(who, Action.PATIENT_CREATE, patient.id)]

    def see_patient(self, who: Actor, patient: Known) -> list[Told]:
        self.services.patients.get(who, patient.id)
        return [_done(who, Action.PATIENT_SEE, patient.id)]

    def see_patient_twice(self, who: Actor, patient: Known) -> list[Told]:
        self.see_patient(who, patient)
        return self.see_patient(who, patient)

    def edit_patient(self, who: Actor, patient: Known) -> list[Told]:
        self.services.patients.edit(who, patient.id, PatientFields(notes=str(self._next())))
        return [_done(who, Action.PATIENT_EDIT, patient.id)]

    def add_batch(self, who: Actor, patient: Known) -> list[Told] | None:
        if len(patient.batches) > 8:
            return None
        batch = self.services.batches.create(who, patient.id, NewBatch(name=f"Batch {self._next()}"))
        patient.batches.append(Kept(batch.id))
        return [_done(who, Action.BATCH_CREATE, patient.id)]

    def see_batches(self, who: Actor, patient: Known) -> list[Told]:
        self.services.batches.of_patient(who, patient.id)
        return [_done(who, Action.BATCH_SEE, patient.id, len(patient.batches))]

    def rename_batch(self, who: Actor, patient: Known) -> list[Told] | None:
        if (batch := self._batch(patient)) is None:
            return None
        self.services.batches.edit(who, batch.id, BatchFields(name=f"Batch {self._next()}"))
        return [_done(who, Action.BATCH_EDIT, patient.id)]

    def upload(self, who: Actor, patient: Known) -> list[Told] | None:
        batch, count = self._batch(patient), self.chance.randint(1, 3)
        if batch is None or len(batch.images) + len(batch.trashed) > MOST_IMAGES:
            return None
        received = self.house.upload(batch.id, *(photo(self._next()) for _ in range(count)), actor=who)
        batch.images += ids([each.image for each in received.uploaded])
        return [_done(who, Action.IMAGE_UPLOAD, patient.id)] * count

    def upload_broken(self, who: Actor, patient: Known) -> list[Told] | None:
        batch = self._batch(patient)
        if batch is None or len(batch.images) + len(batch.trashed) > MOST_IMAGES:
            return None
        received = self.house.upload(batch.id, b"none", photo(self._next()), b"neither", actor=who)
        batch.images += ids([each.image for each in received.uploaded])
        refused = Told(who.user_id, Action.IMAGE_UPLOAD, "refused", patient.id, 2)
        return [_done(who, Action.IMAGE_UPLOAD, patient.id), refused]

    def upload_again(self, who: Actor, patient: Known) -> list[Told] | None:
        """Send the same file twice: the second time nothing is stored."""
        batch = self._batch(patient)
        if batch is None or len(batch.images) + len(batch.trashed) > MOST_IMAGES:
            return None
        content = photo(self._next())
        for _ in range(2):
            received = self.house.upload(batch.id, content, actor=who)
        batch.images += ids([each.image for each in received.uploaded])
        return [_done(who, Action.IMAGE_UPLOAD, patient.id)]

    def see_images(self, who: Actor, patient: Known) -> list[Told] | None:
        if (batch := self._batch(patient)) is None:
            return None
        self.services.images.list(who, Filter(batch_id=batch.id), Turn(page_size=100))
        return [_done(who, Action.IMAGE_SEE, patient.id, len(batch.images))]

    def see_image(self, who: Actor, patient: Known) -> list[Told] | None:
        if (image_id := self._image(patient)) is None:
            return None
        self.services.images.get(who, image_id)
        self.services.files.thumbnail(who, image_id)  # leaves no line
        return [_done(who, Action.IMAGE_SEE, patient.id)]

    def display(self, who: Actor, patient: Known) -> list[Told] | None:
        if (image_id := self._image(patient)) is None:
            return None
        for _ in range(3):
            self.services.files.display(who, image_id)
        return [_done(who, Action.IMAGE_SEE, patient.id)]

    def download(self, who: Actor, patient: Known) -> list[Told] | None:
        if (image_id := self._image(patient)) is None:
            return None
        self.services.files.original(who, image_id)
        return [_done(who, Action.IMAGE_DOWNLOAD, patient.id)]

    def download_zip(self, who: Actor, patient: Known) -> list[Told] | None:
        batch = self._batch(patient)
        if batch is None or not batch.images:
            return None
        self.services.downloads.batch(who, batch.id)
        return [_done(who, Action.BATCH_DOWNLOAD, patient.id, len(batch.images))]

    def caption(self, who: Actor, patient: Known) -> list[Told] | None:
        if (image_id := self._image(patient)) is None:
            return None
        self.services.images.edit(who, image_id, ImageFields(caption=str(self._next())))
        return [_done(who, Action.IMAGE_EDIT, patient.id)]

    def categorise(self, who: Actor, patient: Known) -> list[Told] | None:
        batch = self._batch(patient)
        if batch is None or not batch.images:
            return None
        chosen = self.chance.sample(batch.images, self.chance.randint(1, len(batch.images)))
        code = self.chance.choice(["casts", "afo", "cmo"])
        self.services.images.edit_many(who, chosen, ImageFields(category=code))
        return [_done(who, Action.IMAGE_EDIT, patient.id, len(chosen))]

    def caption_and_undo(self, who: Actor, patient: Known) -> list[Told] | None:
        if (image_id := self._image(patient)) is None:
            return None
        _image, change_id = self.services.images.edit(who, image_id, ImageFields(caption=str(self._next())))
        self.services.history.undo(who, change_id)
        return [_done(who, action, patient.id) for action in (Action.IMAGE_EDIT, Action.CHANGE_UNDO)]

    def move(self, who: Actor, patient: Known) -> list[Told] | None:
        """Move images within a patient, or to another one of the person's: then both get a line."""
        source = self._batch(patient)
        target = self.chance.choice([each for each in self.patients if self._may(who, each)])
        goal = self._batch(target)
        if source is None or goal is None or source is goal or not source.images:
            return None
        if len(goal.images) + len(goal.trashed) > MOST_IMAGES:
            return None
        chosen = self.chance.sample(source.images, 1)
        self.services.images.move(who, chosen, goal.id, "wrong patient")
        source.images.remove(chosen[0])
        goal.images += chosen
        return [_done(who, Action.IMAGE_MOVE, each) for each in {patient.id, target.id}]

    def trash(self, who: Actor, patient: Known) -> list[Told] | None:
        batch = self._batch(patient)
        if batch is None or not batch.images:
            return None
        gone = self.chance.sample(batch.images, self.chance.randint(1, min(3, len(batch.images))))
        self.services.trash.images(who, gone)
        batch.images = [each for each in batch.images if each not in gone]
        batch.trashed += gone
        return [_done(who, Action.IMAGE_TRASH, patient.id, len(gone))]

    def restore(self, who: Actor, patient: Known) -> list[Told] | None:
        batch = self._batch(patient)
        if batch is None or not batch.trashed:
            return None
        self.services.trash.restore_images(who, batch.trashed)
        count, batch.images, batch.trashed = len(batch.trashed), batch.images + batch.trashed, []
        return [_done(who, Action.IMAGE_RESTORE, patient.id, count)]

    def add_visit(self, who: Actor, patient: Known) -> list[Told]:
        self.services.visits.create(who, patient.id, NewVisit(note=str(self._next())))
        return [_done(who, Action.VISIT_CREATE, patient.id)]

    def look_up_looks(self, who: Actor, patient: Known) -> list[Told]:
        for _ in range(2):
            self.services.looks.of_patient(who, patient.id)
        return [_done(who, Action.LOOKS_SEE, patient.id)]

    def take_receipt(self, who: Actor, patient: Known) -> list[Told]:
        list(self.services.looks.table(who, patient.id).chunks)
        return [_done(who, Action.LOOKS_SEE, patient.id)]

    def look_at_audit(self, who: Actor, patient: Known) -> list[Told]:
        if who.role is Role.ADMIN:
            self.services.audit.list(who, Asked(patient_ref=str(patient.id)))
            return [_done(who, Action.AUDIT_SEE, patient.id)]
        return self._refused(who, Action.AUDIT_SEE, lambda: self.services.audit.list(who, Asked()))

    def find(self, who: Actor, _patient: Known) -> list[Told]:
        count = min(50, sum(self._may(who, each) for each in self.patients))
        self.services.patients.find(who)
        return [_done(who, Action.PATIENT_SEE, None, count)]

    def sign_in(self, who: Actor, _patient: Known) -> list[Told]:
        self.services.sign_in.open(DESK, who.email, PASSWORD)
        return [_done(who, Action.SIGN_IN, None)]

    def sign_in_wrongly(self, who: Actor, _patient: Known) -> list[Told]:
        try:
            self.services.sign_in.open(visitor(DESK.address), f"{self._next()}@clinic.example", "wrong")
        except Unauthenticated:
            return [Told(None, Action.SIGN_IN, "refused", None, 0)]
        raise AssertionError("a wrong password was taken")

    def be_refused(self, _who: Actor, patient: Known) -> list[Told]:
        new = NewPatient(name="Nobody")
        ask = lambda: self.services.patients.create(self.reviewer, new)  # noqa: E731
        return self._refused(self.reviewer, Action.PATIENT_CREATE, ask)

    def see_hidden(self, who: Actor, patient: Known) -> list[Told]:
        return self._hidden(
            who, Action.PATIENT_SEE, patient, lambda: self.services.patients.get(who, patient.id)
        )

    def change_hidden(self, who: Actor, patient: Known) -> list[Told]:
        fields = PatientFields(notes="mine")
        return self._hidden(
            who, Action.PATIENT_EDIT, patient, lambda: self.services.patients.edit(who, patient.id, fields)
        )

    def _hidden(self, who: Actor, action: Action, patient: Known, ask: Callable[[], object]) -> list[Told]:
        try:
            ask()
        except NotFound:
            return [Told(who.user_id, action, "refused", patient.id, 1)]
        raise AssertionError("another team's patient was there")

    def _refused(self, who: Actor, action: Action, ask: Callable[[], object]) -> list[Told]:
        try:
            ask()
        except Forbidden:
            return [Told(who.user_id, action, "refused", None, 0)]
        raise AssertionError("a role did what it may not")

    def _may(self, who: Actor, patient: Known) -> bool:
        return not self.in_teams or who.user_id in patient.team

    def _batch(self, patient: Known) -> Kept | None:
        return self.chance.choice(patient.batches) if patient.batches else None

    def _image(self, patient: Known) -> UUID | None:
        batch = self._batch(patient)
        return self.chance.choice(batch.images) if batch is not None and batch.images else None

    def _next(self) -> int:
        self.seed += 1
        return self.seed


def _done(who: Actor, action: Action, patient_id: UUID | None, count: int = 1) -> Told:
    return Told(who.user_id, action, "done", patient_id, count)
