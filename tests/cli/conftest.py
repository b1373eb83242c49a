"""What the tests of the command line share: a data folder, and a way to type a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgcore import cli
from imgcore.config import Settings
from tests.api.hurries import in_a_hurry

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def _in_a_hurry() -> Iterator[None]:
    """What is slow on purpose is tried elsewhere."""
    with in_a_hurry():
        yield


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands work in."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"IMGCORE_{name.upper()}", raising=False)
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command; returns its exit code, and what it printed as output and as errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        return code, *capsys.readouterr()

    return run
