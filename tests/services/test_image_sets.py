"""Image sets: frozen, under pseudonyms, within the consents, and only for those who were given them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from PIL import Image as Picture

from imgcore.db.journal import Event, ImageSetItem
from imgcore.domain import records, sets
from imgcore.domain.access import Actor, Role
from imgcore.domain.sets import NewImageSet, Purpose
from imgcore.domain.values import ConsentFields, ImageFields, PatientFields, UserFields
from imgcore.errors import Conflict, Forbidden, Invalid, NotFound
from imgcore.services import set_contents
from imgcore.services.files import File
from imgcore.services.pages import Turn
from tests.imaging.pictures import noise, saved
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both

GIVEN = ConsentFields(given_on=date(2025, 11, 6))
EVERYTHING = {f"consent_{purpose}": GIVEN for purpose in sets.PURPOSES}
OWNER = "Zebulon Quartz"


def agreed(clinic: House, name: str = "Ada Novak", **fields: Any) -> records.Patient:
    """Add a patient who agreed to everything."""
    return clinic.patient(name, **(EVERYTHING | fields))


def make(clinic: House, *image_ids: UUID, purpose: Purpose = "record", **options: Any) -> sets.ImageSet:
    """Make a set as the administrator."""
    new = NewImageSet(name="Heels", purpose=purpose, image_ids=list(image_ids))
    return clinic.services.image_sets.create(options.get("actor", clinic.admin), new).image_set


def reviewer_of(clinic: House, set_id: UUID) -> Actor:
    """Add a reviewer who is given a set."""
    reviewer = clinic.person(Role.REVIEWER)
    assert reviewer.user_id
    clinic.services.image_sets.give(clinic.admin, set_id, reviewer.user_id)
    return reviewer


def withdraw(clinic: House, patient_id: UUID, purpose: Purpose) -> None:
    """Let a patient take a consent back."""
    consent = ConsentFields(given_on=date(2025, 11, 6), withdrawn_on=date(2025, 11, 7))
    clinic.services.patients.edit(
        clinic.admin, patient_id, PatientFields.model_validate({f"consent_{purpose}": consent})
    )


def content(file: File) -> bytes:
    return b"".join(file.read())


def places(clinic: House, actor: Actor, set_id: UUID) -> list[int]:
    return [item.place for item in clinic.services.image_sets.items(actor, set_id).items]


@on_both
def test_a_set_is_frozen_in_order_with_its_hash(clinic: House) -> None:
    images = clinic.images(clinic.batch(agreed(clinic)).id, 3)
    order = [images[2], images[0], images[1]]
    found = make(clinic, *(image.id for image in order))
    assert (found.size, found.shown, found.withheld, found.hash_state) == (3, 3, 0, "same")
    assert found.hash == set_contents.hash_of((n, image.sha256) for n, image in enumerate(order, 1))
    items = clinic.services.image_sets.items(clinic.admin, found.id).items
    assert [(item.place, item.image_id) for item in items] == [(n, i.id) for n, i in enumerate(order, 1)]
    with clinic.clinic.database.write() as session:
        session.get_one(ImageSetItem, (found.id, images[0].id)).place = 9
    assert clinic.services.image_sets.get(clinic.admin, found.id).hash_state == "different"


@on_both
def test_a_pseudonym_is_one_for_each_patient_and_set_and_leads_nowhere(clinic: House) -> None:
    first, second = agreed(clinic), agreed(clinic, "Zoe Zander")
    images = [*clinic.images(clinic.batch(first).id, 2), *clinic.images(clinic.batch(second).id, 1, first=5)]
    names = []
    for _round in range(2):
        found = make(clinic, *(image.id for image in images))
        names.append(
            [item.pseudonym for item in clinic.services.image_sets.items(clinic.admin, found.id).items]
        )
    for one, same, other in names:
        assert one == same != other
        assert re.fullmatch("P-[A-Z2-9]{6}", one)
    assert not set(names[0]) & set(names[1])


@on_both
@pytest.mark.parametrize("purpose", sets.PURPOSES)
def test_without_the_consent_no_set_is_made(clinic: House, purpose: Purpose) -> None:
    without: dict[str, Any] = {f"consent_{purpose}": ConsentFields()}
    images = [clinic.images(clinic.batch(agreed(clinic, **fields)).id, 1, first=n)[0].id
              for n, fields in enumerate([dict[str, Any](), without])]  # fmt: skip
    before = len(clinic.events())
    with pytest.raises(Conflict, match=r"consent to .* missing or withdrawn") as refused:
        make(clinic, *images, purpose=purpose)
    assert refused.value.hint == "Record the consent on the patient's page first."
    assert clinic.services.image_sets.all(clinic.admin).total == 0
    assert len(clinic.events()) == before + 1  # the look at the list
    make(clinic, images[0], purpose=purpose)


@on_both
def test_a_withdrawn_consent_takes_the_pictures_away_at_once(clinic: House) -> None:
    first, second = agreed(clinic), agreed(clinic, "Zoe Zander")
    kept = clinic.images(clinic.batch(first).id, 2)
    gone = clinic.images(clinic.batch(second).id, 1, first=5)
    found = make(clinic, kept[0].id, gone[0].id, kept[1].id, purpose="teaching")
    other = make(clinic, gone[0].id, purpose="record")
    reviewer, services = reviewer_of(clinic, found.id), clinic.services
    assert places(clinic, reviewer, found.id) == [1, 2, 3]
    withdraw(clinic, second.id, "teaching")
    now = services.image_sets.get(reviewer, found.id)
    assert (now.size, now.shown, now.withheld, now.hash_state) == (3, 2, 1, "same")
    assert places(clinic, reviewer, found.id) == [1, 3]
    told = services.image_sets.items(clinic.admin, found.id).items
    assert [item.withheld for item in told] == ["", "consent", ""]
    assert (told[1].category, told[1].width, told[1].image_id) == ("", 0, None)
    for actor in (reviewer, clinic.admin):
        for give in (services.set_files.thumbnail, services.set_files.picture):
            with pytest.raises(NotFound):
                give(actor, found.id, 2)
    archive = b"".join(services.set_files.download(reviewer, found.id).stream())
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert [name for name in names if name.endswith(".jpg")] == [
        f"{told[place].pseudonym}_{place + 1:03}.jpg" for place in (0, 2)
    ]
    assert services.image_sets.get(clinic.admin, other.id).shown == 1  # another purpose


Move = Callable[[House, records.Image], object]
LEAVING: dict[str, Move] = {
    "trash": lambda c, i: c.services.trash.images(c.admin, [i.id]),
    "trash of the patient": lambda c, i: c.services.trash.patient(c.admin, i.patient_id),
    "identity": lambda c, i: c.services.images.edit(c.admin, i.id, ImageFields(category="medicare_card")),
    "moved": lambda c, i: c.services.images.move(
        c.admin, [i.id], c.batch(agreed(c, "Zoe Zander")).id, "the wrong patient"
    ),
}


@pytest.mark.parametrize("why", LEAVING)
def test_what_is_no_longer_what_it_was_is_withheld(clinic: House, why: str) -> None:
    stays = clinic.images(clinic.batch(agreed(clinic)).id, 1)[0]
    leaves = clinic.images(clinic.batch(agreed(clinic, "Otto Berg")).id, 1, first=4)[0]
    found = make(clinic, stays.id, leaves.id)
    reviewer = reviewer_of(clinic, found.id)
    LEAVING[why](clinic, leaves)
    assert places(clinic, reviewer, found.id) == [1]
    told = clinic.services.image_sets.items(clinic.admin, found.id).items
    assert [item.withheld for item in told] == ["", why.split()[0]]
    with pytest.raises(NotFound):
        clinic.services.set_files.picture(reviewer, found.id, 2)


@on_both
def test_what_is_removed_for_good_is_missed(clinic: House) -> None:
    images = clinic.images(clinic.batch(agreed(clinic)).id, 2)
    found = make(clinic, *(image.id for image in images))
    clinic.services.trash.images(clinic.admin, [images[0].id])
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(clinic.admin)
    now = clinic.services.image_sets.get(clinic.admin, found.id)
    assert (now.size, now.shown, now.hash_state) == (2, 1, "incomplete")
    assert places(clinic, clinic.admin, found.id) == [2]


def test_identity_documents_are_left_out(clinic: House) -> None:
    batch = clinic.batch(agreed(clinic))
    card = clinic.image(batch.id, category="medicare_card")
    foot = clinic.image(batch.id, seed=2)
    new = NewImageSet(name="Heels", purpose="record", image_ids=[card.id, foot.id])
    made = clinic.services.image_sets.create(clinic.admin, new)
    assert (made.left_out, made.image_set.size) == (1, 1)
    assert places(clinic, clinic.admin, made.image_set.id) == [1]
    with pytest.raises(Invalid, match="Identity documents"):
        make(clinic, card.id)


@on_both
def test_a_reviewer_has_what_was_given_while_it_is(clinic: House) -> None:
    image = clinic.image(clinic.batch(agreed(clinic)).id)
    found, other = make(clinic, image.id), make(clinic, image.id)
    reviewer, services = reviewer_of(clinic, found.id), clinic.services.image_sets
    assert reviewer.user_id
    assert [each.id for each in services.all(reviewer).items] == [found.id]
    with pytest.raises(NotFound):
        services.get(reviewer, other.id)
    services.give(clinic.admin, found.id, reviewer.user_id, clinic.clock.later(hours=1))
    assert [each.has_ended for each in services.given_to(clinic.admin, found.id)] == [False]
    clinic.clock.forward(hours=1)
    assert services.all(reviewer).items == ()
    assert [each.has_ended for each in services.given_to(clinic.admin, found.id)] == [True]
    services.give(clinic.admin, found.id, reviewer.user_id)
    assert services.get(reviewer, found.id).shown == 1
    services.take_back(clinic.admin, found.id, reviewer.user_id)
    for look in (services.get, services.items, clinic.services.set_files.download):
        with pytest.raises(NotFound):
            look(reviewer, found.id)
    with pytest.raises(NotFound):
        services.take_back(clinic.admin, found.id, reviewer.user_id)


def test_sets_are_given_to_reviewers_only(clinic: House) -> None:
    found = make(clinic, clinic.image(clinic.batch(agreed(clinic)).id).id)
    reviewer, services = clinic.person(Role.REVIEWER), clinic.services
    assert reviewer.user_id
    assert [each.user_id for each in services.image_sets.reviewers(clinic.admin)] == [reviewer.user_id]
    clinician = clinic.person(Role.CLINICIAN)
    for user_id in (clinician.user_id, clinic.admin.user_id, found.id):
        assert user_id
        with pytest.raises(Invalid, match="reviewers only"):
            services.image_sets.give(clinic.admin, found.id, user_id)
    for ends_at in (clinic.clock(), datetime(2100, 1, 1, tzinfo=UTC).replace(tzinfo=None)):
        with pytest.raises(Invalid):
            services.image_sets.give(clinic.admin, found.id, reviewer.user_id, ends_at)
    services.accounts.edit(clinic.admin, reviewer.user_id, UserFields(is_active=False))
    assert services.image_sets.reviewers(clinic.admin) == ()
    with pytest.raises(Invalid):
        services.image_sets.give(clinic.admin, found.id, reviewer.user_id)


def test_a_reviewer_makes_gives_and_shares_nothing(clinic: House) -> None:
    image = clinic.image(clinic.batch(agreed(clinic)).id)
    found = make(clinic, image.id)
    reviewer = reviewer_of(clinic, found.id)
    assert reviewer.user_id
    with pytest.raises(Forbidden):
        make(clinic, image.id, actor=reviewer)
    with pytest.raises(Forbidden):
        clinic.services.image_sets.give(reviewer, found.id, reviewer.user_id)
    for look in (clinic.services.image_sets.given_to, clinic.services.shares.all):
        with pytest.raises(Forbidden):
            look(reviewer, found.id)
    for look_at in (clinic.services.files.thumbnail, clinic.services.files.original):
        with pytest.raises(NotFound):
            look_at(reviewer, image.id)


@on_both
def test_a_team_sees_sets_of_its_own_patients_only(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    first, second = agreed(clinic), agreed(clinic, "Zoe Zander")
    colleague = clinic.person(Role.CLINICIAN)
    clinic.join(colleague, first.id)
    one = clinic.images(clinic.batch(first).id, 1)[0]
    two = clinic.images(clinic.batch(second).id, 1, first=3)[0]
    both, alone = make(clinic, one.id, two.id), make(clinic, one.id)
    assert [each.id for each in clinic.services.image_sets.all(colleague).items] == [alone.id]
    assert clinic.services.image_sets.all(clinic.admin).total == 2
    with pytest.raises(NotFound):
        clinic.services.image_sets.items(colleague, both.id)
    with pytest.raises(NotFound):
        make(clinic, two.id, actor=colleague)
    mine = make(clinic, one.id, actor=colleague)
    clinic.services.images.move(clinic.admin, [one.id], clinic.batch(second).id, "the wrong patient")
    assert clinic.services.image_sets.get(colleague, mine.id).shown == 0
    assert clinic.services.image_sets.items(colleague, mine.id).items[0].image_id is None


@on_both
def test_who_looked_at_which_picture_is_written_down(clinic: House) -> None:
    patient = agreed(clinic)
    images = clinic.images(clinic.batch(patient).id, 2)
    found = make(clinic, *(image.id for image in images))
    reviewer, before = reviewer_of(clinic, found.id), len(clinic.events())
    for _round in range(2):
        clinic.services.image_sets.items(reviewer, found.id)
        clinic.services.set_files.thumbnail(reviewer, found.id, 1)
        clinic.services.set_files.picture(reviewer, found.id, 2)
    clinic.services.set_files.download(reviewer, found.id)
    lines = clinic.events()[before:]
    ids = [str(image.id) for image in images]
    assert [(line.action, line.entity, line.entity_ids) for line in lines] == [
        ("set.see", "image", ids),
        ("set.see", "image", ids[1:]),
        ("set.download", "image", ids),
    ]
    assert {(line.actor_id, line.patient_id) for line in lines} == {(reviewer.user_id, patient.id)}
    made = clinic.events(Event.action == "set.create")[-1]
    assert (made.entity_ids, made.count, made.patient_id) == ([str(found.id)], 2, patient.id)
    given = clinic.events(Event.action == "set.edit")[-1]
    assert given.entity_ids == [str(found.id), str(reviewer.user_id)]


def test_pages_of_a_set(clinic: House) -> None:
    images = clinic.images(clinic.batch(agreed(clinic)).id, 5)
    found = make(clinic, *(image.id for image in images))
    page = clinic.services.image_sets.items(clinic.admin, found.id, Turn(2, 2))
    assert ([item.place for item in page.items], page.total, page.total_pages) == ([3, 4], 5, 3)


def with_everything() -> bytes:
    """Return a photograph whose metadata names owner, place, day and camera."""
    exif = Picture.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298], exif[0x0110] = OWNER, OWNER, OWNER, "Camera 9000"
    exif.get_ifd(0x8769).update({0xA430: OWNER, 0xA431: "SN-778899", 0x9003: "2025:11:06 10:28:11"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (16.0, 22.0, 10.0)})
    return saved(noise(), "JPEG", exif=exif.tobytes(), comment=OWNER.encode())


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_copies_hold_nothing_but_the_picture(clinic: House, role: Role) -> None:
    batch = clinic.batch(agreed(clinic, OWNER, mrn="MRN-4471"))
    original = with_everything()
    offered = clinic.offered(original, f"{OWNER}.jpg", caption=f"{OWNER}'s heel", description=OWNER)
    image = clinic.services.uploads.store(clinic.admin, batch.id, [offered]).uploaded[0].image
    found = make(clinic, image.id)
    actor = reviewer_of(clinic, found.id) if role is Role.REVIEWER else clinic.admin
    files = clinic.services.set_files
    copies = [files.thumbnail(actor, found.id, 1), files.picture(actor, found.id, 1)]
    archive = files.download(actor, found.id)
    entries = zipfile.ZipFile(io.BytesIO(b"".join(archive.stream())))
    bodies = [*map(content, copies), *(entries.read(name) for name in entries.namelist())]
    words = [OWNER, "Camera 9000", "SN-778899", "2025:11:06", "Exif\0", "MRN-4471", str(image.id)]
    assert all(word.encode() in original for word in words[:5])
    for body in bodies:
        assert [word for word in words if word.encode() in body] == []
    for name in [copy.name for copy in copies] + entries.namelist() + [archive.name]:
        assert OWNER not in name and str(image.id) not in name
    packed = [entries.read(name) for name in entries.namelist() if name.endswith(".jpg")]
    for body in [*bodies[:2], *packed]:  # places among the metadata, too
        with Picture.open(io.BytesIO(body)) as picture:
            assert not picture.getexif() and "comment" not in picture.info
    with Picture.open(io.BytesIO(bodies[1])) as picture:
        assert picture.size == (image.width, image.height)
    assert {entry.date_time for entry in entries.infolist() if entry.filename.endswith(".jpg")} == {
        (*found.created_at.astimezone().timetuple()[:5], found.created_at.second // 2 * 2)
    }
    table = entries.read("manifest.csv").decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(table))
    assert header == [
        "Place", "Pseudonym", "Category", "Image type", "Body location", "Laterality", "Width", "Height",
    ]  # fmt: skip
    assert row[0] == "1"


def test_a_copy_whose_original_is_gone_is_named_in_the_report(clinic: House) -> None:
    batch = clinic.batch(agreed(clinic))
    images = [clinic.upload(batch.id, photo(seed)).uploaded[0].image for seed in (1, 2)]
    found = make(clinic, *(image.id for image in images))
    clinic.clinic.store.delete([images[0].key])
    archive = zipfile.ZipFile(
        io.BytesIO(b"".join(clinic.services.set_files.download(clinic.admin, found.id).stream()))
    )
    assert sum(name.endswith(".jpg") for name in archive.namelist()) == 1
    assert "_001.jpg" in archive.read("REPORT.txt").decode()
