"""What the tests of the command line share: a data folder, and a way to type a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imgcore import bootstrap, cli
from imgcore.config import Settings
from tests.services.clinics import ImagingHere

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands work in."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"IMGCORE_{name.upper()}", raising=False)
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(bootstrap, "ImagingPool", ImagingHere)
    return tmp_path / "data"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command; returns its exit code, and what it printed as output and as errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        return code, *capsys.readouterr()

    return run
