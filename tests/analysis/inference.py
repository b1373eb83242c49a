"""An inference server on this machine that answers as a test wants, and keeps what it was sent."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; ``wait`` holds it back until the test is over, a ``body`` of bytes is sent as it is."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class Request:
    """What the server was sent."""

    path: str
    headers: dict[str, str]
    body: bytes


class Inference:
    """The answers that are to be given, in their order; the last one is given again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.over = threading.Event()

    def will(self, *answers: Answer) -> None:
        """Set what is answered from now on."""
        self.answers = list(answers)

    def next(self, request: Request) -> Answer:
        """Keep a request and return its answer."""
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def inference(certificate: Path | None = None) -> Iterator[Inference]:
    """Run a server on a free port of this machine; with a certificate (and its key) it speaks TLS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = place.next(Request(self.path, headers, body))
            if answer.wait:
                place.over.wait()
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) + answer.is_cut))
            self.end_headers()
            if not place.over.is_set():
                self.wfile.write(content)
            self.close_connection = answer.is_cut

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    place = Inference(f"http{'s' * bool(certificate)}://127.0.0.1:{server.server_port}/predict")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield place
    finally:
        place.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
