from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image as Picture
from sqlmodel import select

from imgcore import bootstrap
from imgcore.db.tables import Image
from imgcore.domain.access import Role
from imgcore.domain.records import Received, Refused, Stored
from imgcore.domain.values import ImageFields
from imgcore.errors import Conflict, Invalid, NotFound, StorageFull, StoreUnavailable
from imgcore.imaging import ImagingPool
from imgcore.services.images import Filter
from imgcore.services.uploads import Offered, all_too_large
from imgcore.storage.local import LocalFolder
from tests.services.clinics import House, Opens, ids, photo
from tests.services.databases import on_both


def listed(clinic: House, batch_id: UUID) -> list[UUID]:
    return ids(clinic.services.images.list(clinic.admin, Filter(batch_id=batch_id)).items)


def stored(received: Received) -> list[UUID]:
    return [each.image.id for each in received.uploaded]


class FaultyFolder(LocalFolder):
    """A store that does something of a test's before it stores an object."""

    def __init__(self, root: Path, before_put: Callable[[str], None]) -> None:
        super().__init__(root)
        self.before_put = before_put

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        self.before_put(key)
        super().put(key, source, content_type=content_type, sha256=sha256)


def with_store(clinic: House, before_put: Callable[[str], None]) -> None:
    assert isinstance(clinic.clinic.store, LocalFolder)
    clinic.services.uploads._store = FaultyFolder(clinic.clinic.store.root, before_put)


def test_files_are_stored_bit_for_bit_in_their_order(clinic: House) -> None:
    batch, contents = clinic.batch(), [photo(1), photo(2, kind="PNG"), photo(3, kind="TIFF")]
    received = clinic.upload(batch.id, *contents)
    assert listed(clinic, batch.id) == stored(received)
    for each, content in zip(received.uploaded, contents, strict=True):
        assert b"".join(clinic.services.files.original(clinic.admin, each.image.id).read()) == content
        assert not each.already_there
    assert [each.image.order for each in received.uploaded] == [1, 2, 3]
    assert clinic.stored_keys() == clinic.named_keys()
    assert clinic.waiting_files() == []


