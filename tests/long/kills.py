"""Kill rounds on the four backends in turn; see ``tests/faults/rounds.py``."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.faults.backends import NAMES, own_outside
from tests.faults.rounds import Rounds, rounds_on

ROUNDS = 100
REQUESTS = 6
FILES = 20


def run(rounds: int) -> str:
    """Kill servers so many times; return how many acknowledged images outlived it, all byte for byte."""
    with ExitStack() as stack:
        outside = stack.enter_context(own_outside())
        running: list[Rounds] = []
        for name in NAMES[:rounds]:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills")))
            backend = stack.enter_context(outside.backend(name))
            running.append(stack.enter_context(rounds_on(backend, folder, rounds)))
        for number in range(rounds):
            each = running[number % len(running)]
            try:
                each.run(REQUESTS, FILES)
            except BaseException as error:
                error.add_note(f"round {number} on {each.backend.name}\n{each.server.last_lines()}")
                raise
        return _told(running, rounds)


def _told(running: list[Rounds], rounds: int) -> str:
    kept = sum(len(each.kept) for each in running)
    cut = sum(each.cut for each in running)
    names = ", ".join(each.backend.name for each in running)
    return (
        f"{rounds} times kill -9 on {names}; {cut} of them cut requests off; "
        f"{kept:,} acknowledged images, 0 lost, changed, doubled or stray"
    )
