"""An S3 server in memory that fails on command, and a port that never answers."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from imgcore.storage.s3 import S3Bucket


@dataclass
class Faults:
    """What the server does wrong, what it keeps, and which requests it saw."""

    statuses: list[int] = field(default_factory=list)  # of the next answers, one a request
    status: int = 0  # of every answer after those; 0 is to do what is asked
    code: str = "InternalError"
    overwriting: Literal["refused", "not implemented", "done"] = "refused"
    lost_answers: int = 0  # so many puts are done, and then the connection is cut
    cut_bodies: bool = False
    delete_code: str = ""
    seen: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class FaultyServer(ThreadingHTTPServer):
    """A server of one bucket, with the faults that a test gives it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.faults = Faults()
        self.turn = threading.Lock()

    def bucket(self, **options: Any) -> S3Bucket:
        """Return a store on this server."""
        return bucket_at(self.server_port, **options)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of broken connections, for the tests break them."""


class Answers(BaseHTTPRequestHandler):
    """One answer of the server."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def handle_one_request(self) -> None:
        with self.server.turn:
            super().handle_one_request()

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        faults = self.server.faults
        if self._fails():
            return
        if "If-None-Match" in self.headers and faults.overwriting == "not implemented":
            return self._refuse(501, "NotImplemented")
        if (
            "If-None-Match" in self.headers
            and faults.overwriting == "refused"
            and self._key in faults.objects
        ):
            return self._refuse(412, "PreconditionFailed")
        faults.objects[self._key] = body
        faults.digests[self._key] = self.headers["x-amz-meta-sha256"]
        if faults.lost_answers:
            faults.lost_answers -= 1
            self.close_connection = True
        else:
            self._answer(200)

    def do_GET(self) -> None:
        faults = self.server.faults
        if self._fails():
            return
        if (body := faults.objects.get(self._key)) is None:
            return self._refuse(404, "NoSuchKey")
        self._answer(200, body, sent=len(body) // 2 if faults.cut_bodies else len(body))

    def do_HEAD(self) -> None:
        if not self._fails():
            found = self._key == "" or self._key in self.server.faults.objects
            self._answer(200 if found else 404, self.server.faults.objects.get(self._key, b""), sent=0)

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        faults = self.server.faults
        if self._fails():
            return
        if faults.delete_code:
            error = f"<Error><Key>k</Key><Code>{faults.delete_code}</Code></Error>"
            return self._answer(200, f"<DeleteResult>{error}</DeleteResult>".encode())
        for key in re.findall("<Key>(.*?)</Key>", asked):
            faults.objects.pop(key, None)
        self._answer(200, b"<DeleteResult></DeleteResult>")

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/clinic").lstrip("/")

    def _fails(self) -> bool:
        faults = self.server.faults
        faults.seen.append(self.command)
        status = faults.statuses.pop(0) if faults.statuses else faults.status
        if status:
            self._refuse(status, faults.code)
        return bool(status)

    def _refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self._answer(status, body, sent=0 if self.command == "HEAD" else len(body))

    def _answer(self, status: int, body: bytes = b"", sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", formatdate(usegmt=True))
        if digest := self.server.faults.digests.get(self._key):
            self.send_header("x-amz-meta-sha256", digest)
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = sent not in (None, len(body)) and self.command != "HEAD"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def bucket_at(port: int, **options: Any) -> S3Bucket:
    """Return a store on the server at a port of this machine."""
    return S3Bucket("clinic", endpoint_url=f"http://127.0.0.1:{port}", region="us-east-1", **options)


@contextmanager
def black_hole() -> Iterator[tuple[int, list[socket.socket]]]:
    """Listen on a port and never answer; yields the port and the connections that came."""
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:

        def accept() -> None:
            while True:
                try:
                    came.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1], came
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in came:
                connection.close()
