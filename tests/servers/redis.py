"""A real Redis server for the tests: the program of the system, without its service."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import time
from pathlib import Path

HOW_TO_GET = "apt-get install redis-server"
SECONDS = 30
TRIES = 3
DATABASES = 1_000


def find_redis() -> str | None:
    """Return the path of the program, or None when it is not installed."""
    return shutil.which("redis-server")


class Redis:
    """One server that keeps nothing on disk; a stopped one can be started again, empty, on the same port."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._unused = itertools.count()
        self.port = _free_port()

    def url(self) -> str:
        """Return the address of a database in which nothing was kept yet."""
        return f"redis://127.0.0.1:{self.port}/{next(self._unused)}"

    def start(self) -> None:
        """Start the server and return once it answers."""
        program = find_redis()
        if program is None:
            raise RuntimeError(f"Redis is missing: {HOW_TO_GET}")
        for _ in range(TRIES):
            if self._starts(program):
                return
            self.stop()
            # Somebody took the port between the search and the start.
            self.port = _free_port()
        raise RuntimeError(f"Redis did not start:\n{self._log.read_text()}")

    def stop(self) -> None:
        """Kill the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _starts(self, program: str) -> bool:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        options += ["--databases", str(DATABASES), "--dir", str(self._log.parent)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
