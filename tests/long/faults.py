"""All fault tests on all four backends, with the slow ones that the ordinary run leaves out."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.servers.imgcore_server import ROOT

TIMES = 1
TESTS = "tests/server/test_faults_*.py"


def run(times: int) -> str:
    """Run them so many times; raise with the end of what they said when one fails."""
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(TESTS))
    environment = {**os.environ, "IMGCORE_FAULTS": "all"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    passed = 0
    for _time in range(times):
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise AssertionError(f"a fault test failed\n{ended.stdout[-20_000:]}")
        passed += int(found[1]) if (found := re.search(r"(\d+) passed", ended.stdout)) else 0
    return f"{passed} tests passed on four backends"
