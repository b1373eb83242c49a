"""Two app processes on PostgreSQL and S3 under upload load; see ``tests/faults/pairs.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.faults.backends import own_outside
from tests.faults.pairs import FILES, pair_on

IMAGES = 5_000
AT_ONCE = 100


def run(images: int) -> str:
    """Load both servers with so many images, a batch of some hundreds after the other."""
    told = ""
    with (
        own_outside() as outside,
        tempfile.TemporaryDirectory(prefix="two") as folder,
        outside.backend("postgresql-s3") as backend,
        pair_on(backend, Path(folder)) as pair,
    ):
        rounds = max(1, images // (AT_ONCE * FILES))
        for _round in range(rounds):
            told = pair.load(AT_ONCE)
    return f"{rounds} batches right on both servers, the last of {told}"
