"""F10: two servers on one PostgreSQL and one S3 are both right at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.backends import Outside
from tests.faults.pairs import pair_on

pytestmark = pytest.mark.xdist_group("faults")


def test_two_servers_are_both_right_under_uploads_edits_and_a_sweep(outside: Outside, tmp_path: Path) -> None:
    with outside.backend("postgresql-s3") as backend, pair_on(backend, tmp_path) as pair:
        assert pair.load(requests=6)
