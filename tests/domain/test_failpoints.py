from __future__ import annotations

import subprocess
import sys

import pytest

from imgcore.domain.failpoints import FailPoint, InjectedFault, reach
from tests.servers.imgcore_server import ROOT

REACH = "from imgcore.domain.failpoints import FailPoint, reach; reach(FailPoint.UPLOAD_PENDING); print('on')"


def run(wanted: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-c", REACH], check=False, cwd=ROOT, env={"IMGCORE_FAILPOINT": wanted},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return ended.returncode, ended.stdout.strip()


def test_a_process_ends_at_the_point_that_was_named_and_at_no_other() -> None:
    assert run("upload.pending") == (86, "")
    assert run("upload.ready") == (0, "on")


def test_a_fault_can_be_raised_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCORE_FAILPOINT", "upload.pending:raise")
    with pytest.raises(InjectedFault):
        reach(FailPoint.UPLOAD_PENDING)
    for point in set(FailPoint) - {FailPoint.UPLOAD_PENDING}:
        reach(point)


def test_nothing_stops_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMGCORE_FAILPOINT", raising=False)
    for point in FailPoint:
        reach(point)
