"""The REST interface under much made-up input; see ``tests/api/fuzzing.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.api.fuzzing import fuzz

EXAMPLES = 30  # for each operation, caller and way of making input up


def run(examples: int) -> str:
    """Send what the document allows and what it forbids; return how much of it was answered as promised."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        found = fuzz(Path(folder), examples, thorough=True)
    if found.problems:
        raise AssertionError("\n".join(found.problems))
    return f"{found.sent:,} requests answered as the document promises"
