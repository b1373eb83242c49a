"""Plugin of pytest: which tests stay together on one worker, and which of them begin first.

The tests of a module stay together, and so do those of one ``xdist_group``: what they share is made once.
xdist's own ``loadgroup`` writes the group into an attribute that pytest 9.2 does not read, and with it every
test would go wherever there is room.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.servers.fixtures import run_folder

# Seconds that a test of a folder takes, roughly; where nothing is said, hardly any.
SECONDS = {"browser": 6.0, "server": 5.0, "api": 0.5, "pages": 0.5, "services": 0.3}
HARDLY_ANY = 0.1
# Its modules share a clinic, which lives on a worker as long as no test of another folder comes between.
FIRST = "browser"


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out the tests share by share, in the order in which the workers have put them."""

    def _split_scope(self, nodeid: str) -> str:
        return self._share_of[nodeid]

    @cached_property
    def _share_of(self) -> Mapping[str, str]:
        found: dict[str, str] = json.loads(_note().read_text())
        return found


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Take one worker more than there are processors: a third of the time goes by in waiting."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shares | None:
    """Take the place of ``loadgroup``."""
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest shares first: one that is begun last would be waited for; but one folder before all."""
    if hasattr(config, "workerinput"):
        seconds: dict[str, float] = defaultdict(float)
        for item in items:
            seconds[share(item)] += _seconds(item)
        first = {share(item) for item in items if item.path.parent.name == FIRST}
        items.sort(key=lambda item: (share(item) not in first, -seconds[share(item)], share(item)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the process that hands the tests out what stays together; each worker writes the same."""
    if hasattr(session.config, "workerinput"):
        new = _note().with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({item.nodeid: share(item) for item in session.items}))
        new.replace(_note())


def share(item: pytest.Item) -> str:
    """Return the name of the share that a test belongs to: its group, or else its module."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid.partition("::")[0]


def _seconds(item: pytest.Item) -> float:
    return SECONDS.get(item.path.parent.name, HARDLY_ANY)


def _note() -> Path:
    return run_folder() / "shares.json"
