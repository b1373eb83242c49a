"""The product itself, started as a clinic starts it: a process of its own, asked over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import psutil

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
SHOWN_LINES = 200

Kind = Literal["streamlit", "serve"]


class ImgcoreServer:
    """One server process, with ``folder`` as its working folder and its data in ``folder/data``.

    ``kind`` is how it is started: ``streamlit run app.py`` or ``python -m imgcore serve``.
    A stopped server can be started again: on the same port, with the same data.
    """

    def __init__(self, folder: Path, kind: Kind = "streamlit", env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.kind = kind
        self.env = dict(env or {})
        self.log = folder / "server.log"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the server, which is the id of its process group too."""
        return self._running().pid

    def start(self) -> Self:
        """Start the server and return once ``/healthz`` answers 200, within a minute."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, by: signal.Signals = signal.SIGTERM, timeout: float = 30) -> int:
        """Stop the server by a signal to it alone; fail when a process of its group outlives it.

        Returns the exit code, negative for a signal, as ``subprocess`` does.
        """
        process = self._running()
        process.send_signal(by)
        try:
            code = process.wait(timeout)
            left = self._wait_for_group(process.pid)
        finally:
            self.kill()
        if left:
            raise AssertionError(f"outlived the server: {left}")
        return code

    def kill(self) -> None:
        """Kill the server and all it started at once, as a power cut would."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def last_lines(self) -> str:
        """Return the last lines that the server wrote, for the report of a test that failed."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-SHOWN_LINES:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("this server does not run")
        return self._process

    def _command(self) -> list[str]:
        if self.kind == "serve":
            return [sys.executable, "-m", "imgcore", "serve", "--port", str(self._port)]
        flags = {"headless": "true", "address": "127.0.0.1", "port": str(self._port)}
        options = [f"--server.{name}={value}" for name, value in flags.items()]
        return [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]

    def _environment(self) -> dict[str, str]:
        """Return this process's environment without its own settings of the product."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("IMGCORE_")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "IMGCORE_DATA_DIR": str(self.folder / "data"),
            **self.env,
        }

    def _wait_until_healthy(self) -> None:
        process = self._running()
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer within {START_SECONDS} s:\n{self.last_lines()}")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _wait_for_group(self, group: int, timeout: float = 10) -> list[str]:
        """Wait until no process of the group is left; return the command lines of those that are."""
        deadline = time.monotonic() + timeout
        while (left := _group(group)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [_command_line(member) for member in left]


def _group(group: int) -> list[psutil.Process]:
    """Return the living processes of a process group; the dead that nobody reaped don't count."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return members


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "a process that has just ended"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
