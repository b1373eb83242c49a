"""Starting the product beside an empty Streamlit app: ``python -m tests.benchmarks.start`` (half a minute).

Time runs from the start of the process to its first whole answer: of the product its
sign-in page, which asks the database, of an empty app its health. The clinic is set up already.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import MEGABYTE, load, peak_of
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ROOT, ImgcoreServer

ROUNDS = 7
SETTLE_SECONDS = 1.0
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class App:
    """A script for ``streamlit run``, and the path that answers 200 when it is ready."""

    title: str
    script: Path
    health: str


@dataclass(frozen=True)
class Start:
    """Seconds until the first whole answer, and bytes of memory at most until a second later."""

    seconds: float
    memory: int


def start(app: App, folder: Path, *, watched: bool) -> Start:
    """Start an app and end it; watching its memory costs time, so the two are measured apart."""
    port = _free_port()
    flags = {"headless": "true", "address": "127.0.0.1", "port": str(port)}
    options = [f"--server.{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(app.script), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "IMGCORE_DATA_DIR": str(folder / "data")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once, not at each start
    with (folder / "start.log").open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        if not watched:
            _wait(process, port, app.health)
            return Start(time.perf_counter() - began, 0)
        with peak_of(process.pid) as peak:
            _wait(process, port, app.health)
            time.sleep(SETTLE_SECONDS)
        return Start(0, peak.resident)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _healthy(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The app did not start.")
        time.sleep(0.01)


def _healthy(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Print the times and the memory of both, taken in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty.py"
        empty.write_text('import streamlit as st\n\nst.write("x")\n')
        with ImgcoreServer(folder, env=WITH_ADMIN):
            pass  # the clinic is set up, and everything is compiled
        apps = (App("product", ROOT / "app.py", "/auth/login"), App("empty app", empty, "/_stcore/health"))
        start(apps[1], folder, watched=False)
        rounds = [[start(app, folder, watched=False).seconds for app in apps] for _round in range(ROUNDS)]
        memory = [start(app, folder, watched=True).memory for app in apps]
    ours, theirs = ([times[place] for times in rounds] for place in range(2))
    print(f"until the first whole answer, {ROUNDS} rounds in turns; {load()}")
    for app, times, most in zip(apps, (ours, theirs), memory, strict=True):
        figures = (
            f"median {median(times):5.2f} s   best {min(times):5.2f} s   memory {most / MEGABYTE:4.0f} MB"
        )
        print(f"{app.title:12} {figures}")
    print(f"product, times the empty app: {median(ours) / median(theirs):.2f} (median), at most 2")


if __name__ == "__main__":
    main()
