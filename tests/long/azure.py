"""What every store does, once more in Azure: on its own emulator, which needs Node."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote

ROUNDS = 1
ROOT = Path(__file__).parents[2]
START_SECONDS = 60
# The account that every emulator has; its key is public.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2021-08-06"


def run(rounds: int) -> str:
    """Run the tests of all stores so many times; return how many passed."""
    passed = 0
    with emulator() as endpoint:
        url = f"az://imgcore/PREFIX?endpoint_url={quote(endpoint, safe='')}"
        account = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY}
        command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-k", "azure", "tests/storage"]
        for _round in range(rounds):
            env = os.environ | account | {"IMGCORE_TEST_AZURE": url}
            ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
            found = re.search(r"(\d+) passed", ended.stdout)
            if ended.returncode or not found:
                raise AssertionError(ended.stdout[-4000:])
            passed += int(found[1])
    return f"{passed} tests passed on Azurite"


@contextmanager
def emulator() -> Iterator[str]:
    """Start Azurite with the container ``imgcore``; yield its address."""
    program = shutil.which("azurite-blob")
    if program is None:
        raise RuntimeError("azurite-blob is missing: npm install -g azurite@3.37.0")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--blobPort", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([program, *options], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
            deadline = time.monotonic() + START_SECONDS
            while not _made(f"{endpoint}/imgcore"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("Azurite did not start")
                time.sleep(0.1)
            yield endpoint
        finally:
            process.kill()
            process.wait()


def _made(container: str) -> bool:
    """Make the container, in words signed as Azure wants them."""
    at = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    signed = f"PUT{12 * chr(10)}x-ms-date:{at}\nx-ms-version:{VERSION}\n/{ACCOUNT}/{ACCOUNT}/imgcore\n"
    digest = hmac.new(
        base64.b64decode(ACCOUNT_KEY), f"{signed}restype:container".encode(), hashlib.sha256
    ).digest()
    headers = {
        "x-ms-date": at,
        "x-ms-version": VERSION,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
        "Content-Length": "0",
    }
    request = urllib.request.Request(f"{container}?restype=container", method="PUT", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5):
            return True
    except URLError:
        return False
