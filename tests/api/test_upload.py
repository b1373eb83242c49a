"""Uploads: the good files of a request are stored, the bad ones named, and nothing is made twice."""

from __future__ import annotations

import hashlib
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.api.desks import Desk, picture, problem


def a_zip() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x" * 500)
    return file.getvalue()


BAD = [
    ("notes.jpg", b"<html><script>alert(1)</script></html>"),
    ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ("cut.jpg", picture(900, size=(300, 200))[:-400]),
    ("archive.png", a_zip()),
    ("empty.jpg", b""),
]


def test_of_45_files_the_40_good_ones_are_stored(desk: Desk) -> None:
    batch = desk.batch()
    files = [(f"{seed}.jpg", picture(seed)) for seed in range(40)]
    mixed = files[:7] + BAD[:2] + files[7:25] + BAD[2:] + files[25:]
    answer = desk.upload(batch["id"], mixed)
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"uploaded", "failed"}
    assert [each["original_name"] for each in body["uploaded"]] == [name for name, _content in files]
    assert [each["order"] for each in body["uploaded"]] == list(range(1, 41))
    assert [each["name"] for each in body["failed"]] == [name for name, _content in BAD]
    assert {each["can_retry"] for each in body["failed"]} == {False}
    assert all(each["message"] and each["code"] != "error" for each in body["failed"])
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 40
    assert desk.incoming == []


def test_what_was_sent_is_what_is_stored(desk: Desk) -> None:
    contents = [picture(seed, kind) for seed, kind in enumerate(("PNG", "GIF", "WEBP", "BMP", "TIFF"))]
    files = [(f"{place}.dat", content, "text/html") for place, content in enumerate(contents)]
    uploaded = desk.upload(desk.batch()["id"], files).json()["uploaded"]
    for image, content in zip(uploaded, contents, strict=True):
        assert image["sha256"] == hashlib.sha256(content).hexdigest()
        assert desk.client.get(image["urls"]["download"]).content == content
    assert [image["mime_type"] for image in uploaded] == [
        "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff",
    ]  # fmt: skip


def test_texts_go_to_their_files_and_the_rest_to_all(desk: Desk) -> None:
    files = [(f"{seed}.jpg", picture(seed)) for seed in range(3)]
    data = {
        "categories": ["r_anterior", "", "afo"],
        "captions": ["First", "Zweites Bild: „Ö“"],
        "body_location": "Foot",
        "laterality": "B",
        "image_type": "clinical",
        "description": "Line one\r\nline two",
    }
    uploaded = desk.upload(desk.batch()["id"], files, data=data).json()["uploaded"]
    assert [image["category"] for image in uploaded] == ["r_anterior", "other", "afo"]
    assert [image["caption"] for image in uploaded] == ["First", "Zweites Bild: „Ö“", ""]
    assert {(image["body_location"], image["laterality"], image["image_type"]) for image in uploaded} == {
        ("Foot", "B", "clinical")
    }
    assert uploaded[0]["description"] == "Line one\nline two"


@pytest.mark.parametrize(
    "data",
    [
        {"categories": ["afo", "afo", "afo"]},
        {"captions": ["a", "b", "c"]},
        {"categories": ["elbow"]},
        {"laterality": "left"},
        {"body_location": ["here", "there"]},
        {"captions": ["x" * 2001]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_texts_that_do_not_fit_refuse_the_whole_request(desk: Desk, data: dict[str, object]) -> None:
    batch = desk.batch()
    answer = desk.upload(batch["id"], [("1.jpg", picture(1)), ("2.jpg", picture(2))], data=data)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "invalid"
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 0
    assert desk.incoming == []


def test_names_are_labels_in_any_script(desk: Desk) -> None:
    names = ["Füße 足 👣.jpg", "../../etc/passwd.jpg", "a" * 400 + ".jpg", "evil\u202egpj.exe", 'quo"te.jpg']
    files = [(name, picture(seed)) for seed, name in enumerate(names)]
    stored = [image["original_name"] for image in desk.upload(desk.batch()["id"], files).json()["uploaded"]]
    assert stored[:2] == ["Füße 足 👣.jpg", "passwd.jpg"]
    assert len(stored) == 5
    assert all(len(name) <= 255 and name.isprintable() and "/" not in name for name in stored)


def test_the_same_key_gives_the_same_images(desk: Desk) -> None:
    batch = desk.batch()
    files = [(f"{seed}.jpg", picture(seed)) for seed in range(3)]
    key = {"Idempotency-Key": "drop-1"}
    first = desk.upload(batch["id"], files, headers=key)
    again = desk.upload(batch["id"], files, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert [each["id"] for each in again.json()["uploaded"]] == [
        each["id"] for each in first.json()["uploaded"]
    ]
    other = desk.upload(batch["id"], [("0.jpg", picture(99)), *files[1:]], headers=key)
    assert (other.status_code, problem(other)["code"]) == (409, "conflict")
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 3
    assert desk.upload(batch["id"], files, headers={"Idempotency-Key": "x" * 201}).status_code == 422


def test_bytes_that_are_there_already_answer_what_is_there(desk: Desk) -> None:
    batch = desk.batch()
    image = desk.image(batch["id"], picture(5))
    assert (image["already_there"], image["duplicate_of"]) == (False, None)
    again = desk.image(batch["id"], picture(5), name="other name.jpg")
    assert (again["id"], again["duplicate_of"], again["already_there"]) == (image["id"], image["id"], True)
    kept = desk.upload(batch["id"], [("copy.jpg", picture(5))], params={"on_duplicate": "keep"}).json()
    assert kept["uploaded"][0]["id"] != image["id"]
    elsewhere = desk.image(desk.batch(batch["patient_id"])["id"], picture(5))
    assert elsewhere["duplicate_of"] in (image["id"], kept["uploaded"][0]["id"])
    assert elsewhere["already_there"] is False


def test_when_nothing_is_stored_the_answer_is_an_error_that_names_each_file(desk: Desk) -> None:
    answer = desk.upload(desk.batch()["id"], BAD)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "refused"
    assert (answer.json()["uploaded"], len(answer.json()["failed"])) == ([], len(BAD))


def test_an_unknown_batch_is_refused_before_its_files(desk: Desk) -> None:
    batch = desk.batch()
    desk.client.delete(f"/api/images/batches/{batch['id']}/")
    for batch_id in (batch["id"], "00000000-0000-4000-8000-000000000000"):
        answer = desk.upload(batch_id, [("1.jpg", picture(1))])
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")
    assert desk.incoming == []
