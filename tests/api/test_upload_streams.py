"""Uploads that are too large, malformed, cut off or unlucky leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import anyio
import pytest
from starlette.types import Message

from imgcore.domain.failpoints import FailPoint
from imgcore.errors import StorageFull, StoreUnavailable
from imgcore.services.intake import Intake
from tests.api.desks import Desk, picture, problem

BOUNDARY = "frontier"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(content: bytes, name: str = "images", file_name: str = "a.jpg") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def send(desk: Desk, content: bytes | Iterable[bytes], headers: dict[str, str] = MULTIPART) -> Any:
    return desk.client.post(
        f"/api/images/batches/{desk.batch()['id']}/upload/", content=content, headers=headers
    )


def test_a_file_over_the_limit_is_skipped_and_its_neighbours_are_stored(desk: Desk) -> None:
    files = [("small.jpg", picture(1)), ("large.jpg", os.urandom(300_000)), ("last.jpg", picture(2))]
    answer = desk.upload(desk.batch()["id"], files)
    assert answer.status_code == 201
    assert [each["original_name"] for each in answer.json()["uploaded"]] == ["small.jpg", "last.jpg"]
    assert [(each["name"], each["code"]) for each in answer.json()["failed"]] == [("large.jpg", "too_large")]
    alone = desk.upload(desk.batch()["id"], files[1:2])
    assert (alone.status_code, problem(alone)["code"]) == (413, "too_large")
    assert desk.incoming == []


def test_a_request_over_the_limit_is_refused_by_what_it_declares(desk: Desk) -> None:
    def unread() -> Iterator[bytes]:
        yield part(picture(1))
        raise AssertionError("read on although it was too large")

    answer = send(desk, unread(), {**MULTIPART, "Content-Length": "4000001"})
    assert (answer.status_code, problem(answer)["code"]) == (413, "too_large")


def test_a_request_over_the_limit_is_refused_while_it_arrives(desk: Desk) -> None:
    answer = send(desk, (part(os.urandom(150_000)) for _ in range(40)))
    assert (answer.status_code, problem(answer)["code"]) == (413, "too_large")
    assert desk.incoming == []


def test_more_files_than_allowed_are_refused(desk: Desk) -> None:
    batch = desk.batch()
    answer = desk.upload(batch["id"], [(f"{seed}.jpg", picture(1)) for seed in range(51)])
    assert (answer.status_code, problem(answer)["code"]) == (413, "too_large")
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 0
    assert desk.incoming == []


def test_fields_cannot_fill_the_memory(desk: Desk) -> None:
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="captions"\r\n\r\n\r\n'.encode()
    assert send(desk, field * 25_000 + END).status_code == 413
    assert send(desk, part(b"x" * 2_200_000, name="captions") + END).status_code == 413


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no form at all",
        part(picture(1)),
        part(picture(1))[:-30],
        END[:-4],
        part(picture(1)) + b"--frontierX\r\n",
        b"--frontier\r\nno header\r\n\r\n" + END,
        b"--frontier\r\nX: " + b"y" * 10_000 + b"\r\n\r\n" + END,
    ],
    ids=range(8),
)
def test_a_malformed_form_is_a_bad_request(desk: Desk, content: bytes) -> None:
    answer = send(desk, content)
    assert (answer.status_code, problem(answer)["code"]) == (400, "malformed")
    assert desk.incoming == []


def test_only_forms_are_taken(desk: Desk) -> None:
    assert send(desk, END).status_code == 422
    assert send(desk, part(b"x", name="pictures") + END).status_code == 422
    assert send(desk, b"{}", {"Content-Type": "application/json"}).status_code == 415
    assert send(desk, b"x", {}).status_code == 415
    assert send(desk, b"x", {"Content-Type": "multipart/form-data"}).status_code == 400
    assert send(desk, b"x", {"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}).status_code == 400


def test_a_form_is_read_alike_in_pieces_of_any_size(desk: Desk) -> None:
    content = part(picture(1)) + part("Wörter".encode(), name="captions") + part(picture(2)) + END
    for size in (1, 7, 1000):
        answer = send(desk, (content[at : at + size] for at in range(0, len(content), size)))
        assert [each["caption"] for each in answer.json()["uploaded"]] == ["Wörter", ""]


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_client_that_goes_away_leaves_no_file(desk: Desk, cancelled: bool) -> None:
    batch = desk.batch()
    asked = {
        "type": "http", "method": "POST", "path": f"/api/images/batches/{batch['id']}/upload/",
        "query_string": b"", "headers": [
            (b"content-type", MULTIPART["Content-Type"].encode()),
            (b"authorization", desk.client.headers["authorization"].encode()),
        ], "client": ("127.0.0.1", 1), "scheme": "http", "server": ("testserver", 80), "http_version": "1.1",
    }  # fmt: skip
    chunks = [part(picture(1)), part(os.urandom(180_000)) * 2, part(os.urandom(150_000))[:140_000]]
    seen: list[int] = []

    async def run() -> None:
        with anyio.CancelScope() as scope:
            await desk.app(asked, partial(_next, scope), _ignore)

    async def _next(scope: anyio.CancelScope) -> Message:
        if chunks:
            return {"type": "http.request", "body": chunks.pop(0), "more_body": True}
        seen.append(len(desk.incoming))
        if cancelled:
            scope.cancel()
            await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    async def _ignore(message: Message) -> None:
        pass

    anyio.run(run)
    assert seen == [3], "the files were not on their way to the disk"
    assert desk.incoming == []
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 0


def _failing(error: Exception) -> Callable[..., None]:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("The store does not answer."), 503, "unavailable"),
        (StorageFull("No space is left."), 507, "storage_full"),
    ],
)
def test_a_store_that_fails_says_to_try_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    batch = desk.batch()
    with monkeypatch.context() as patch:
        patch.setattr(desk.clinic.store, "put", _failing(error))
        answer = desk.upload(batch["id"], [("1.jpg", picture(1)), ("2.jpg", picture(2))])
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert {each["can_retry"] for each in answer.json()["failed"]} == {True}
    assert desk.incoming == []
    assert len(desk.upload(batch["id"], [("1.jpg", picture(1))]).json()["uploaded"]) == 1


def test_a_disk_that_is_full_for_one_file_does_not_lose_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Intake.write

    def write_some(self: Intake, chunk: bytes) -> None:
        if self.name == "unlucky.jpg":
            self.discard()
            raise StorageFull("No space is left.")
        write(self, chunk)

    monkeypatch.setattr(Intake, "write", write_some)
    answer = desk.upload(desk.batch()["id"], [("unlucky.jpg", picture(1)), ("lucky.jpg", picture(2))])
    assert [each["original_name"] for each in answer.json()["uploaded"]] == ["lucky.jpg"]
    assert [(each["name"], each["code"]) for each in answer.json()["failed"]] == [
        ("unlucky.jpg", "storage_full")
    ]
    assert desk.incoming == []


def test_an_interrupted_upload_is_finished_by_the_same_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, key = desk.batch(), {"Idempotency-Key": "cut off"}
    files = [("1.jpg", picture(1)), ("2.jpg", picture(2))]
    with monkeypatch.context() as patch:
        patch.setenv("IMGCORE_FAILPOINT", f"{FailPoint.UPLOAD_ORIGINAL_PUT}:raise")
        assert desk.upload(batch["id"], files, headers=key).status_code == 503
    again = desk.upload(batch["id"], files, headers=key)
    assert (again.status_code, len(again.json()["uploaded"])) == (201, 2)
    assert desk.client.get(f"/api/images/batches/{batch['id']}/").json()["image_count"] == 2
