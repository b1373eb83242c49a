from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image as Picture
from sqlmodel import select

from imgcore.db.tables import Image, Rendition
from imgcore.domain import links, records
from imgcore.domain.access import Role, system
from imgcore.errors import NotFound, ObjectMissing, Unauthenticated, Unavailable
from imgcore.imaging import Kind, RenditionFile
from imgcore.services.files import File
from tests.services.clinics import House, photo
from tests.services.databases import on_both


def content(file: File) -> bytes:
    found = b"".join(file.read())
    assert len(found) == file.size
    return found


def tiff(clinic: House) -> records.Image:
    """An image that browsers cannot show."""
    return clinic.upload(clinic.batch().id, photo(1, (400, 300), "TIFF")).uploaded[0].image


def test_the_original_is_what_was_sent(clinic: House) -> None:
    image = clinic.upload(clinic.batch().id, photo(1)).uploaded[0].image
    file = clinic.services.files.original(clinic.admin, image.id)
    assert content(file) == photo(1)
    assert (file.name, file.mime_type, file.etag) == ("foot.jpg", "image/jpeg", f'"{image.sha256}"')
    assert b"".join(file.read(5, 9)) == photo(1)[5:9]


@on_both
def test_each_kind_is_a_picture_of_its_own(clinic: House) -> None:
    image, files = tiff(clinic), clinic.services.files
    sizes = {}
    for name in ("thumbnail", "display", "compressed"):
        file = getattr(files, name)(clinic.admin, image.id)
        assert (file.mime_type, file.name) == ("image/jpeg", f"foot_{name}.jpg")
        with Picture.open(io.BytesIO(content(file))) as picture:
            sizes[name] = picture.size
    assert sizes == {"thumbnail": (300, 225), "display": (400, 300), "compressed": (400, 300)}
    assert {row.kind for row in clinic.rows(Rendition)} == set(sizes)
    assert clinic.stored_keys() == clinic.named_keys()
    assert clinic.waiting_files() == []


def test_browsers_get_the_original_where_they_can_draw_it(clinic: House) -> None:
    image = clinic.image()
    display = clinic.services.files.display(clinic.admin, image.id)
    assert display.key == image.key
    assert clinic.services.files.compressed(clinic.admin, image.id).key != image.key


@pytest.mark.parametrize("kind", ["thumbnail", "display", "compressed"])
def test_a_rendition_that_was_lost_is_made_again(clinic: House, kind: str) -> None:
    image, get = tiff(clinic), getattr(clinic.services.files, kind)
    before = get(clinic.admin, image.id)
    expected = content(before)
    clinic.clinic.store.delete([before.key])
    again = get(clinic.admin, image.id)
    assert (content(again), again.etag) == (expected, before.etag)
    assert clinic.stored_keys() == clinic.named_keys()


def test_a_rendition_without_its_row_is_made_again(clinic: House) -> None:
    image = clinic.image()
    with clinic.clinic.database.write() as session:
        for row in session.exec(select(Rendition)):
            session.delete(row)
    file = clinic.services.files.thumbnail(clinic.admin, image.id)
    assert (file.size, len(clinic.rows(Rendition))) == (image.thumbnail_size, 1)


def test_a_rendition_that_comes_out_otherwise_is_announced_anew(clinic: House) -> None:
    """Made again by another version of the program, it has another length than was said."""
    image = clinic.image()
    with clinic.clinic.database.write() as session:
        for row in session.exec(select(Rendition)):
            row.file_size += 1
    file = clinic.services.files.thumbnail(clinic.admin, image.id)
    clinic.clinic.store.delete([file.key])
    with pytest.raises(Unavailable):
        file.read()
    assert content(clinic.services.files.thumbnail(clinic.admin, image.id))


def test_a_lost_original_is_told_before_its_first_byte(clinic: House) -> None:
    image = tiff(clinic)
    clinic.clinic.store.delete([image.key])
    with pytest.raises(ObjectMissing):
        clinic.services.files.original(clinic.admin, image.id).read()
    with pytest.raises(ObjectMissing):
        clinic.services.files.display(clinic.admin, image.id)
    assert clinic.waiting_files() == []


def test_many_who_look_at_once_have_it_made_once(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    image, files = tiff(clinic), clinic.services.files
    render, together, made = files._renditions._imaging.render, threading.Barrier(6), []

    def counted(source: Path, target: Path, kind: Kind) -> RenditionFile:
        made.append(kind)
        return render(source, target, kind)

    def look(_number: int) -> int:
        together.wait(timeout=30)
        return len(content(files.compressed(clinic.admin, image.id)))

    monkeypatch.setattr(files._renditions._imaging, "render", counted)
    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(look, range(6)))) == 1
    assert made == ["compressed"]


