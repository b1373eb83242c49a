"""The log in the form that is set: sentences, or JSON that a collector reads."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcore import logs
from imgcore.config import load_settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave every logger as it was."""
    names = ("", "imgcore", *logs.OTHERS)
    loggers = {name: logging.getLogger(name) for name in names}
    before = {name: (each.handlers[:], each.level, each.propagate) for name, each in loggers.items()}
    yield
    for name, (handlers, level, propagate) in before.items():
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def written(capsys: pytest.CaptureFixture[str], folder: Path, form: str) -> str:
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)  # as uvicorn does
    logs.configure(load_settings(data_dir=folder, log_format=form))
    logging.getLogger("imgcore.requests").info("GET %s", "/images", extra={"milliseconds": 5})
    logging.getLogger("uvicorn.error").info("not worth a line")
    logging.getLogger("uvicorn.error").warning("worth a line")
    return capsys.readouterr().err


def test_json_has_an_object_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second = map(json.loads, written(capsys, tmp_path, "json").splitlines())
    assert (first["message"], first["level"], first["logger"]) == ("GET /images", "INFO", "imgcore.requests")
    assert first["milliseconds"] == 5
    assert first["at"].endswith("+0000")
    assert second["message"] == "worth a line"


def test_text_has_a_sentence_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second = written(capsys, tmp_path, "text").splitlines()
    assert first.endswith("INFO imgcore.requests: GET /images")
    assert second.endswith("WARNING uvicorn.error: worth a line")


def test_by_itself_nothing_changes(tmp_path: Path) -> None:
    before = logging.getLogger().handlers[:]
    logs.configure(load_settings(data_dir=tmp_path))
    assert logging.getLogger().handlers == before
