"""Plugin of pytest for CI: there a test that is skipped, or expected to fail, counts as failed."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a test, after every other plugin has."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a module, which can be skipped as a whole."""
    return _judged((yield))


def _judged(report: Report) -> Report:
    if "IMGCORE_CI" not in os.environ:
        return report
    if report.outcome == "skipped" or hasattr(report, "wasxfail"):
        place = report.longrepr
        reason = place[2] if isinstance(place, tuple) else getattr(report, "wasxfail", "")
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not accept: {reason}"
        report.__dict__.pop("wasxfail", None)
    return report
