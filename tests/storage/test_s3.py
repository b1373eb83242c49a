"""The store in a bucket: servers that fail, settings that are wrong, and what is asked of the server."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from imgcore.errors import ConfigError, ObjectExists, StorageFull, StoreUnavailable
from imgcore.storage import ObjectStore, open_store, s3
from imgcore.storage.s3 import S3Bucket
from tests.servers.seaweedfs import SeaweedFS
from tests.storage.faulty import FaultyServer, black_hole, bucket_at

Put = Callable[..., None]
KEY = "images/patient/batch/image.jpg"
PATIENT_SECONDS = 30


@pytest.fixture
def server(credentials: None) -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between the tries."""
    name = "botocore.retries.standard.ExponentialBackoff.delay_amount"
    monkeypatch.setattr(name, lambda backoff, context: 0)


@pytest.fixture
def bucket(server: FaultyServer, hasty: None) -> Iterator[S3Bucket]:
    bucket = server.bucket()
    yield bucket
    bucket.close()


def every_verb(store: ObjectStore, put: Put, tmp_path: Path) -> list[Callable[[], object]]:
    return [
        lambda: put(store, KEY, b"x"),
        lambda: store.read(KEY),
        lambda: store.fetch(KEY, tmp_path / "copy"),
        lambda: store.info(KEY),
        lambda: store.delete([KEY]),
        lambda: list(store.walk()),
        store.check,
    ]


def test_patience_is_three_tries_with_short_timeouts() -> None:
    bucket = S3Bucket("clinic")
    assert (bucket.connect_timeout, bucket.read_timeout, bucket.tries) == (3, 20, 3)


def test_a_server_that_never_answers_is_given_up(
    credentials: None, hasty: None, put: Put, tmp_path: Path
) -> None:
    with black_hole() as (port, came):
        bucket = bucket_at(port, read_timeout=0.1, tries=2)
        for turn, attempt in enumerate(every_verb(bucket, put, tmp_path), start=1):
            with pytest.raises(StoreUnavailable):
                attempt()
            assert len(came) == 2 * turn
        bucket.close()


def test_no_try_begins_that_could_end_too_late(
    credentials: None, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PATIENCE", 0.5)
    with black_hole() as (port, came):
        bucket = bucket_at(port, read_timeout=0.4)
        with pytest.raises(StoreUnavailable):
            put(bucket, KEY, b"x")
        assert len(came) == 1
        bucket.close()


def test_a_server_that_is_not_there(credentials: None, put: Put, tmp_path: Path) -> None:
    with black_hole() as (port, _came):
        pass
    bucket = bucket_at(port, tries=1)
    for attempt in every_verb(bucket, put, tmp_path):
        with pytest.raises(StoreUnavailable):
            attempt()
    bucket.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_server_is_tried_three_times(
    server: FaultyServer, bucket: S3Bucket, put: Put, tmp_path: Path, status: int
) -> None:
    server.faults.status, server.faults.code = status, "SlowDown"
    for turn, attempt in enumerate(every_verb(bucket, put, tmp_path), start=1):
        with pytest.raises(StoreUnavailable):
            attempt()
        assert len(server.faults.seen) == 3 * turn


def test_what_fails_twice_and_then_works_is_no_error(
    server: FaultyServer, bucket: S3Bucket, put: Put
) -> None:
    server.faults.statuses = [503, 500]
    put(bucket, KEY, b"x")
    server.faults.statuses = [503, 500]
    assert b"".join(bucket.read(KEY)) == b"x"


def test_the_same_store_works_again_when_the_server_does(
    server: FaultyServer, bucket: S3Bucket, put: Put
) -> None:
    server.faults.status = 503
    for _turn in range(100):  # more failures than the tries that botocore grants in a row
        with pytest.raises(StoreUnavailable):
            bucket.info(KEY)
    server.faults.status = 0
    put(bucket, KEY, b"x")
    bucket.check()


def test_a_full_server(server: FaultyServer, bucket: S3Bucket, put: Put) -> None:
    for server.faults.status, server.faults.code in [(507, "Whatever"), (403, "QuotaExceeded")]:
        with pytest.raises(StorageFull):
            put(bucket, KEY, b"x")


def test_a_body_that_is_cut_is_not_taken_for_the_whole(
    server: FaultyServer, bucket: S3Bucket, put: Put, tmp_path: Path
) -> None:
    put(bucket, KEY, bytes(100_000))
    server.faults.cut_bodies = True
    with pytest.raises(StoreUnavailable):
        b"".join(bucket.read(KEY))
    with pytest.raises(StoreUnavailable):
        bucket.fetch(KEY, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_server_without_ranges_does_not_pass_off_the_whole_as_a_part(bucket: S3Bucket, put: Put) -> None:
    put(bucket, KEY, b"0123456789")
    with pytest.raises(StoreUnavailable):
        bucket.read(KEY, 2, 4)


def test_a_put_whose_answer_got_lost_is_done(server: FaultyServer, bucket: S3Bucket, put: Put) -> None:
    server.faults.lost_answers = 1
    put(bucket, KEY, b"x")
    assert server.faults.seen == ["PUT", "PUT", "HEAD"]
    assert server.faults.objects[KEY] == b"x"


def test_a_server_that_cannot_refuse_to_overwrite_is_asked_first(
    server: FaultyServer, bucket: S3Bucket, put: Put
) -> None:
    server.faults.overwriting = "not implemented"
    put(bucket, KEY, b"first")
    put(bucket, KEY, b"first")
    with pytest.raises(ObjectExists):
        put(bucket, KEY, b"other")
    assert server.faults.objects[KEY] == b"first"


def test_a_check_finds_out_that_a_server_overwrites(server: FaultyServer, bucket: S3Bucket, put: Put) -> None:
    server.faults.overwriting = "done"
    for _again in range(2):
        bucket.check()
        assert server.faults.objects.keys() <= {KEY}
        put(bucket, KEY, b"first")
        with pytest.raises(ObjectExists):
            put(bucket, KEY, b"other")


def test_what_a_server_does_not_delete_is_an_error(server: FaultyServer, bucket: S3Bucket) -> None:
    server.faults.delete_code = "NoSuchKey"
    bucket.delete([KEY])
    for server.faults.delete_code in ["InternalError", "AccessDenied"]:
        with pytest.raises(StoreUnavailable):
            bucket.delete([KEY])


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "ExpiredToken", "AWS_SECRET_ACCESS_KEY"),
        (400, "AuthorizationHeaderMalformed", "region"),
        (409, "OperationAborted", "again"),
    ],
)
def test_the_hint_tells_what_to_look_at(
    server: FaultyServer, bucket: S3Bucket, status: int, code: str, hint: str
) -> None:
    server.faults.status, server.faults.code = status, code
    with pytest.raises(StoreUnavailable) as caught:
        bucket.read(KEY)
    assert hint in caught.value.hint


