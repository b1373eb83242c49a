"""The bytes of images over REST: whole or in part, kept or asked for again, by cookie, token or link."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import pytest
from PIL import Image
from sqlalchemy import event

from imgcore.domain.values import UserFields
from tests.api.desks import Desk, Json, picture, problem

CONTENT = picture(3, size=(640, 480))


@pytest.fixture
def image(desk: Desk) -> Json:
    return desk.image(desk.batch()["id"], CONTENT, name="Fuß links 足.jpg")


def path_of(desk: Desk, key: str) -> Path:
    return next(desk.clinic.services.settings.data_dir.joinpath("objects").rglob(Path(key).name))


def test_the_original_comes_back_bit_for_bit(desk: Desk, image: Json) -> None:
    answer = desk.client.get(image["urls"]["download"])
    assert answer.content == CONTENT
    headers = answer.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["etag"] == f'"{image["sha256"]}"'
    assert headers["cache-control"] == "private, no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == (
        f"attachment; filename=\"Fu_ links _.jpg\"; filename*=UTF-8''{quote('Fuß links 足.jpg')}"
    )


def test_thumbnails_are_kept_by_browsers_while_the_picture_is_the_same(desk: Desk, image: Json) -> None:
    current = desk.client.get(image["urls"]["thumbnail"])
    assert current.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert current.headers["content-type"] == "image/jpeg"
    assert current.headers["content-disposition"].startswith("inline;")
    assert max(Image.open(BytesIO(current.content)).size) == 300
    place = f"/api/images/{image['id']}/thumbnail"
    for other in (place, place + "/?v=7", place + "/?v=x"):
        answer = desk.client.get(other)
        assert (answer.content, answer.headers["cache-control"]) == (current.content, "private, no-cache")


@pytest.mark.parametrize("kind", ["thumbnail", "display", "compressed", "download"])
def test_what_the_caller_has_is_not_sent_again(desk: Desk, image: Json, kind: str) -> None:
    path = f"/api/images/{image['id']}/{kind}/"
    whole = desk.client.get(path)
    tag = whole.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = desk.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert desk.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = desk.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "content-disposition"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, None),
        ("bytes=-20", -20, None),
        ("bytes=0-", 0, None),
        ("Bytes=5-999999999", 5, None),
        ("bytes=-999999999", 0, None),
    ],
)
def test_a_part_can_be_asked_for(desk: Desk, image: Json, wanted: str, start: int, stop: int | None) -> None:
    answer = desk.client.get(image["urls"]["download"], headers={"Range": wanted})
    part = CONTENT[start:stop]
    assert (answer.status_code, answer.content) == (206, part)
    first = start % len(CONTENT)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(len(part))


def test_a_part_that_is_not_there_is_refused(desk: Desk, image: Json) -> None:
    for wanted in (f"bytes={len(CONTENT)}-", "bytes=-0"):
        answer = desk.client.get(image["urls"]["download"], headers={"Range": wanted})
        assert (answer.status_code, problem(answer)["code"]) == (416, "no_such_range")
        assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "wanted", ["bytes=9-2", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=²-"]
)
def test_a_range_that_is_not_understood_gives_the_whole(desk: Desk, image: Json, wanted: str) -> None:
    answer = desk.client.get(image["urls"]["download"], headers={b"Range": wanted.encode()})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_part_of_what_has_changed_gives_the_whole(desk: Desk, image: Json) -> None:
    wanted = {"Range": "bytes=0-9", "If-Range": f'"{image["sha256"]}"'}
    assert desk.client.get(image["urls"]["download"], headers=wanted).status_code == 206
    assert (
        desk.client.get(image["urls"]["download"], headers={**wanted, "If-Range": '"x"'}).status_code == 200
    )


def test_what_browsers_cannot_draw_is_shown_as_jpeg(desk: Desk) -> None:
    image = desk.image(content=picture(4, "TIFF"), name="scan.tif")
    display = desk.client.get(image["urls"]["display"])
    assert display.headers["content-type"] == "image/jpeg"
    assert display.headers["content-disposition"].startswith("inline;")
    assert Image.open(BytesIO(display.content)).size == (64, 48)
    assert desk.client.get(image["urls"]["download"]).headers["content-type"] == "image/tiff"


def test_copies_to_pass_on_hold_no_metadata(desk: Desk) -> None:
    file = BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Secret camera", 6
    Image.new("RGB", (60, 40)).save(file, "JPEG", exif=exif)
    image = desk.image(content=file.getvalue())
    copy = desk.client.get(f"/api/images/{image['id']}/compressed/").content
    assert b"Secret camera" not in copy
    assert Image.open(BytesIO(copy)).size == (40, 60)


@pytest.mark.parametrize("kind", ["thumbnail", "compressed"])
def test_a_rendition_that_is_gone_is_made_again(desk: Desk, image: Json, kind: str) -> None:
    path = f"/api/images/{image['id']}/{kind}/"
    before = desk.client.get(path)
    for found in path_of(desk, image["key"]).parent.glob(f"{image['id']}_*"):
        found.unlink()
    after = desk.client.get(path)
    assert (after.status_code, after.content, after.headers["etag"]) == (
        200, before.content, before.headers["etag"],
    )  # fmt: skip


def test_an_original_that_is_gone_is_not_found_and_cut_short_is_no_success(desk: Desk, image: Json) -> None:
    place = path_of(desk, image["key"])
    shutil.copy(place, place.with_suffix(".kept"))
    place.unlink()
    gone = desk.client.get(image["urls"]["download"])
    assert (gone.status_code, problem(gone)["code"]) == (404, "object_missing")
    place.write_bytes(CONTENT[:-10])
    assert desk.client.get(image["urls"]["download"]).status_code == 503
    place.with_suffix(".kept").rename(place)
    assert desk.client.get(image["urls"]["download"]).content == CONTENT


def test_a_thumbnail_costs_one_query_beside_the_sign_in(desk: Desk, image: Json) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement.split()[0])

    desk.client.get(image["urls"]["thumbnail"])
    engine = desk.clinic.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert desk.client.get(image["urls"]["thumbnail"]).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert [word for word in statements if word not in ("BEGIN", "PRAGMA")] == ["SELECT", "SELECT"]


@pytest.mark.parametrize("kind", ["thumbnail", "display", "compressed", "original"])
def test_a_link_gives_the_picture_to_whoever_has_it(desk: Desk, image: Json, kind: str) -> None:
    answer = desk.client.post(f"/api/images/{image['id']}/url/", json={"kind": kind, "seconds": 60})
    assert answer.json()["expires_in"] == 60
    got = desk.visitor.get(answer.json()["url"])
    assert got.status_code == 200
    own = {"original": "download"}.get(kind, kind)
    assert got.content == desk.client.get(f"/api/images/{image['id']}/{own}/").content
    assert desk.visitor.get(answer.json()["url"], headers={"Range": "bytes=0-1"}).status_code == 206


def test_a_link_needs_no_body_and_ends_within_five_minutes(desk: Desk, image: Json) -> None:
    place = f"/api/images/{image['id']}/url/"
    assert desk.client.post(place).json()["expires_in"] == 300
    assert desk.client.post(place, json={"seconds": 301}).status_code == 422
    assert desk.client.post(place, json={"kind": "secret"}).status_code == 422


def changed(url: str) -> Iterator[str]:
    """Yield what somebody might make of a link."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    yield parts.path
    for name, value in [
        ("sig", query["sig"][:-1] + ("0" if query["sig"][-1] != "0" else "1")),
        ("exp", str(int(query["exp"]) + 1)),
        ("exp", "9" * 400),
        ("exp", "soon"),
        ("user", "00000000-0000-4000-8000-000000000000"),
        ("user", "me"),
        ("sig", "é"),
    ]:
        other = "&".join(f"{key}={quote(each)}" for key, each in {**query, name: value}.items())
        yield urlunsplit(parts._replace(query=other))
    yield url.replace("/original", "/thumbnail")
    yield url.replace("/original", "/nothing")
    yield url.replace("/files/", "/files/x")


def test_a_link_that_was_changed_is_void(desk: Desk, image: Json) -> None:
    url = desk.client.post(f"/api/images/{image['id']}/url/").json()["url"]
    for other in changed(url):
        answer = desk.visitor.get(other)
        assert (other, answer.status_code) == (other, 401)
        assert problem(answer)["code"] == "not_signed_in"
    assert desk.client.get(urlsplit(url).path).status_code == 401


def test_a_link_of_a_closed_account_is_void(desk: Desk, image: Json) -> None:
    people: list[Any] = desk.admin.get("/api/users/").json()["items"]
    who = next(each for each in people if each["role"] == "clinician")
    url = desk.client.post(f"/api/images/{image['id']}/url/").json()["url"]
    assert desk.visitor.get(url).status_code == 200
    try:
        assert desk.admin.patch(f"/api/users/{who['id']}/", json={"is_active": False}).status_code == 200
        assert desk.visitor.get(url).status_code == 401
    finally:
        desk.admin.patch(
            f"/api/users/{who['id']}/", json=UserFields(is_active=True).model_dump(include={"is_active"})
        )
