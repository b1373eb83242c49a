"""The files that make up the product, as the tests of the house see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("imgcore", "pages", "tests", "docs", ".ci", ".streamlit")
TOP_FILES = ("*.py", "*.md", "*.txt", "*.toml", ".gitignore", "LICENSE")
BINARY = {".mo", ".pyc", ".png", ".ico"}


def all_texts() -> Iterator[tuple[Path, str]]:
    """Yield each text file, as a path from the top and its content."""
    for path in _files():
        if path.suffix not in BINARY:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def with_suffix(suffix: str) -> Iterator[tuple[Path, str]]:
    """Yield the text files of one kind."""
    return ((path, text) for path, text in all_texts() if path.suffix == suffix)


def _files() -> Iterator[Path]:
    for pattern in TOP_FILES:
        yield from sorted(ROOT.glob(pattern))
    for folder in FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