@pytest.mark.xdist_group("seaweedfs")
def test_wrong_credentials_are_told(
    seaweedfs: SeaweedFS, credentials: None, monkeypatch: pytest.MonkeyPatch, put: Put, tmp_path: Path
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "no-such-word")
        store = open_store(seaweedfs.storage_url("wrong"))
        for attempt in every_verb(store, put, tmp_path):
            with pytest.raises(StoreUnavailable) as caught:
                attempt()
            assert "credentials" in caught.value.message
            assert "no-such-word" not in caught.value.message + caught.value.hint
        store.close()


def test_absent_credentials_are_told(
    credentials: None, monkeypatch: pytest.MonkeyPatch, put: Put, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for attempt in every_verb(S3Bucket("clinic"), put, tmp_path):
        with pytest.raises(StoreUnavailable) as caught:
            attempt()
        assert "credentials" in caught.value.message
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreUnavailable) as caught:
        S3Bucket("clinic").info(KEY)
    assert "credentials" in caught.value.message


@pytest.mark.xdist_group("seaweedfs")
def test_a_bucket_that_does_not_exist_is_told(
    seaweedfs: SeaweedFS, credentials: None, put: Put, tmp_path: Path
) -> None:
    store = open_store(seaweedfs.storage_url("x").replace("//imgcore/", "//another/"))
    for attempt in every_verb(store, put, tmp_path):
        with pytest.raises(StoreUnavailable) as caught:
            attempt()
        assert "bucket" in caught.value.message
    store.close()


def test_a_server_that_dies_and_comes_back(credentials: None, put: Put) -> None:
    with tempfile.TemporaryDirectory(prefix="weed", ignore_cleanup_errors=True) as folder:
        server = SeaweedFS(Path(folder))
        server.start()
        try:
            store = open_store(server.storage_url("clinic"))
            put(store, KEY, random.Random(0).randbytes(30_000_000))
            chunks = store.read(KEY)
            next(chunks)
            server.stop()
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                list(chunks)
            with pytest.raises(StoreUnavailable):
                put(store, f"{KEY}2", b"x")
            assert time.monotonic() - began < PATIENT_SECONDS
            server.start()
            put(store, f"{KEY}2", b"x")
            assert b"".join(store.read(f"{KEY}2")) == b"x"
            store.close()
        finally:
            server.stop()


