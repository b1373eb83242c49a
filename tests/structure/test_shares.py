"""What belongs together runs on one worker, and what takes longest begins first."""

from __future__ import annotations

from inspect import cleandoc

import pytest

from tests.servers.imgcore_server import ROOT

pytest_plugins = ["pytester"]

TEST = """
    import os
    from pathlib import Path
    import pytest

    {mark}
    @pytest.mark.parametrize("number", range(4))
    def test_one(number):
        with Path({log!r}).open("a") as log:
            print({name!r}, os.environ["PYTEST_XDIST_WORKER"], file=log)
"""
TOGETHER = 'pytestmark = pytest.mark.xdist_group("together")'


def test_modules_and_groups_stay_on_one_worker_and_the_longest_begin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pytester.path / "log"
    for name, mark in {"a": "", "browser/b": "", "c": TOGETHER, "server/d": TOGETHER, "e": ""}.items():
        folder, _, module = name.rpartition("/")
        (pytester.path / folder).mkdir(exist_ok=True)
        content = TEST.format(mark=mark, log=str(log), name=module)
        (pytester.path / folder / f"test_{module}.py").write_text(cleandoc(content))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    plugins = ("-p", "tests.servers.fixtures", "-p", "tests.structure.shares")
    pytester.runpytest_subprocess(*plugins, "-n", "2", "--dist", "loadgroup").assert_outcomes(passed=20)
    lines = [line.split() for line in log.read_text().splitlines()]
    workers = {module: {worker for name, worker in lines if name == module} for module in "abcde"}
    assert all(len(each) == 1 for each in workers.values())
    assert workers["c"] == workers["d"]
    firsts = {worker: name for name, worker in reversed(lines)}
    assert set(firsts.values()) <= {"b", "c", "d"}
