"""A proxy between the server under test and its store or database, which does harm on command."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

PIECE = 64 * 1024
RESETTING = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"^content-length:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)

Harm = Literal["refuse", "reset", "hole", "slow", "cut_request", "cut_answer", "status"]


@dataclass
class Fault:
    """What goes wrong; ``amount`` is bytes passed before a cut, bytes a second, or the HTTP status.

    ``of`` limits it to HTTP requests whose first line holds this text, ``times`` to so many of
    them (or connections, when bytes are passed as they come); 0 is no limit.
    """

    harm: Harm
    amount: int = 0
    of: str = ""
    times: int = 0
    met: int = 0


class Proxy:
    """Passes connections on to ``upstream``, a port of this machine or a socket's path.

    With ``http`` it finds the requests in what passes, so that a fault can be of some of them.
    """

    def __init__(self, upstream: int | Path, *, http: bool = False) -> None:
        self._upstream = upstream
        self._http = http
        self._fault: Fault | None = None
        self._turn = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = self._listen(0)
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_listening()
        self.drop()

    @contextmanager
    def doing(
        self, harm: Harm, amount: int = 0, *, of: str = "", times: int = 0, drop: bool = True
    ) -> Iterator[Fault]:
        """Do harm for a while; ``drop`` breaks what is open now, so that the next words come anew."""
        fault = Fault(harm, amount, of, times)
        self._fault = fault
        if harm == "refuse":
            self._stop_listening()
        if drop and harm != "hole":
            self.drop()
        try:
            yield fault
        finally:
            self._fault = None
            self.drop()
            if harm == "refuse":
                self._listening = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
        return listening

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client = listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        link = Link(self, client)
        if not self._http and (fault := self.take("")) is not None:
            link.suffer(fault)
        if link.broken:
            return
        try:
            upstream = self._connect()
        except OSError:
            return link.close()
        with self._turn:
            self._open |= {client, upstream}
        link.upstream = upstream
        back = threading.Thread(target=link.bring_back, daemon=True)
        back.start()
        link.bring_requests() if self._http else link.bring()
        back.join()
        link.close()
        with self._turn:
            self._open -= {client, upstream}

    def _connect(self) -> socket.socket:
        if isinstance(self._upstream, int):
            return socket.create_connection(("127.0.0.1", self._upstream), timeout=60)
        upstream = socket.socket(socket.AF_UNIX)
        try:
            upstream.connect(str(self._upstream))
        except OSError:
            upstream.close()
            raise
        return upstream

    def drop(self) -> None:
        """Break every connection that is open."""
        with self._turn:
            found = list(self._open)
        for each in found:
            _reset(each)

    def take(self, line: str) -> Fault | None:
        """Return the fault that hits this request or connection, if one does."""
        with self._turn:
            fault = self._fault
            if fault is None or fault.of not in line or (fault.times and fault.met >= fault.times):
                return None
            fault.met += 1
            return fault

    def is_hole(self) -> bool:
        """Tell whether nothing passes at the moment."""
        return self._fault is not None and self._fault.harm == "hole" and not self._fault.of


class Link:
    """One connection, from the server under test to its store or database and back."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self.upstream: socket.socket | None = None
        self.broken = False
        self._fault: Fault | None = None
        self._passed = {"request": 0, "answer": 0}

    def suffer(self, fault: Fault) -> None:
        """Let a fault begin here."""
        self._fault = fault
        if fault.harm in ("reset", "refuse"):
            self.close()
        elif fault.harm == "status":
            self._answer(fault.amount)

    def bring(self) -> None:
        """Pass on what the client says, as it comes."""
        with contextlib.suppress(OSError):
            while not self.broken and (data := self._client.recv(PIECE)):
                self._pass(data, "request")
        self._end(self.upstream)

    def bring_back(self) -> None:
        """Pass on what comes back."""
        assert self.upstream is not None
        with contextlib.suppress(OSError):
            while not self.broken and (data := self.upstream.recv(PIECE)):
                self._pass(data, "answer")
        self._end(self._client)

    def bring_requests(self) -> None:
        """Pass on requests one by one, each with its length of bytes."""
        held = b""
        with contextlib.suppress(OSError):
            while not self.broken:
                head, end, rest = held.partition(b"\r\n\r\n")
                if not end:
                    data = self._client.recv(PIECE)
                    if not data:
                        break
                    held += data
                    continue
                self._fault = None
                self._passed = {"request": 0, "answer": 0}
                if fault := self._proxy.take(head.split(b"\r\n")[0].decode("latin-1")):
                    self.suffer(fault)
                found = _LENGTH.search(head)
                held = self._pass_body(head + end, rest, int(found[1]) if found else 0)
        self._end(self.upstream)

    def _pass_body(self, head: bytes, rest: bytes, length: int) -> bytes:
        """Pass on a request; return what was read beyond it."""
        body, beyond = rest[:length], rest[length:]
        left = length - len(body)
        self._pass(head + body, "request")
        while left and not self.broken:
            data = self._client.recv(min(PIECE, left))
            if not data:
                raise ConnectionError
            left -= len(data)
            self._pass(data, "request")
        return beyond

    def _pass(self, data: bytes, way: Literal["request", "answer"]) -> None:
        target = self.upstream if way == "request" else self._client
        if self.broken or target is None:
            return
        fault = self._fault
        if self._proxy.is_hole() or (fault is not None and fault.harm == "hole"):
            return  # swallowed
        if fault is not None and fault.harm == "slow":
            return self._drip(target, data, fault.amount)
        if fault is not None and fault.harm == f"cut_{way}":
            allowed = max(0, fault.amount - self._passed[way])
            self._passed[way] += len(data)
            target.sendall(data[:allowed])
            if len(data) >= allowed:
                self.close(gently=True)
            return
        target.sendall(data)

    def _drip(self, target: socket.socket, data: bytes, rate: int) -> None:
        step = max(1, rate // 20)
        for at in range(0, len(data), step):
            if self.broken:
                return
            target.sendall(data[at : at + step])
            time.sleep(0.05)

    def _answer(self, status: int) -> None:
        """Answer in the place of an S3 server; the request is read and thrown away."""
        body = b"<Error><Code>ServiceUnavailable</Code><Message>no</Message></Error>"
        head = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):
            self._client.sendall(head.encode() + body)
            self._client.shutdown(socket.SHUT_WR)
            self._client.settimeout(3)
            while self._client.recv(PIECE):
                pass
        self.close()

    def _end(self, target: socket.socket | None) -> None:
        """Say to one side that the other has nothing more to say."""
        if target is not None and not self.broken and not self._proxy.is_hole():
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def close(self, *, gently: bool = False) -> None:
        """Break the connection; ``gently`` lets what was passed on arrive first."""
        self.broken = True
        for each in (self._client, self.upstream):
            if each is None:
                continue
            if not gently:
                _reset(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _reset(connection: socket.socket) -> None:
    """Break a connection as a machine does that has lost its memory; whoever reads from it wakes up."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
        connection.shutdown(socket.SHUT_RDWR)