def test_type_digest_and_encryption_are_kept_with_the_object(moto: ObjectStore, put: Put) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    digest = hashlib.sha256(b"x").hexdigest()
    for number, sse in enumerate([None, "AES256", "aws:kms"]):
        store = open_store("s3://imgcore/clinic?region=us-east-1" + (f"&sse={sse}" if sse else ""))
        put(store, f"{number}.jpg", b"x")
        head = client.head_object(Bucket="imgcore", Key=f"clinic/{number}.jpg")
        assert head["ContentType"] == "image/jpeg"
        assert head["Metadata"] == {"sha256": digest}
        assert sse is None or head["ServerSideEncryption"] == sse
        store.close()


def test_objects_of_other_hands_are_judged_by_their_bytes(moto: ObjectStore, put: Put) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    client.put_object(Bucket="imgcore", Key=f"clinic/{KEY}", Body=b"first")
    put(moto, KEY, b"first")
    with pytest.raises(ObjectExists):
        put(moto, KEY, b"other")


def test_a_prefix_is_a_border(moto: ObjectStore, put: Put) -> None:
    neighbour = open_store("s3://imgcore/clinic2?region=us-east-1")
    whole = open_store("s3://imgcore?region=us-east-1")
    put(moto, KEY, b"ours")
    put(neighbour, KEY, b"theirs")
    assert [info.key for info in moto.walk()] == [KEY]
    assert {info.key for info in whole.walk()} == {f"clinic/{KEY}", f"clinic2/{KEY}"}
    moto.delete([KEY])
    assert b"".join(neighbour.read(KEY)) == b"theirs"
    neighbour.close()
    whole.close()


def test_walk_goes_beyond_the_first_page_and_passes_over_what_is_no_key(
    moto: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
    client = boto3.client("s3", region_name="us-east-1")
    keys = {f"images/{number}" for number in range(10)}
    for name in (*keys, "folder/", ".hidden"):
        client.put_object(Bucket="imgcore", Key=f"clinic/{name}", Body=b"")
    assert {info.key for info in moto.walk()} == keys


def test_a_closed_store_opens_again(moto: ObjectStore, put: Put) -> None:
    put(moto, KEY, b"x")
    moto.close()
    moto.close()
    assert b"".join(moto.read(KEY)) == b"x"


@pytest.mark.xdist_group("seaweedfs")
def test_a_bucket_is_made_once_and_is_private(seaweedfs: SeaweedFS, credentials: None, put: Put) -> None:
    store = open_store(seaweedfs.storage_url("clinic").replace("//imgcore/", f"//new-{uuid4()}/"))
    with pytest.raises(StoreUnavailable) as caught:
        store.check()
    assert "storage create" in caught.value.hint
    assert [store.create(), store.create()] == [True, False]
    put(store, KEY, b"x")
    assert [info.key for info in store.walk()] == [KEY]
    store.close()


def test_a_new_bucket_is_closed_to_the_public_and_stands_in_its_region(credentials: None) -> None:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-3")
        store = open_store("s3://fresh/clinic?region=eu-west-3")
        assert store.create()
        assert client.get_bucket_location(Bucket="fresh")["LocationConstraint"] == "eu-west-3"
        block = client.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"]
        assert set(block.values()) == {True} and len(block) == 4
        assert list(store.walk()) == []


@pytest.mark.xdist_group("seaweedfs")
def test_a_bucket_that_everybody_can_read_is_refused(seaweedfs: SeaweedFS, credentials: None) -> None:
    name = f"public-{uuid4()}"
    store = open_store(seaweedfs.storage_url("clinic").replace("//imgcore/", f"//{name}/"))
    store.create()
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [anybody | {"Resource": f"arn:aws:s3:::{name}/*"}]}
    client = boto3.client("s3", endpoint_url=seaweedfs.endpoint_url, region_name="us-east-1")
    client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    with pytest.raises(ConfigError) as caught:
        store.create()
    assert name in caught.value.message
    assert list(store.walk()) == []
    client.close()
    store.close()


@pytest.mark.parametrize("status", [403, 503])
def test_what_stands_in_the_way_of_a_bucket_is_told(
    server: FaultyServer, bucket: S3Bucket, status: int
) -> None:
    server.faults.status = status
    with pytest.raises(StoreUnavailable):
        bucket.create()
    assert set(server.faults.seen) == {"HEAD"}


def test_the_name_says_which_bucket() -> None:
    assert S3Bucket("clinic", endpoint_url="http://10.0.0.1:9000").name == "S3 bucket clinic"
