"""The list of all texts for people, written by ``python -m tests.structure.catalogue``."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

from tests.structure.sources import ROOT

TEMPLATE = ROOT / "imgcore" / "locale" / "imgcore.pot"
KEYWORDS = {"_": None, "ngettext": (1, 2)}
# All that a reader of the file needs to know of its header; the rest would change with every run.
HEADER = b'"Content-Type: text/plain; charset=utf-8\\n"'


def collect() -> Catalog:
    """Find every text that is marked for translation."""
    catalogue = Catalog(charset="utf-8", fuzzy=False, header_comment="# All texts of Imgcore.")
    for path in _sources():
        place = path.relative_to(ROOT).as_posix()
        for _line, text, comments, context in extract_from_file("python", path, keywords=KEYWORDS):
            catalogue.add(text, locations=[(place, 0)], auto_comments=comments, context=context)
    return catalogue


def template() -> bytes:
    """Return the list as translators take it; only a text that is new or gone changes it."""
    file = BytesIO()
    write_po(file, collect(), width=100, sort_by_file=True, include_lineno=False)
    header, empty_line, texts = file.getvalue().partition(b"\n\n")
    kept = [line for line in header.splitlines() if line == HEADER or not line.startswith(b'"')]
    return b"\n".join(kept) + empty_line + texts


def _sources() -> Iterator[Path]:
    for folder in ("imgcore", "pages"):
        yield from sorted((ROOT / folder).rglob("*.py"))
    if (app := ROOT / "app.py").exists():
        yield app


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(template())
