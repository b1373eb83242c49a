"""The stores beside the bare calls they stand on: ``python -m tests.benchmarks.store`` (about a minute).

A local folder beside open, write, fsync and rename; the same folder encrypted beside itself; SeaweedFS
beside boto3's own calls.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from imgcore.storage.encrypted import EncryptedStore
from imgcore.storage.file_keys import FileKey, write_keys
from imgcore.storage.local import LocalFolder
from imgcore.storage.objects import CHUNK, ObjectStore
from imgcore.storage.urls import open_store
from tests.benchmarks.processes import load
from tests.servers.seaweedfs import SeaweedFS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KINDS = (("thumbnails of 12 kB", 200, 12_000), ("originals of 5 MB", 20, 5_000_000))
ROUNDS = 5


@dataclass(frozen=True)
class Source:
    """A file to store, with its hash, which the services know already."""

    path: Path
    sha256: str


class Way(Protocol):
    """One way to keep objects: the product's store, or the bare calls."""

    def put(self, key: str, source: Source) -> None: ...

    def read(self, key: str) -> int: ...

    def head(self, key: str) -> int: ...


class Product:
    """The product's own store."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def put(self, key: str, source: Source) -> None:
        self.store.put(key, source.path, content_type="image/jpeg", sha256=source.sha256)

    def read(self, key: str) -> int:
        with self.store.read(key) as chunks:
            return sum(len(chunk) for chunk in chunks)

    def head(self, key: str) -> int:
        found = self.store.info(key)
        return found.size if found else 0


class BareFolder:
    """Files written aside, brought to the disk, renamed, and their folder brought to the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, source: Source) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".part")
        with source.path.open("rb") as origin, draft.open("wb") as copy:
            shutil.copyfileobj(origin, copy, CHUNK)
            copy.flush()
            os.fsync(copy.fileno())
        draft.rename(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def read(self, key: str) -> int:
        return len((self.root / key).read_bytes())

    def head(self, key: str) -> int:
        return (self.root / key).stat().st_size


class BareBucket:
    """What boto3 does when it is asked for no more than to put, to get and to look."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    def put(self, key: str, source: Source) -> None:
        with source.path.open("rb") as body:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def read(self, key: str) -> int:
        return len(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def head(self, key: str) -> int:
        return self.client.head_object(Bucket=self.bucket, Key=key)["ContentLength"]


def make(folder: Path, count: int, size: int) -> list[Source]:
    """Write files of noise."""
    folder.mkdir()
    sources = []
    for number in range(count):
        content = os.urandom(size)
        path = folder / str(number)
        path.write_bytes(content)
        sources.append(Source(path, hashlib.sha256(content).hexdigest()))
    return sources


def timed(work: Callable[[], list[int]], expected: int) -> float:
    """Return the seconds of some work, whose answers must all be the expected size."""
    began = time.perf_counter()
    answers = work()
    took = time.perf_counter() - began
    if set(answers) != {expected}:
        raise SystemExit(f"Read {set(answers)} instead of {expected} bytes.")
    return took


def once(way: Way, sources: list[Source], size: int) -> tuple[float, float, float]:
    """Return the seconds to put, read and look up all files once, under fresh keys."""
    folder = f"images/{uuid4()}/{uuid4()}"
    keys = [f"{folder}/{uuid4()}.jpg" for _source in sources]
    began = time.perf_counter()
    for key, source in zip(keys, sources, strict=True):
        way.put(key, source)
    put = time.perf_counter() - began
    read = timed(lambda: [way.read(key) for key in keys], size)
    head = timed(lambda: [way.head(key) for key in keys], size)
    return put, read, head


def compare(title: str, ours: Way, bare: Way, folder: Path) -> None:
    """Print what both ways take for each kind of file, taken in turns."""
    for number, (kind, count, size) in enumerate(KINDS):
        sources = make(folder / f"{title}-{number}", count, size)
        once(ours, sources[:3], size)
        once(bare, sources[:3], size)
        pairs = [(once(ours, sources, size), once(bare, sources, size)) for _round in range(ROUNDS)]
        for place, call in enumerate(("put", "read", "head")):
            mine, theirs = (median(pair[side][place] for pair in pairs) / count * 1000 for side in (0, 1))
            print(f"{title:10} {kind:20} {call:5} {mine:8.3f} ms {theirs:9.3f} ms {mine / theirs:7.2f}")


@contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """Start SeaweedFS, with its credentials in the environment."""
    server = SeaweedFS(folder)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in server.environment.items():
            environment.setenv(name, value)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def compare_buckets(folder: Path, server: SeaweedFS) -> None:
    """Compare on SeaweedFS."""
    import boto3

    client = boto3.client("s3", endpoint_url=server.endpoint_url, region_name="us-east-1")
    store = open_store(server.storage_url("product"))
    store.check()
    compare("SeaweedFS", Product(store), BareBucket(client, server.bucket), folder)
    store.close()
    client.close()


def encrypted(folder: Path) -> EncryptedStore:
    """Return a store in a folder of its own that encrypts with a new key."""
    write_keys(folder / "key", (FileKey.make(),))
    (folder / "drafts").mkdir()
    return EncryptedStore(LocalFolder(folder / "encrypted"), folder / "key", folder / "drafts")


def main() -> None:
    """Print milliseconds for each object."""
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        folder = Path(name)
        print(f"milliseconds for one object, median of {ROUNDS} rounds in turns; {load()}")
        print(f"{'':38}{'product':>9} {'bare':>11} {'times':>11}")
        bare = folder / "bare"
        plain = Product(LocalFolder(folder / "product"))
        compare("folder", plain, BareFolder(bare), folder)
        compare("encrypted", Product(encrypted(folder)), plain, folder)
        (folder / "s").mkdir()
        with seaweedfs(folder / "s") as server:
            compare_buckets(folder, server)


if __name__ == "__main__":
    main()
