"""Objects in a bucket of Google Cloud Storage or a container of Azure Blob Storage."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imgcore.errors import ImgcoreError, ObjectMissing, StoreUnavailable
from imgcore.storage.answers import fault, no_answer, no_bucket, no_credentials
from imgcore.storage.disks import disk_faults, full
from imgcore.storage.keys import checked_key, is_key
from imgcore.storage.objects import (
    CHUNK,
    Chunks,
    ObjectInfo,
    missing,
    probe,
    refuse_public,
    save,
    spoilt,
    taken,
)
from imgcore.texts import _

if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions, GetResult
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig

    Client = GCSStore | AzureStore

Scheme = Literal["gs", "az"]
PATIENCE = 10.0
LONGEST_ANSWER = "1h"
DELETED_AT_ONCE = 16
PAUSES = (0.0, 0.1, 0.3, 1.0)
LISTED_AT_ONCE = 1000
NO_ENTRY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
NO_TOKEN = ("token request", "authorizing request", "credential")  # as obstore words it
CONFIG_NAMES: dict[Scheme, dict[str, str]] = {
    "gs": {"endpoint_url": "base_url"},
    "az": {"endpoint_url": "endpoint", "account": "account_name"},
}
# What obstore says of a range that begins where the object has ended, when the server did not refuse it.
NO_RANGE = ("CONTENT_RANGE", "StartTooLarge")
STATUS = re.compile(r"status code: (\d{3})")


@dataclass(frozen=True)
class Provider:
    """What is said about one of the two."""

    title: str
    credentials: str
    creation: str


PROVIDERS: dict[Scheme, Provider] = {
    "gs": Provider(
        "Google Cloud Storage, {bucket}",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "gcloud storage buckets create gs://{bucket} --uniform-bucket-level-access "
        "--public-access-prevention",
    ),
    "az": Provider(
        "Azure, {bucket}",
        "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
        "az storage container create --name {bucket} --public-access off",
    ),
}


class CloudBucket:
    """The store in a bucket or container, under ``prefix``; credentials come from the environment.

    Timeouts are in seconds. No further try is begun ``PATIENCE`` seconds after the first.
    """

    def __init__(
        self,
        scheme: Scheme,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        account: str | None = None,
        connect_timeout: float = 3,
        read_timeout: float = 20,
        tries: int = 3,
    ) -> None:
        self.scheme = scheme
        self.bucket = bucket
        self.prefix = prefix
        self.endpoint_url = endpoint_url
        self.account = account
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.tries = tries
        self._made: Client | None = None
        self._making = threading.Lock()

    @property
    def name(self) -> str:
        """What the place is, fit to show."""
        return PROVIDERS[self.scheme].title.format(bucket=self.bucket)

    def create(self) -> bool:
        """Check that the bucket is there and private; neither of the two lets a client like this make one."""
        refuse_public(self, self._reads_unsigned)
        return False

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        """Store the file, which is read whole; its SHA-256 is checked first and kept beside the object."""
        checked_key(key)
        with disk_faults():
            content = source.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise spoilt()
        for pause in PAUSES:
            time.sleep(pause)
            if self._create(key, content, content_type, sha256):
                return
            stored = self._head(key)
            if stored is None:
                continue  # deleted meanwhile
            if stored.meta["size"] == len(content) and self._sha256(key, stored) == sha256:
                return  # an earlier try got through, though its answer did not
            raise taken()
        raise StoreUnavailable(_("The store is busy. Please try again in a moment."))

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Chunks:
        """Open the bytes from ``start`` up to ``stop``; one connection is held until the end."""
        if stop is not None and stop <= start:
            return self._no_bytes(key, start, stop)
        options: GetOptions = {}
        if stop is not None:
            options = {"range": (start, stop)}
        elif start:
            options = {"range": {"offset": start}}
        try:
            found = self._get(key, options)
        except BeyondTheEnd:
            return self._no_bytes(key, start)
        first, end = found.range
        return Chunks(Body(found), end - first, self._faults)

    def fetch(self, key: str, target: Path) -> None:
        """Load the whole object into a private file."""
        save(self.read(key), target)

    def info(self, key: str) -> ObjectInfo | None:
        """Look an object up; ``None`` when there is none."""
        found = self._head(key)
        if found is None:
            return None
        return ObjectInfo(key, found.meta["size"], found.meta["last_modified"].astimezone(UTC))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, a request each, some at once."""
        for key in keys:
            checked_key(key)
        with ThreadPoolExecutor(DELETED_AT_ONCE) as threads:
            gone = list(threads.map(self._delete, keys))
        if not all(gone):
            self._stand()

    def walk(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Go through all objects whose key starts so, a thousand a request."""
        import obstore

        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return
        with self._faults():
            pages = iter(obstore.list(self._client(), prefix=folder or None, chunk_size=LISTED_AT_ONCE))
        while True:
            with self._faults(listing=True):
                page = next(pages, None)
            if page is None:
                return
            for found in page:
                if found["path"].startswith(prefix) and is_key(found["path"]):
                    yield ObjectInfo(found["path"], found["size"], found["last_modified"].astimezone(UTC))

    def check(self) -> None:
        """Try to write, read and remove an object, and that a second one does not replace it."""
        if not probe(self):
            raise StoreUnavailable(_("The store replaces objects that it should keep."))

    def sweep_temporary(self, older_than_seconds: float) -> int:
        """Do nothing: an object of a bucket is there whole or not at all."""
        return 0

    def close(self) -> None:
        """Let go of the client, which is made again when needed."""
        with self._making:
            self._made = None

    def _create(self, key: str, content: bytes, content_type: str, sha256: str) -> bool:
        """Send the bytes; ``False`` when the key is taken."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        about = {"Content-Type": content_type, "sha256": sha256}
        with self._faults():
            try:
                obstore.put(self._client(), key, content, mode="create", attributes=about)
            except AlreadyExistsError:
                return False
            except FileNotFoundError:
                raise self._no_bucket() from None
        return True

    def _get(self, key: str, options: GetOptions) -> GetResult:
        import obstore
        from obstore.exceptions import BaseError

        with self._faults():
            try:
                return obstore.get(self._client(), checked_key(key), options=options)
            except BaseError as error:
                refused = _status(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                if refused or any(word in str(error) for word in NO_RANGE):
                    raise BeyondTheEnd from error
                raise
            except FileNotFoundError:
                self._stand()
                raise missing() from None

    def _head(self, key: str) -> GetResult | None:
        try:
            return self._get(key, {"head": True})
        except ObjectMissing:
            return None

    def _delete(self, key: str) -> bool:
        """Remove one object; ``False`` when there is none."""
        import obstore

        with self._faults():
            try:
                obstore.delete(self._client(), key)
            except FileNotFoundError:
                return False
        return True

    def _stand(self) -> None:
        """Raise when it is the bucket that is missing, and no object of it."""
        import obstore

        with self._faults(listing=True):
            next(iter(obstore.list(self._client(), prefix="no-such-folder", chunk_size=1)), None)

    def _no_bucket(self) -> StoreUnavailable:
        return no_bucket(PROVIDERS[self.scheme].creation.format(bucket=self.bucket))

    def _sha256(self, key: str, stored: GetResult) -> str:
        """Return the digest that is kept beside the object, or that of its bytes if others stored it."""
        if known := dict(stored.attributes).get("sha256"):
            return str(known)
        digest = hashlib.sha256()
        for chunk in self.read(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _no_bytes(self, key: str, start: int, stop: int | None = None) -> Chunks:
        """Return an empty range, which only begins where the object has ended, or ends before it begins."""
        found = self._head(key)
        if found is None:
            raise missing()
        if start < found.meta["size"] and (stop is None or stop > start):
            raise StoreUnavailable(_("The store of the image files cannot send a part of a file."))
        return Chunks(io.BytesIO(), 0, self._faults)

    def _reads_unsigned(self, key: str) -> bool:
        """Tell whether somebody without credentials gets an object."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.get(self._connect(skip_signature=True), key)
        except (BaseError, FileNotFoundError):
            return False
        return True

    def _client(self) -> Client:
        with self._making:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def _connect(self, *, skip_signature: bool = False) -> Client:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore

        options: ClientConfig = {
            "connect_timeout": timedelta(seconds=self.connect_timeout),
            "read_timeout": timedelta(seconds=self.read_timeout),
            "timeout": LONGEST_ANSWER,  # of a whole body, which may go on to a slow reader
            "allow_http": bool(self.endpoint_url and self.endpoint_url.startswith("http:")),
        }
        tries: RetryConfig = {"max_retries": self.tries - 1, "retry_timeout": timedelta(seconds=PATIENCE)}
        found = {"endpoint_url": self.endpoint_url, "account": self.account}
        names = CONFIG_NAMES[self.scheme]
        config: Any = {names[name]: value for name, value in found.items() if value and name in names}
        if skip_signature:
            config["skip_signature"] = True
        kind: Any = GCSStore if self.scheme == "gs" else AzureStore
        prefix = self.prefix or None
        try:
            made: Client = kind(
                self.bucket, prefix=prefix, config=config, client_options=options, retry_config=tries
            )
        except BaseError as error:
            raise no_credentials(PROVIDERS[self.scheme].credentials) from error
        return made

    @contextmanager
    def _faults(self, *, listing: bool = False) -> Iterator[None]:
        """Turn what obstore raises into Imgcore's errors; its own texts hold addresses and are not shown."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            raise (self._no_bucket() if listing else missing()) from error
        except BaseError as error:
            raise self._meaning(error, listing=listing) from error

    def _meaning(self, error: Exception, *, listing: bool) -> ImgcoreError:
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        status = _status(error)
        no_entry = isinstance(error, (PermissionDeniedError, UnauthenticatedError))
        if no_entry or status in NO_ENTRY or any(word in str(error) for word in NO_TOKEN):
            return no_credentials(PROVIDERS[self.scheme].credentials)
        if listing and status == HTTPStatus.NOT_FOUND:
            return self._no_bucket()
        if status == HTTPStatus.INSUFFICIENT_STORAGE:
            return full()
        return fault(str(status)) if status else no_answer()


class BeyondTheEnd(Exception):
    """A range begins where the object has ended already."""


class Body:
    """The bytes of an answer, which obstore hands out in pieces of its own size."""

    def __init__(self, answer: GetResult) -> None:
        self._pieces: BytesStream | None = answer.stream(min_chunk_size=CHUNK)
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none only at the end."""
        if not self._rest and self._pieces is not None:
            self._rest = memoryview(next(self._pieces, b""))
        given, self._rest = self._rest[:size], self._rest[size:]
        return bytes(given)

    def close(self) -> None:
        """Let go of the connection."""
        self._pieces = None
        self._rest = memoryview(b"")


def _status(error: Exception) -> int:
    """Return the HTTP status of an answer, which obstore tells in its text alone; 0 without an answer."""
    found = STATUS.search(str(error))
    return int(found[1]) if found else 0
