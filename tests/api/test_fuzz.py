"""A quick look at what `tests/long/fuzz.py` tries thoroughly."""

from __future__ import annotations

from pathlib import Path

from tests.api.fuzzing import fuzz


def test_every_answer_is_one_that_the_document_promises(tmp_path: Path) -> None:
    found = fuzz(tmp_path, examples=1)
    assert not found.problems, "\n".join(found.problems)
    assert found.sent > 200
