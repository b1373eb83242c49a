"""The page about the database says what the tables are."""

from __future__ import annotations

from tests.structure.database_doc import PATH, describe


def test_database_page_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == describe(), "run: python -m tests.structure.database_doc"
