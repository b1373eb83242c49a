"""What docs/api.md shows of a typed client: it is generated from a running server, and its example runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.server.visits import ADMIN, PASSWORD, WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer
from tests.services.clinics import photo
from tests.structure.sources import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SAID = [
    "stored foot.jpg: 64 x 48, l_anterior",
    "1 in the consultation, primary: True",
    "as a ZIP: application/zip",
    "by the link: 200",
    "conflict: Another patient already has this external id.",
]


def block(language: str) -> str:
    """Return the one block of the page in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def run(folder: Path, *command: str, **env: str) -> str:
    """Run a command in a folder with Python's warnings on, and return what it prints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMGCORE_")}
    done = subprocess.run(
        command, cwd=folder, env=inherited | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout


@pytest.mark.xdist_group("api-doc")
def test_the_generated_client_does_what_the_page_shows(
    start_server: Callable[..., ImgcoreServer], tmp_path: Path
) -> None:
    server = start_server(kind="serve", env=WITH_ADMIN)
    with httpx2.Client(base_url=server.url) as client:
        form = {"username": ADMIN, "password": PASSWORD}
        token = client.post("/api/v1/auth/token", data=form).json()["access_token"]
        answer = client.get("/api/openapi.json", headers={"Authorization": f"Bearer {token}"})
    (tmp_path / "openapi.json").write_bytes(answer.content)
    (tmp_path / "client.yaml").write_text(block("yaml"))
    (tmp_path / "example.py").write_text(block("python"))
    (tmp_path / "foot.jpg").write_bytes(photo(1))
    generate = re.search(r"^openapi-python-client (generate .*)$", DOCUMENT, re.MULTILINE)
    assert generate is not None
    run(tmp_path, sys.executable, "-m", "openapi_python_client", *generate[1].split())
    example = (sys.executable, "-W", "error", "example.py")
    printed = run(
        tmp_path, *example, IMGCORE_SERVER=server.url, IMGCORE_USER=ADMIN, IMGCORE_PASSWORD=PASSWORD
    )
    assert printed.splitlines() == SAID
    stricter = ("--strict", "--python-version", "3.11", "--no-incremental", "--cache-dir", os.devnull)
    run(tmp_path, sys.executable, "-m", "mypy", *stricter, "--follow-imports", "silent", "example.py")