def test_a_rendition_of_what_is_removed_meanwhile_leaves_nothing(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, files = tiff(clinic), clinic.services.files
    render = files._renditions._imaging.render

    def purge_first(source: Path, target: Path, kind: Kind) -> RenditionFile:
        clinic.services.trash.images(clinic.admin, [image.id])
        clinic.clock.forward(days=31)
        clinic.services.sweeps.run(clinic.admin)
        return render(source, target, kind)

    monkeypatch.setattr(files._renditions._imaging, "render", purge_first)
    with pytest.raises(NotFound):
        files.display(clinic.admin, image.id)
    assert (clinic.rows(Image), clinic.rows(Rendition), clinic.stored_keys()) == ([], [], set())


@on_both
def test_who_looks_is_noted_once_in_ten_minutes(clinic: House) -> None:
    image, files = clinic.image(), clinic.services.files
    colleague = clinic.person(Role.CLINICIAN)

    def noted() -> int:
        lines = [line for line in clinic.events() if line.entity_ids == [str(image.id)]]
        return len([line for line in lines if line.action in ("image.see", "image.download")])

    for _ in range(3):
        files.thumbnail(clinic.admin, image.id)
    assert noted() == 0
    for _ in range(3):
        files.display(clinic.admin, image.id)
    assert noted() == 1
    for _ in range(3):
        files.original(clinic.admin, image.id)
    assert noted() == 2
    files.display(colleague, image.id)
    assert noted() == 3
    clinic.clock.forward(minutes=9)
    files.display(clinic.admin, image.id)
    assert noted() == 3
    clinic.clock.forward(minutes=1)
    files.display(clinic.admin, image.id)
    assert noted() == 4


def test_nothing_is_shown_while_looking_cannot_be_noted(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, ledger = clinic.image(), clinic.services.files._ledger

    def away(*_lines: object) -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "note", away)
        for _ in range(2):
            with pytest.raises(Unavailable):
                clinic.services.files.display(clinic.admin, image.id)
    before = len(clinic.events())
    clinic.services.files.display(clinic.admin, image.id)
    assert len(clinic.events()) == before + 1


def parts(link: str) -> tuple[UUID, int, str]:
    """Return whom a link is for, when it expires and its signature."""
    fields = dict(pair.split("=") for pair in link.partition("?")[2].split("&"))
    return UUID(fields["user"]), int(fields["exp"]), fields["sig"]


@pytest.fixture
def image(clinic: House) -> Iterator[records.Image]:
    """An image to make links to."""
    yield clinic.image()


def test_a_link_is_good_for_its_person_picture_and_time(clinic: House, image: records.Image) -> None:
    files, other = clinic.services.files, clinic.image(seed=5)
    link = files.link(clinic.admin, image.id, "display", 60)
    assert link.startswith(f"/files/{image.id}/display?")
    user_id, expires, signature = parts(link)
    assert user_id == clinic.admin.user_id
    files.check_link(system(), user_id, image.id, "display", expires, signature)
    for tampered in (
        (other.id, image.id, "display", expires, signature),
        (user_id, other.id, "display", expires, signature),
        (user_id, image.id, "original", expires, signature),
        (user_id, image.id, "display", expires + 1, signature),
        (user_id, image.id, "display", expires, signature[:-1]),
        (user_id, image.id, "display", expires, ""),
        (user_id, image.id, "display", expires, "é"),
    ):
        with pytest.raises(Unauthenticated):
            files.check_link(system(), *tampered)
    clinic.clock.forward(seconds=61)
    with pytest.raises(Unauthenticated):
        files.check_link(system(), user_id, image.id, "display", expires, signature)


def test_a_link_lives_five_minutes_at_most(clinic: House, image: records.Image) -> None:
    _user, expires, _signature = parts(clinic.services.files.link(clinic.admin, image.id, "display", 99_999))
    left = expires - clinic.clock().timestamp()
    assert timedelta(minutes=4, seconds=50).total_seconds() < left <= 300
    _user, expires, _signature = parts(clinic.services.files.link(clinic.admin, image.id, "display", -5))
    assert expires > clinic.clock().timestamp() - 1


def test_links_are_for_people(clinic: House, image: records.Image) -> None:
    with pytest.raises(Unauthenticated):
        clinic.services.files.link(system(), image.id, "display", 60)


def test_another_clinics_links_are_not_ours(clinic: House, image: records.Image) -> None:
    user_id, expires, _signature = parts(clinic.services.files.link(clinic.admin, image.id, "display", 60))
    forged = links.sign(links.derived_key("another secret", "links"), user_id, image.id, "display", expires)
    with pytest.raises(Unauthenticated):
        clinic.services.files.check_link(system(), user_id, image.id, "display", expires, forged)
