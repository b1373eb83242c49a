"""The page about the tables for programs says what their columns are."""

from __future__ import annotations

from tests.structure.data_doc import PATH, described


def test_page_of_the_tables_is_up_to_date() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert text == described(text), "run: python -m tests.structure.data_doc"
