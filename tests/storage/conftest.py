"""The stores under test, and how the tests fill them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from imgcore.storage import ObjectStore, open_store
from imgcore.storage.encrypted import EncryptedStore
from imgcore.storage.file_keys import FileKey, write_keys
from imgcore.storage.local import LocalFolder
from tests.servers.google_storage import GoogleStorage
from tests.servers.seaweedfs import SeaweedFS

Put = Callable[..., None]
# The address of a store in an Azure emulator, with PREFIX in it; set by the check that starts one.
AZURE = "IMGCORE_TEST_AZURE"


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Store bytes under a key, by way of a file, as every caller does."""

    def put(store: ObjectStore, key: str, content: bytes, sha256: str = "") -> None:
        source = tmp_path / f"source-{uuid4()}"
        source.write_bytes(content)
        digest = sha256 or hashlib.sha256(content).hexdigest()
        store.put(key, source, content_type="image/jpeg", sha256=digest)

    return put


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStore:
    """A store in a local folder."""
    return open_store(str(tmp_path / "objects"))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with one new key."""
    path = tmp_path / "encryption.key"
    write_keys(path, (FileKey.make(),))
    return path


@pytest.fixture
def encrypted(tmp_path: Path, key_file: Path) -> EncryptedStore:
    """A store in a local folder whose objects are encrypted."""
    (tmp_path / "drafts").mkdir()
    return EncryptedStore(LocalFolder(tmp_path / "objects"), key_file, tmp_path / "drafts")


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials where boto3 looks for them, and no look at the machine's own."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in SeaweedFS.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def moto(credentials: None) -> Iterator[ObjectStore]:
    """A store in an S3 that is played inside this process."""
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="imgcore")
        store = open_store("s3://imgcore/clinic?region=us-east-1")
        yield store
        store.close()


@pytest.fixture
def seaweed(credentials: None, seaweedfs: SeaweedFS) -> Iterator[ObjectStore]:
    """A store on a real S3 server."""
    store = open_store(seaweedfs.storage_url(f"clinic-{uuid4()}"))
    yield store
    store.close()


@pytest.fixture(scope="session")
def google_storage() -> Iterator[GoogleStorage]:
    """A running Google Cloud Storage; tests keep apart by the prefix of their keys."""
    server = GoogleStorage()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def google(google_storage: GoogleStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A store in Google Cloud Storage."""
    for name, value in google_storage.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(google_storage.storage_url(f"clinic-{uuid4()}"))
    yield store
    store.close()


@pytest.fixture
def azure() -> Iterator[ObjectStore]:
    """A store in the Azure emulator that was started outside; see ``tests/long/azure.py``."""
    store = open_store(os.environ[AZURE].replace("PREFIX", f"clinic-{uuid4()}"))
    yield store
    store.close()


SEAWEED = pytest.param("seaweed", marks=pytest.mark.xdist_group("seaweedfs"))


GOOGLE = pytest.param("google", marks=pytest.mark.xdist_group("google"))
OUTSIDE = ["azure"] if AZURE in os.environ else []


@pytest.fixture(params=["folder", "encrypted", "moto", SEAWEED, GOOGLE, *OUTSIDE])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """Each kind of store in turn."""
    found: ObjectStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["folder", "encrypted", SEAWEED, GOOGLE, *OUTSIDE])
def real_store(request: pytest.FixtureRequest) -> ObjectStore:
    """The stores that are no play: the played one locks nothing and checks no digest."""
    found: ObjectStore = request.getfixturevalue(request.param)
    return found
