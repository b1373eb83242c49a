"""A real OpenID Connect provider in a process of its own, at which anybody may sign in as anybody."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Self

import httpx2

START_SECONDS = 60


class OidcProvider:
    """The provider; ``url`` is its issuer."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise TimeoutError("the provider did not start")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the provider."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def know(self, subject: str, **claims: object) -> None:
        """Say what the provider tells of a person; even what only it should say, as a false one would."""
        httpx2.put(f"{self.url}/users/{subject}", json=claims).raise_for_status()

    def consent(self, authorization: str, subject: str) -> str:
        """Sign in at the provider as a browser does, and return where it sends the browser back to."""
        answer = httpx2.post(authorization, data={"sub": subject}, timeout=60)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/.well-known/openid-configuration").is_success
        except httpx2.HTTPError:
            return False
