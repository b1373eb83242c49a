from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest

from imgcore.domain import records
from imgcore.domain.access import Actor, Role
from imgcore.domain.values import ImageFields, NewBatch, NewVisit
from imgcore.errors import Forbidden, NotFound
from imgcore.services.pages import Turn
from imgcore.services.visit_images import VisitImages
from tests.services.clinics import House, ids, photo
from tests.services.databases import on_both


@dataclass(frozen=True)
class Consultation:
    """A visit of a doctor's, with images in it."""

    house: House
    doctor: Actor
    visit: records.Visit
    images: list[records.Image]

    @property
    def service(self) -> VisitImages:
        return self.house.services.visit_images

    @property
    def listed(self) -> list[UUID]:
        return ids(list(self.service.list(self.doctor, self.visit.id).items))

    def store(self, actor: Actor) -> records.Received:
        return self.service.store(actor, self.visit.id, [self.house.offered(photo(99))])


@pytest.fixture
def consultation(clinic: House) -> Consultation:
    doctor = clinic.person(Role.CLINICIAN)
    visit = clinic.services.visits.create(doctor, clinic.patient().id, NewVisit())
    offered = [clinic.offered(photo(seed)) for seed in range(3)]
    received = clinic.services.visit_images.store(doctor, visit.id, offered)
    return Consultation(clinic, doctor, visit, [each.image for each in received.uploaded])


@on_both
def test_images_go_to_one_batch_of_the_visit(consultation: Consultation) -> None:
    again = consultation.store(consultation.doctor).uploaded[0].image
    told = consultation.house.services.visits.get(consultation.doctor, consultation.visit.id)
    assert told.batch_ids == (again.batch_id,)
    assert {image.batch_id for image in consultation.images} == {again.batch_id}
    assert (told.image_count, told.images_taken, again.visit_id) == (4, True, told.id)


@on_both
def test_the_primary_image_comes_first_then_the_newest(consultation: Consultation) -> None:
    newest = ids(consultation.images)[::-1]
    assert consultation.listed == newest
    clinic, services = consultation.house, consultation.house.services
    new = NewBatch(name="More", visit_id=consultation.visit.id)
    more = services.batches.create(clinic.admin, consultation.visit.patient_id, new)
    (late,) = clinic.images(more.id, first=7)
    primary = consultation.images[0].id
    consultation.service.edit(consultation.doctor, primary, ImageFields(is_primary=True))
    assert consultation.listed == [primary, late.id, *[each for each in newest if each != primary]]
    consultation.service.edit(consultation.doctor, late.id, ImageFields(is_primary=True))
    assert consultation.listed[0] == late.id
    assert consultation.service.get(clinic.admin, primary).is_primary is False
    page = consultation.service.list(consultation.doctor, consultation.visit.id, Turn(page=2, page_size=3))
    assert (page.total, page.total_pages, ids(list(page.items))) == (4, 2, consultation.listed[3:])


CHANGES: dict[str, Callable[[Consultation, Actor], object]] = {
    "check": lambda c, a: c.service.check(a, c.visit.id),
    "store": lambda c, a: c.store(a),
    "edit": lambda c, a: c.service.edit(a, c.images[0].id, ImageFields(caption="x")),
    "trash": lambda c, a: c.service.trash(a, c.images[0].id),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_only_its_clinician_and_administrators_change_a_visits_images(
    consultation: Consultation, name: str
) -> None:
    clinic, change = consultation.house, CHANGES[name]
    colleague = clinic.person(Role.CLINICIAN)
    before = len(clinic.events())
    with pytest.raises(Forbidden, match="clinician of this visit"):
        change(consultation, colleague)
    (line,) = clinic.events()[before:]
    assert (line.outcome, line.actor_id, line.entity_ids) == (
        "refused", colleague.user_id, [str(consultation.visit.id)],
    )  # fmt: skip
    assert len(consultation.listed) == 3
    change(consultation, clinic.admin if name == "trash" else consultation.doctor)


def test_a_colleague_sees_and_downloads_them(consultation: Consultation) -> None:
    clinic = consultation.house
    colleague = clinic.person(Role.CLINICIAN)
    assert consultation.service.list(colleague, consultation.visit.id).total == 3
    image = consultation.images[0]
    assert consultation.service.get(colleague, image.id).id == image.id
    download = clinic.services.downloads.visit(colleague, consultation.visit.id)
    content = b"".join(download.stream())
    assert len(content) == download.content_length
    names = ZipFile(BytesIO(content)).namelist()
    assert len([name for name in names if name.endswith(".jpg")]) == 3
    assert download.name == f"{consultation.visit.visited_on:%Y-%m-%d}_visit.zip"


def test_an_image_of_no_visit_is_none_of_a_visit(clinic: House) -> None:
    image, service = clinic.image(), clinic.services.visit_images
    for call in (
        lambda: service.get(clinic.admin, image.id),
        lambda: service.edit(clinic.admin, image.id, ImageFields(caption="x")),
        lambda: service.trash(clinic.admin, image.id),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_visit_without_images_has_nothing_to_download(clinic: House) -> None:
    visit = clinic.services.visits.create(clinic.admin, clinic.patient().id, NewVisit())
    with pytest.raises(NotFound, match="nothing to download"):
        clinic.services.downloads.visit(clinic.admin, visit.id)
    assert clinic.services.visit_images.list(clinic.admin, visit.id).items == ()
