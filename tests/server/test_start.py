"""The server starts in every way that is documented, or says in a sentence why it cannot."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer
from tests.structure.sources import ROOT

StartServer = Callable[..., ImgcoreServer]

# Seconds that a busy machine may take to answer.
PATIENCE = 60


def start_uvicorn(folder: Path, **env: str) -> subprocess.Popen[str]:
    """Start the server as an operator who knows uvicorn would, from a folder of their own."""
    command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(ROOT), "--port", "0"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "IMGCORE_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    """Read the log until the server says where it listens."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError("the server ended")


def test_the_server_starts_under_uvicorn_and_keeps_queries_out_of_the_log(tmp_path: Path) -> None:
    process = start_uvicorn(tmp_path, **WITH_ADMIN)
    try:
        address = address_of(process)
        assert "Sign in" in httpx2.get(f"{address}/auth/login", timeout=PATIENCE).text
        assert httpx2.get(f"{address}/files/1/original?exp=1&sig=hidden1", timeout=PATIENCE).status_code in (
            401,
            404,
        )
        httpx2.get(f"{address}/auth/link/hidden2", timeout=PATIENCE)
    finally:
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=60)[0]
    assert "/files/1/original" in log
    assert "/auth/link/…" in log
    assert "hidden" not in log


def test_the_settings_of_the_screens_hold_in_every_folder(tmp_path: Path) -> None:
    show = "import app, streamlit as st; print(st.get_option('client.showErrorDetails'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", show],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "none"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"IMGCORE_MAX_PIXELS": "none"}, "IMGCORE_MAX_PIXELS is not usable"),
        (
            {"IMGCORE_DATABASE_URL": "mysql://x/y"},
            "IMGCORE_DATABASE_URL names a database that is not supported",
        ),
    ],
)
def test_a_wrong_setting_is_said_in_a_sentence(
    start_server: StartServer, env: dict[str, str], said: str
) -> None:
    with pytest.raises(RuntimeError, match=r"the server ended with [1-9]") as ended:
        start_server(env=env)
    assert said in str(ended.value)
    assert "Traceback" not in str(ended.value)


# What each server prints that must be set up.
CODE = re.compile(r"^ +([A-Z2-7]{4}-){3}[A-Z2-7]{4}$", re.MULTILINE)


def test_a_second_server_in_the_same_folder_says_so(start_server: StartServer) -> None:
    first = start_server(env=WITH_ADMIN)
    assert not CODE.search(first.last_lines()), "a server with an administrator has no need of a code"
    with pytest.raises(RuntimeError, match="Another Imgcore server is already working"):
        start_server(folder=first.folder)


def test_the_code_for_set_up_is_shown_while_it_is_needed(start_server: StartServer) -> None:
    server = start_server()
    assert CODE.search(server.last_lines())
    assert httpx2.get(f"{server.url}/auth/login", timeout=PATIENCE).headers["location"] == "/auth/setup"
