"""A real nginx, with the configuration that the documentation gives."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.imgcore_server import ROOT

DOCUMENT = ROOT / "docs" / "operations.md"
SECONDS = 20
FRAME = """
daemon off; pid {folder}/pid; error_log {folder}/error.log info; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    add_header X-Upstream $upstream_addr always;
    {told}
}}
"""


class Nginx:
    """nginx before some servers of this machine; each answer says in ``X-Upstream`` which of them gave it."""

    def __init__(self, folder: Path, servers: Sequence[str]) -> None:
        self._folder = folder
        self._port = _free_port()
        self._servers = servers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the proxy, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "nginx.conf"
        file.write_text(FRAME.format(folder=self._folder, told=self._told()))
        command = [program, "-p", str(self._folder), "-c", str(file), "-e", str(self._folder / "error.log")]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start:\n{(self._folder / 'error.log').read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)

    def _told(self) -> str:
        """Return what the documentation says, with the addresses of this machine and without HTTPS."""
        (told,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        lines = [line for line in told.splitlines() if "ssl_certificate" not in line]
        (first, *_rest) = [line for line in lines if re.match(r" +server \d", line)]
        options = first.split(maxsplit=2)[2]
        servers = [f"    server {each} {options}" for each in self._servers]
        kept = "\n".join(line for line in lines if not re.match(r" +server \d", line))
        kept = kept.replace("listen 443 ssl;", f"listen 127.0.0.1:{self._port};")
        return kept.replace("consistent;\n", "consistent;\n" + "\n".join(servers) + "\n")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