def test_bad_files_are_refused_by_name_and_the_good_ones_kept(clinic: House) -> None:
    batch = clinic.batch()
    whole = photo(1, (300, 200))
    offered: list[Offered | Refused] = [
        clinic.offered(whole[: len(whole) // 2], "cut.jpg"),
        clinic.offered(whole, "good.jpg"),
        clinic.offered(b"<html>", "page.jpg"),
        clinic.offered(b"", "empty.jpg"),
        Refused("huge.jpg", "too_large", "The file is too large."),
        clinic.offered(photo(2), "fine.jpg"),
    ]
    received = clinic.services.uploads.store(clinic.admin, batch.id, offered)
    assert [each.image.original_name for each in received.uploaded] == ["good.jpg", "fine.jpg"]
    assert {(each.name, each.code, each.can_retry) for each in received.failed} == {
        ("cut.jpg", "damaged", False),
        ("page.jpg", "unsupported_type", False),
        ("empty.jpg", "damaged", False),
        ("huge.jpg", "too_large", False),
    }
    assert all(each.message for each in received.failed)
    assert (len(clinic.rows(Image)), clinic.waiting_files()) == (2, [])


def test_what_the_camera_wrote_and_what_was_typed_is_kept(clinic: House) -> None:
    exif = Picture.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS R5"
    exif.get_ifd(0x8769)[0x9003] = "2025:01:02 13:14:15"
    folder = clinic.folder / "camera.jpg"
    Picture.new("RGB", (64, 48)).save(folder, exif=exif)
    batch = clinic.batch()
    image = (
        clinic.services.uploads.store(clinic.admin, batch.id, [clinic.offered(folder.read_bytes())])
        .uploaded[0]
        .image
    )
    assert (image.camera_make, image.camera_model) == ("Canon", "EOS R5")
    assert image.captured_at == datetime(2025, 1, 2, 13, 14, 15)  # noqa: DTZ001, a camera's local time
    assert image.date_taken == date(2025, 1, 2)
    typed = clinic.image(batch.id, seed=5, caption="heel", category="l_shoe", date_taken=date(2024, 5, 6))
    assert (typed.caption, typed.category, typed.laterality) == ("heel", "l_shoe", "L")
    assert typed.date_taken == date(2024, 5, 6)


def test_a_request_that_cannot_be_is_refused_before_anything_is_stored(clinic: House) -> None:
    batch = clinic.batch()
    uploads = clinic.services.uploads
    for target, fields, key, error in (
        (uuid4(), {}, None, NotFound),
        (batch.id, {"category": "no_such"}, None, Invalid),
        (batch.id, {}, "", Invalid),
        (batch.id, {}, "x" * 201, Invalid),
        (batch.id, {}, "a\nb", Invalid),
    ):
        offered = [clinic.offered(photo(1)), clinic.offered(photo(2), **fields)]
        with pytest.raises(error):
            uploads.store(clinic.admin, target, offered, key=key)
    with pytest.raises(NotFound):
        uploads.check_batch(clinic.admin, uuid4())
    assert (clinic.rows(Image), clinic.stored_keys(), clinic.waiting_files()) == ([], set(), [])


@on_both
def test_the_same_bytes_are_one_image_of_a_batch(clinic: House) -> None:
    patient = clinic.patient()
    batch, second, foreign = clinic.batch(patient), clinic.batch(patient), clinic.batch()
    received = clinic.upload(batch.id, photo(1), photo(1))
    assert len(set(stored(received))) == 1
    assert [each.already_there for each in received.uploaded] == [False, True]
    again = clinic.upload(batch.id, photo(1)).uploaded[0]
    assert (again.image.id, again.already_there) == (stored(received)[0], True)
    kept = clinic.upload(batch.id, photo(1), keep_duplicates=True).uploaded[0]
    assert (len(listed(clinic, batch.id)), kept.already_there) == (2, False)

    elsewhere = clinic.upload(second.id, photo(1)).uploaded[0].image
    assert elsewhere.duplicate_of in listed(clinic, batch.id)
    assert clinic.upload(foreign.id, photo(1)).uploaded[0].image.duplicate_of is None

    clinic.services.trash.images(clinic.admin, listed(clinic, batch.id))
    assert clinic.upload(batch.id, photo(1)).uploaded[0].already_there is False


@on_both
def test_the_same_request_again_makes_nothing_new(clinic: House) -> None:
    batch, contents = clinic.batch(), (photo(1), b"no picture", photo(2))
    first = clinic.upload(batch.id, *contents, key="k")
    again = clinic.upload(batch.id, *contents, key="k")
    assert stored(first) == stored(again) == listed(clinic, batch.id)
    assert [each.already_there for each in again.uploaded] == [False, False]
    assert [each.code for each in first.failed] == [each.code for each in again.failed]


@on_both
def test_a_key_stands_for_one_request(clinic: House) -> None:
    batch = clinic.batch()
    clinic.upload(batch.id, photo(1), photo(2), key="k")
    others: list[list[bytes]] = [[photo(1), photo(3)], [photo(2), photo(1)], [photo(1)], [photo(1)] * 3]
    for contents in others:
        with pytest.raises(Conflict):
            clinic.upload(batch.id, *contents, key="k")
    with pytest.raises(Conflict):
        clinic.upload(clinic.batch().id, photo(1), photo(2), key="k")
    with pytest.raises(Conflict):
        offered = [clinic.offered(photo(1), caption="heel"), clinic.offered(photo(2))]
        clinic.services.uploads.store(clinic.admin, batch.id, offered, key="k")
    assert (len(clinic.rows(Image)), clinic.waiting_files()) == (2, [])

    colleague = clinic.person(Role.CLINICIAN)
    theirs = clinic.upload(batch.id, photo(4), actor=colleague, key="k")
    assert len(theirs.uploaded) == 1
    clinic.clock.forward(hours=24)
    clinic.services.sweeps.run(clinic.admin)
    assert len(clinic.upload(batch.id, photo(5), key="k").uploaded) == 1


@on_both
def test_a_store_that_fails_for_one_file_keeps_its_neighbours(clinic: House) -> None:
    batch = clinic.batch()
    failing: list[str] = []

    def refuse_the_second(key: str) -> None:
        seen.append(key)
        if len(seen) == 3 or key in failing:
            failing.append(key)
            raise StoreUnavailable("The store is away.")

    seen: list[str] = []
    with_store(clinic, refuse_the_second)
    received = clinic.upload(batch.id, photo(1), photo(2), photo(3), key="k")
    assert len(received.uploaded) == 2
    (refused,) = received.failed
    assert (refused.code, refused.can_retry) == ("store_unavailable", True)
    assert listed(clinic, batch.id) == stored(received)

    with_store(clinic, lambda key: None)
    again = clinic.upload(batch.id, photo(1), photo(2), photo(3), key="k")
    assert (len(again.uploaded), again.failed) == (3, ())
    assert set(stored(received)) < set(stored(again))
    assert len(clinic.rows(Image)) == 3
    assert clinic.stored_keys() == clinic.named_keys()


def test_what_a_failing_store_left_half_done_is_taken_back(clinic: House) -> None:
    batch = clinic.batch()

    def refuse_thumbnails(key: str) -> None:
        if "thumb" in key:
            raise StorageFull("No space is left.")

    with_store(clinic, refuse_thumbnails)
    (refused,) = clinic.upload(batch.id, photo(1)).failed
    assert (refused.code, refused.can_retry) == ("storage_full", True)
    assert (listed(clinic, batch.id), len(clinic.stored_keys())) == ([], 1)
    clinic.services.sweeps.run(clinic.admin)
    assert len(clinic.rows(Image)) == 1
    clinic.clock.forward(minutes=16)
    clinic.services.sweeps.run(clinic.admin)
    assert (clinic.rows(Image), clinic.stored_keys()) == ([], set())


def test_an_upload_that_was_taken_back_meanwhile_leaves_nothing(clinic: House) -> None:
    """A store so slow that the sweeper gives the upload up before its bytes arrive."""
    batch = clinic.batch()

    def sweep_first(key: str) -> None:
        if "thumb" in key:
            clinic.clock.forward(minutes=16)
            assert clinic.services.sweeps.run(clinic.admin).taken_back == 1

    with_store(clinic, sweep_first)
    (refused,) = clinic.upload(batch.id, photo(1)).failed
    assert (refused.code, refused.can_retry) == ("unavailable", True)
    assert (clinic.rows(Image), clinic.stored_keys()) == ([], set())


def test_a_key_whose_upload_was_taken_back_is_good_again(clinic: House) -> None:
    batch = clinic.batch()

    def away(key: str) -> None:
        raise StoreUnavailable("The store is away.")

    with_store(clinic, away)
    clinic.upload(batch.id, photo(1), key="k")
    with clinic.clinic.database.write() as session:
        for row in session.exec(select(Image)):
            row.state = "deleting"
    with_store(clinic, lambda key: None)
    assert len(clinic.upload(batch.id, photo(1), key="k").uploaded) == 1
    clinic.services.sweeps.run(clinic.admin)
    assert len(listed(clinic, batch.id)) == 1
    assert clinic.stored_keys() == clinic.named_keys()


def test_a_batch_that_goes_to_the_trash_meanwhile_takes_no_more(clinic: House) -> None:
    batch = clinic.batch()

    def trash_first(key: str) -> None:
        if "thumb" in key:
            clinic.services.trash.batch(clinic.admin, batch.id)

    with_store(clinic, trash_first)
    (refused,) = clinic.upload(batch.id, photo(1)).failed
    assert (refused.code, refused.can_retry) == ("not_found", False)
    clinic.services.trash.restore_batch(clinic.admin, batch.id)
    assert listed(clinic, batch.id) == []


def test_a_folder_that_cannot_be_written_is_told_and_recovers(clinic: House) -> None:
    batch = clinic.batch()
    first = clinic.upload(batch.id, photo(1))
    objects = clinic.folder / "objects"
    drafts = objects / ".tmp"
    drafts.rmdir()
    drafts.write_bytes(b"no folder")
    (refused,) = clinic.upload(batch.id, photo(2)).failed
    assert (refused.code, refused.can_retry) == ("store_unavailable", True)
    assert b"".join(clinic.services.files.original(clinic.admin, stored(first)[0]).read()) == photo(1)
    drafts.unlink()
    assert len(clinic.upload(batch.id, photo(2)).uploaded) == 1


def test_files_wait_where_nobody_else_can_read_them(clinic: House) -> None:
    offered = clinic.offered(photo(1))
    assert offered.file.path.parent == clinic.folder / "incoming"
    assert offered.file.path.stat().st_mode & 0o777 == 0o600
    assert offered.file.path.parent.stat().st_mode & 0o777 == 0o700


def test_files_over_the_limit_are_told_apart_from_others() -> None:
    too_large, damaged = Refused("a", "too_large", "x"), Refused("b", "damaged", "x")
    assert all_too_large(Received((), (too_large, too_large)))
    assert not all_too_large(Received((), (too_large, damaged)))
    assert not all_too_large(Received((), ()))


def test_decoders_check_in_processes_of_their_own(
    open_clinic: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ImagingPool", ImagingPool)
    clinic = open_clinic(decoders=1)
    batch = clinic.batch()
    received = clinic.upload(batch.id, photo(1), b"no picture", photo(2))
    assert (len(received.uploaded), len(received.failed)) == (2, 1)
    assert listed(clinic, batch.id) == stored(received)


def test_what_was_stored_says_so(clinic: House) -> None:
    (each,) = clinic.upload(clinic.batch().id, photo(1)).uploaded
    assert each == Stored(clinic.services.images.get(clinic.admin, each.image.id))


def test_a_caption_goes_with_its_own_file(clinic: House) -> None:
    batch = clinic.batch()
    offered = [clinic.offered(photo(seed), caption=f"number {seed}") for seed in range(5)]
    clinic.services.uploads.store(clinic.admin, batch.id, offered)
    images = clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id)).items
    assert [image.caption for image in images] == [f"number {seed}" for seed in range(5)]
    assert ImageFields().caption == ""
