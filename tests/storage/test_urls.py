"""The address of the store: what is accepted, and what is refused with a reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imgcore.errors import ConfigError
from imgcore.storage import open_store
from imgcore.storage.cloud import CloudBucket
from imgcore.storage.local import LocalFolder
from imgcore.storage.s3 import S3Bucket


def test_a_folder_may_be_named_as_a_path_or_as_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "image files #1"
    monkeypatch.chdir(tmp_path)
    for url in (
        str(folder),
        folder.as_uri(),
        folder.as_uri().replace("file://", "file://localhost"),
        folder.name,
    ):
        store = open_store(url)
        assert isinstance(store, LocalFolder)
        assert store.root == folder
        assert store.name == "local folder"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_bucket_with_all_its_options() -> None:
    store = open_store(
        "s3://clinic-images/a/b/?endpoint_url=http%3A%2F%2F127.0.0.1%3A9000&region=eu-west-3&sse=aws:kms"
    )
    assert isinstance(store, S3Bucket)
    assert (store.bucket, store.prefix) == ("clinic-images", "a/b/")
    assert (store.endpoint_url, store.region, store.sse) == ("http://127.0.0.1:9000", "eu-west-3", "aws:kms")


def test_a_bucket_with_none_of_them() -> None:
    store = open_store("s3://clinic-images")
    assert isinstance(store, S3Bucket)
    assert (store.bucket, store.prefix) == ("clinic-images", "")
    assert (store.endpoint_url, store.region, store.sse) == (None, None, None)


def test_google_and_azure_with_and_without_their_options() -> None:
    google = open_store("gs://clinic-images/a/b/?endpoint_url=http%3A%2F%2F127.0.0.1%3A4443")
    assert isinstance(google, CloudBucket)
    assert (google.scheme, google.bucket, google.prefix) == ("gs", "clinic-images", "a/b")
    assert (google.endpoint_url, google.account) == ("http://127.0.0.1:4443", None)
    azure = open_store("az://images?account=clinic")
    assert isinstance(azure, CloudBucket)
    assert (azure.scheme, azure.bucket, azure.prefix) == ("az", "images", "")
    assert (azure.endpoint_url, azure.account) == (None, "clinic")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "address"),
        ("a\0b", "address"),
        ("ftp://host/folder", "kind of store"),
        ("gs://", "no bucket"),
        ("gs://bucket/?region=eu", "endpoint_url"),
        ("gs://bucket/?endpoint_url=ftp://host", "endpoint_url"),
        ("gs://bucket/a//b", "prefix"),
        ("az://container?sse=AES256", "endpoint_url, account"),
        ("az://key:secret@container", "must not hold credentials"),
        ("file://relative/folder", "folder of this machine"),
        ("file:///folder?region=eu", "folder of this machine"),
        ("file:///folder#1", "folder of this machine"),
        ("s3://", "no bucket"),
        ("s3:///prefix", "no bucket"),
        ("s3://a b/prefix", "no bucket"),
        ("s3://bucket:9000/prefix", "no bucket"),
        ("s3://key:secret@bucket/prefix", "must not hold credentials"),
        ("s3://[bucket/", "address"),
        ("s3://bucket/../other", "prefix"),
        ("s3://bucket/a//b", "prefix"),
        ("s3://bucket/a#b", "prefix"),
        ("s3://bucket/?acl=public-read", "endpoint_url, region, sse"),
        ("s3://bucket/?region=", "endpoint_url, region, sse"),
        ("s3://bucket/?region=a&region=b", "endpoint_url, region, sse"),
        ("s3://bucket/?sse=none", "AES256, aws:kms"),
        ("s3://bucket/?endpoint_url=127.0.0.1:9000", "endpoint_url"),
        ("s3://bucket/?endpoint_url=http://host:port", "endpoint_url"),
        ("s3://bucket/?endpoint_url=http://", "endpoint_url"),
    ],
)
def test_what_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert reason in caught.value.message
    assert "s3://bucket/prefix?endpoint_url=" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA123:hush-hush@bucket/prefix",
        "s3://bucket/prefix?aws_secret_access_key=hush-hush",
        "s3://bucket/prefix?endpoint_url=http://me:hush-hush@host",
        "https://me:hush-hush@host/bucket",
        "gs://me:hush-hush@bucket/prefix",
        "az://container?account_key=hush-hush",
        "file://me:hush-hush@host/folder",
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert "hush-hush" not in f"{caught.value!r} {caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_what_is_heavy_is_loaded_when_a_bucket_is_first_used() -> None:
    script = "import sys; from imgcore.storage import open_store; open_store('s3://bucket')"
    script += "; open_store('gs://bucket')"
    heavy = {"boto3", "botocore", "urllib3", "obstore", "cryptography"}
    script += f"; sys.exit(bool({heavy} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True)
