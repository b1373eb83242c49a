"""A worker of the product, started as a clinic starts it: ``python -m imgcore worker``."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.servers.imgcore_server import ROOT

SECONDS = 60


class Worker:
    """One worker process, with its data in ``folder/data``."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.log = folder / "worker.log"
        self._folder = folder
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the worker and return once it says that it works."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("IMGCORE_")}
        own = {"PYTHONPATH": str(ROOT), "IMGCORE_DATA_DIR": str(self._folder / "data")}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "imgcore", "worker"],
                cwd=self._folder,
                env=kept | own | self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS
        while "Working on jobs" not in self.said():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the worker did not start:\n{self.said()}")
            time.sleep(0.05)
        return self

    def said(self) -> str:
        """Return all that it wrote."""
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """Tell it to end, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=SECONDS)

    def kill(self) -> None:
        """Kill it and all that it started, as a power cut would; harmless when it has ended."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
