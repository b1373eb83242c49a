"""Every test that the security page names exists, so that what it says is still held."""

from __future__ import annotations

import re

from tests.structure.sources import ROOT

_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
_EVERY_CHAPTER = {str(number) for number in range(1, 18)}


def missing(page: str) -> list[str]:
    """Return the tests that a page names and that are not there."""
    found = []
    for file, name in _NAMED.findall(page):
        path = ROOT / "tests" / file
        source = path.read_text() if path.exists() else ""
        if not name.startswith("test_") or not re.search(rf"^(async )?def {name}\(", source, re.MULTILINE):
            found.append(f"{file}::{name}")
    return found


def test_every_test_that_the_security_page_names_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    assert missing(page) == []
    assert len(_NAMED.findall(page)) > 80


def test_a_test_that_is_gone_is_noticed() -> None:
    page = "`structure/test_security_doc.py::test_that_is_gone`, `nowhere/test_x.py::test_y`"
    assert missing(page) == ["structure/test_security_doc.py::test_that_is_gone", "nowhere/test_x.py::test_y"]


def test_every_chapter_of_the_standard_is_spoken_of() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    headings = " ".join(line for line in page.splitlines() if line.startswith(("### V", "V17")))
    spoken = set(re.findall(r"V(\d+)", headings))
    for first, last in re.findall(r"V(\d+) (?:to|and) V(\d+)", headings):
        spoken |= {str(number) for number in range(int(first), int(last) + 1)}
    assert spoken == _EVERY_CHAPTER
