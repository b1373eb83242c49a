"""Runs long checks and prints a dated table: ``python -m tests.long [NAME[=SIZE]...]``, all without a name.

Exits with 1 when one of them failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.long import azure, faults, fuzz, kills, lists, many, soak, two, walk


class Check(NamedTuple):
    """A check: what it shows, how large it is by itself, and how to run it in a size.

    It returns the facts in a sentence, and raises when something is not as it should be.
    """

    shows: str
    size: int
    run: Callable[[int], str]


CHECKS = {
    "walk": Check("audit lines match actions one to one; tampering is found", walk.ACTIONS, walk.run),
    "azure": Check("what every store does, in Azure (needs Node)", azure.ROUNDS, azure.run),
    "kills": Check("nothing is lost by kill -9 on any backend", kills.ROUNDS, kills.run),
    "faults": Check("every fault from outside, on every backend", faults.TIMES, faults.run),
    "many": Check("the layout for many machines, behind nginx", many.SESSIONS, many.run),
    "two": Check("two servers on PostgreSQL and S3 are both right", two.IMAGES, two.run),
    "soak": Check("memory and open files stay flat under 20 uploaders (minutes)", soak.MINUTES, soak.run),
    "lists": Check("lists are right and as quick in a large clinic", lists.IMAGES, lists.run),
    "bulk": Check("many categories by one change, beside raw SQL", lists.CHANGED, lists.run_bulk),
    "fuzz": Check("every REST answer is one that the document promises", fuzz.EXAMPLES, fuzz.run),
}


def main(wanted: Sequence[str]) -> int:
    """Run what is wanted, in its order."""
    named = [each.partition("=") for each in wanted or list(CHECKS)]
    unknown = [name for name, _equals, _size in named if name not in CHECKS]
    if unknown:
        print(f"There is no check {', '.join(unknown)}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}\n")
    print("| check | size | shows | result | seconds |\n|---|---|---|---|---|")
    results = [_row(name, int(size) if size else CHECKS[name].size) for name, _equals, size in named]
    return 0 if all(results) else 1


def _row(name: str, size: int) -> bool:
    check, began = CHECKS[name], time.perf_counter()
    try:
        result, passed = check.run(size), True
    except Exception as error:
        traceback.print_exc()
        result, passed = f"FAILED: {type(error).__name__}: {str(error).splitlines()[0]}", False
    took = time.perf_counter() - began
    print(f"| {name} | {size:,} | {check.shows} | {result} | {took:.0f} |", flush=True)
    return passed


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
