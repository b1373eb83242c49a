"""The command line: serve the clinic, let people in, bring photographs in, and look after the data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from imgcore.cli import imports, keeping, lasting, people, serving, storing, upkeep, working
from imgcore.errors import ImgcoreError
from imgcore.texts import _


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it did its work and 1 when not (argparse answers 2 itself)."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except ImgcoreError as error:
        print("\n".join(filter(None, (error.message, error.hint))), file=sys.stderr)
    except KeyboardInterrupt:
        print(_("Stopped."), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imgcore", description=_("Imgcore on the command line."))
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    for part in (serving, people, imports, storing, upkeep, keeping, lasting, working):
        part.add_to(commands)
    return parser
