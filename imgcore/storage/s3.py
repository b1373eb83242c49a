"""Objects in a bucket of Amazon S3, or of any server that speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from imgcore.errors import ImgcoreError, StoreUnavailable
from imgcore.storage.answers import meaning, no_answer, no_bucket, no_credentials
from imgcore.storage.disks import disk_faults
from imgcore.storage.keys import checked_key, is_key
from imgcore.storage.objects import Chunks, ObjectInfo, missing, probe, refuse_public, save, taken
from imgcore.texts import _

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import (
        CreateBucketRequestTypeDef,
        GetObjectRequestTypeDef,
        HeadObjectOutputTypeDef,
        PutObjectRequestTypeDef,
    )

Encryption = Literal["AES256", "aws:kms"]
ENCRYPTIONS: dict[str, Encryption] = {"AES256": "AES256", "aws:kms": "aws:kms"}
PATIENCE = 30.0
CONNECTIONS = 16
DELETED_AT_ONCE = 1000
PAUSES = (0.0, 0.1, 0.3, 1.0)

# The second is what Amazon answers while another writer is at the same key.
ALREADY = {"PreconditionFailed", "ConditionalRequestConflict"}

UNKNOWN_CALL = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)


class S3Bucket:
    """The store in a bucket, under ``prefix``; credentials come from where boto3 looks for them.

    Timeouts are in seconds. A try is only begun when it can end within ``PATIENCE`` seconds of
    the first, so a server that hangs costs one read timeout and not three.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        sse: Encryption | None = None,
        connect_timeout: float = 3,
        read_timeout: float = 20,
        tries: int = 3,
    ) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.endpoint_url = endpoint_url
        self.region = region
        self.sse = sse
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.tries = tries
        self._refuses_overwrite = True
        self._made: S3Client | None = None
        self._making = threading.Lock()

    @property
    def name(self) -> str:
        """What the place is, fit to show."""
        return _("S3 bucket {bucket}").format(bucket=self.bucket)

    def create(self) -> bool:
        """Make the bucket, closed to the public, unless it is there; check that it is private."""
        from botocore.exceptions import ClientError

        made = False
        with self._faults():
            try:
                self._client().head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
                self._create_bucket()
                made = True
        self.check()
        refuse_public(self, self._reads_unsigned)
        return made

    def put(self, key: str, source: Path, *, content_type: str, sha256: str) -> None:
        """Store the file; the server checks its SHA-256 and refuses to replace an object."""
        request: PutObjectRequestTypeDef = {
            "Bucket": self.bucket,
            "Key": self._full(key),
            "ContentType": content_type,
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),
            "Metadata": {"sha256": sha256},
        }
        if self.sse:
            request["ServerSideEncryption"] = self.sse
        with disk_faults():
            size = source.stat().st_size
        for pause in PAUSES:
            time.sleep(pause)
            if self._create(request, source):
                return
            stored = self._head(self._full(key))
            if stored is None:
                continue  # deleted meanwhile, or still being written
            if stored["ContentLength"] == size and self._sha256(key, stored) == sha256:
                return  # an earlier try got through, though its answer did not
            raise taken()
        raise StoreUnavailable(_("The store is busy. Please try again in a moment."))

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Chunks:
        """Open the bytes from ``start`` up to ``stop``; one connection is held until the end."""
        from botocore.exceptions import ClientError

        request: GetObjectRequestTypeDef = {"Bucket": self.bucket, "Key": self._full(key)}
        if stop is not None and stop <= start:
            return self._no_bytes(key)
        if start or stop is not None:
            request["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with self._faults():
            try:
                answer = self._client().get_object(**request)
            except ClientError as error:
                if _code(error) == "InvalidRange":
                    return self._no_bytes(key)
                raise
        chunks = Chunks(answer["Body"], answer["ContentLength"], self._faults)
        if "Range" in request and "ContentRange" not in answer:
            chunks.close()
            raise StoreUnavailable(_("The store of the image files cannot send a part of a file."))
        return chunks

    def fetch(self, key: str, target: Path) -> None:
        """Load the whole object into a private file."""
        save(self.read(key), target)

    def info(self, key: str) -> ObjectInfo | None:
        """Look an object up; ``None`` when there is none."""
        found = self._head(self._full(key))
        if found is None:
            return None
        return ObjectInfo(key, found["ContentLength"], found["LastModified"].astimezone(UTC))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, a thousand a request."""
        names = [self._full(key) for key in keys]
        for first in range(0, len(names), DELETED_AT_ONCE):
            group = names[first : first + DELETED_AT_ONCE]
            with self._faults():
                answer = self._client().delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": name} for name in group], "Quiet": True}
                )
            for refused in answer.get("Errors", ()):
                if (code := refused.get("Code", "")) != "NoSuchKey":
                    raise meaning(code, HTTPStatus.OK)

    def walk(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Go through all objects whose key starts so, a thousand a request."""
        with self._faults():
            pages = iter(
                self._client()
                .get_paginator("list_objects_v2")
                .paginate(Bucket=self.bucket, Prefix=self.prefix + prefix)
            )
        while True:
            with self._faults():
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self.prefix)
                if is_key(key):
                    yield ObjectInfo(key, found["Size"], found["LastModified"].astimezone(UTC))

    def check(self) -> None:
        """Try to write, read and remove an object, and learn whether the server refuses to replace one."""
        self._refuses_overwrite = probe(self) and self._refuses_overwrite

    def sweep_temporary(self, older_than_seconds: float) -> int:
        """Do nothing: an object of a bucket is there whole or not at all."""
        return 0

    def close(self) -> None:
        """Close all connections; they are opened again when needed."""
        with self._making:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def _full(self, key: str) -> str:
        return self.prefix + checked_key(key)

    def _create(self, request: PutObjectRequestTypeDef, source: Path) -> bool:
        """Send the file; ``False`` when the key is taken.

        A server that cannot refuse to replace an object is asked first whether there is one. Then
        two writers at once could both win, but keys are made of fresh ids: nobody else has them.
        """
        from botocore.exceptions import ClientError

        with disk_faults(), source.open("rb") as body, self._faults():
            sent: PutObjectRequestTypeDef = {**request, "Body": body}
            if self._refuses_overwrite:
                sent["IfNoneMatch"] = "*"
            elif self._head(request["Key"]) is not None:
                return False
            try:
                self._client().put_object(**sent)
            except ClientError as error:
                if _code(error) in ALREADY:
                    return False
                if _code(error) != "NotImplemented" or "IfNoneMatch" not in sent:
                    raise
                self._refuses_overwrite = False
                return self._create(request, source)
        return True

    def _head(self, name: str) -> HeadObjectOutputTypeDef | None:
        """Look up an object by its full name; a bucket that is gone is no answer about the object."""
        from botocore.exceptions import ClientError

        with self._faults():
            try:
                return self._client().head_object(Bucket=self.bucket, Key=name)
            except ClientError as error:
                if _status(error) != HTTPStatus.NOT_FOUND:
                    raise
            try:
                self._client().head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _status(error) == HTTPStatus.NOT_FOUND:
                    raise no_bucket() from error
        return None

    def _sha256(self, key: str, stored: HeadObjectOutputTypeDef) -> str:
        """Return the digest that is kept beside the object, or that of its bytes if others stored it."""
        if known := stored["Metadata"].get("sha256"):
            return known
        digest = hashlib.sha256()
        for chunk in self.read(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _create_bucket(self) -> None:
        """Make the bucket; not every server knows a block against public access."""
        from botocore.exceptions import ClientError

        request: CreateBucketRequestTypeDef = {"Bucket": self.bucket}
        if self.region and self.region != "us-east-1":
            region = cast("BucketLocationConstraintType", self.region)
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}
        self._client().create_bucket(**request)
        try:
            self._client().put_public_access_block(
                Bucket=self.bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )
        except ClientError as error:
            if _status(error) not in UNKNOWN_CALL:
                raise

    def _reads_unsigned(self, key: str) -> bool:
        """Tell whether somebody without credentials gets an object."""
        from botocore.exceptions import ClientError

        client = self._connect(unsigned=True)
        try:
            with self._faults():
                client.get_object(Bucket=self.bucket, Key=self._full(key))["Body"].close()
        except ImgcoreError as error:
            if not isinstance(error.__cause__, ClientError):
                raise
            return False
        finally:
            client.close()
        return True

    def _no_bytes(self, key: str) -> Chunks:
        if self._head(self._full(key)) is None:
            raise missing()
        return Chunks(io.BytesIO(), 0, self._faults)

    def _client(self) -> S3Client:
        with self._making:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def _connect(self, *, unsigned: bool = False) -> S3Client:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        config = Config(
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            retries={"mode": "standard", "total_max_attempts": self.tries},
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            # Whether stored bytes are still the right ones is judged by whoever knows their digest.
            response_checksum_validation="when_required",
            signature_version=UNSIGNED if unsigned else None,
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
        )
        # A session of its own: boto3's default session is not safe to use from many threads.
        session = boto3.session.Session(region_name=self.region)
        client = session.client("s3", endpoint_url=self.endpoint_url, config=config)
        client.meta.events.register("request-created.s3", self._end_in_time)
        return client

    def _end_in_time(self, request: AWSRequest, **_event: Any) -> None:
        """Refuse a further try that could last longer than anybody should wait."""
        began = request.context.setdefault("imgcore_began", time.monotonic())
        if time.monotonic() - began > max(0, PATIENCE - self.read_timeout):
            raise no_answer()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what boto3 raises into Imgcore's errors."""
        from botocore import exceptions

        try:
            yield
        except exceptions.ClientError as error:
            raise meaning(_code(error), _status(error)) from error
        except (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError,
            exceptions.ProfileNotFound,
        ) as error:
            raise no_credentials() from error
        except exceptions.BotoCoreError as error:
            raise no_answer() from error


def _code(error: ClientError) -> str:
    return error.response["Error"].get("Code", "")


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
