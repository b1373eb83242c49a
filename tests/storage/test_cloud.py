"""Google Cloud Storage and Azure: servers that fail, settings that are wrong, and what is kept there."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from imgcore.errors import ConfigError, ObjectExists, ObjectMissing, StorageFull, StoreUnavailable
from imgcore.storage import ObjectStore, cloud, open_store
from imgcore.storage.cloud import CloudBucket, Scheme
from tests.servers.google_storage import GoogleStorage
from tests.storage.faulty import black_hole

Put = Callable[..., None]
KEY = "images/patient/batch/image.jpg"
SCHEMES: list[Scheme] = ["gs", "az"]
ACCOUNT_KEY = base64.b64encode(bytes(64)).decode()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that need no asking, and no look at the machine's own."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"):
        monkeypatch.delenv(name, raising=False)
    account = '{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}'
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", account)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "clinic")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY)


class Refusing(ThreadingHTTPServer):
    """A server that answers everything with one status, and counts."""

    daemon_threads = True
    status = 500
    seen = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Refusal)


class Refusal(BaseHTTPRequestHandler):
    """One answer."""

    protocol_version = "HTTP/1.1"
    server: Refusing

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_PUT = do_DELETE = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bucket_at(port: int, scheme: Scheme = "gs", **options: Any) -> CloudBucket:
    return CloudBucket(scheme, "clinic", endpoint_url=f"http://127.0.0.1:{port}", **options)


def every_verb(store: ObjectStore, put: Put, tmp_path: Path) -> list[Callable[[], object]]:
    return [
        lambda: put(store, KEY, b"x"),
        lambda: store.read(KEY),
        lambda: store.read(KEY, 3, 5),
        lambda: store.read(KEY, 3, 3),
        lambda: store.fetch(KEY, tmp_path / "copy"),
        lambda: store.info(KEY),
        lambda: store.delete([KEY]),
        lambda: list(store.walk()),
        store.check,
        store.create,
    ]


def test_patience_is_three_tries_with_short_timeouts() -> None:
    store = CloudBucket("gs", "clinic")
    assert (store.connect_timeout, store.read_timeout, store.tries) == (3, 20, 3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_never_answers_is_given_up(scheme: Scheme, put: Put, tmp_path: Path) -> None:
    with black_hole() as (port, came):
        store = bucket_at(port, scheme, read_timeout=0.1, tries=2)
        for attempt in every_verb(store, put, tmp_path):
            before = len(came)
            with pytest.raises(StoreUnavailable) as caught:
                attempt()
            assert "does not answer" in caught.value.message
            assert 1 <= len(came) - before <= 2


def test_no_try_begins_that_could_end_too_late(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "PATIENCE", 0.1)
    with black_hole() as (port, came):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            bucket_at(port, read_timeout=0.4).info(KEY)
        assert (len(came), time.monotonic() - began > 0.4) == (1, True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_is_not_there(scheme: Scheme, put: Put, tmp_path: Path) -> None:
    with black_hole() as (port, _came):
        pass
    store = bucket_at(port, scheme, tries=1)
    for attempt in every_verb(store, put, tmp_path):
        with pytest.raises(StoreUnavailable) as caught:
            attempt()
        assert str(port) not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_fault_of_the_server_is_tried_three_times(
    server: Refusing, put: Put, tmp_path: Path, scheme: Scheme, status: int
) -> None:
    server.status = status
    store = bucket_at(server.server_port, scheme)
    attempts = every_verb(store, put, tmp_path)
    for attempt in (attempts[0], attempts[1], attempts[6], attempts[7]):
        server.seen = 0
        with pytest.raises(StoreUnavailable):
            attempt()
        assert server.seen == 3


@pytest.mark.parametrize(("scheme", "hint"), [("gs", "GOOGLE_APPLICATION"), ("az", "AZURE_STORAGE")])
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_told(
    server: Refusing, put: Put, tmp_path: Path, scheme: Scheme, hint: str, status: int
) -> None:
    server.status = status
    for attempt in every_verb(bucket_at(server.server_port, scheme), put, tmp_path):
        with pytest.raises(StoreUnavailable) as caught:
            attempt()
        assert "credentials" in caught.value.message
        assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_credentials_that_cannot_be_read_are_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_SERVICE_ACCOUNT_KEY")
    monkeypatch.setenv(name, "/no/such/file/hush-hush.json")
    with pytest.raises(StoreUnavailable) as caught:
        CloudBucket("gs", "clinic").info(KEY)
    assert "credentials" in caught.value.message
    assert "hush" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(("name", "value"), [("NAME", None), ("KEY", "not base 64")])
def test_an_account_that_cannot_be_is_told(
    name: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"AZURE_STORAGE_ACCOUNT_{name}")
    if value:
        monkeypatch.setenv(f"AZURE_STORAGE_ACCOUNT_{name}", value)
    with pytest.raises(StoreUnavailable) as caught:
        CloudBucket("az", "clinic").info(KEY)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in caught.value.hint


def test_a_full_server(server: Refusing, put: Put) -> None:
    server.status = 507
    with pytest.raises(StorageFull):
        put(bucket_at(server.server_port, tries=1), KEY, b"x")


@pytest.mark.xdist_group("google")
def test_a_bucket_that_does_not_exist_is_told_with_the_command_that_makes_it(
    google_storage: GoogleStorage, monkeypatch: pytest.MonkeyPatch, put: Put, tmp_path: Path
) -> None:
    monkeypatch.setenv(*next(iter(google_storage.environment.items())))
    store = open_store(google_storage.storage_url("x").replace("//imgcore/", "//another/"))
    for attempt in every_verb(store, put, tmp_path):
        with pytest.raises(StoreUnavailable) as caught:
            attempt()
        assert "bucket" in caught.value.message
        assert "gcloud storage buckets create gs://another " in caught.value.hint


@pytest.mark.xdist_group("google")
def test_type_and_digest_are_kept_with_the_object(google: CloudBucket, put: Put) -> None:
    put(google, KEY, b"x")
    about = dict(google._get(KEY, {}).attributes)
    assert about == {"Content-Type": "image/jpeg", "sha256": hashlib.sha256(b"x").hexdigest()}


@pytest.mark.xdist_group("google")
def test_objects_of_other_hands_are_judged_by_their_bytes(google: CloudBucket, put: Put) -> None:
    import obstore

    obstore.put(google._client(), KEY, b"first")
    put(google, KEY, b"first")
    with pytest.raises(ObjectExists):
        put(google, KEY, b"other")


@pytest.mark.xdist_group("google")
def test_a_bucket_that_everybody_can_read_is_refused(google: CloudBucket) -> None:
    """As the emulator's is: it asks nobody who they are."""
    with pytest.raises(ConfigError) as caught:
        google.create()
    assert "imgcore" in caught.value.message
    assert list(google.walk()) == []


@pytest.mark.xdist_group("google")
def test_a_prefix_is_a_border(google: CloudBucket, put: Put) -> None:
    neighbour = CloudBucket("gs", "imgcore", f"{google.prefix}2", endpoint_url=google.endpoint_url)
    put(google, KEY, b"ours")
    put(neighbour, KEY, b"theirs")
    assert [info.key for info in google.walk()] == [KEY]
    google.delete([KEY])
    assert b"".join(neighbour.read(KEY)) == b"theirs"
    with pytest.raises(ObjectMissing):
        google.read(KEY)


@pytest.mark.xdist_group("google")
def test_a_closed_store_opens_again(google: CloudBucket, put: Put) -> None:
    put(google, KEY, b"x")
    google.close()
    google.close()
    assert b"".join(google.read(KEY)) == b"x"


def test_the_name_says_which_bucket() -> None:
    assert CloudBucket("gs", "images").name == "Google Cloud Storage, images"
    assert CloudBucket("az", "images").name == "Azure, images"
