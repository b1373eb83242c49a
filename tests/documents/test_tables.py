from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcore.documents.tables import Cell, ManifestRow, csv_bytes, manifest

ORIGINAL = '=HYPERLINK("http://evil")'


def cells_of(table: bytes) -> list[list[str]]:
    """Read a table as Excel does: by its mark, quotes and line ends."""
    assert table.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def test_names_of_any_script_and_awkward_cells_come_back() -> None:
    row = ["Мария", 'the "left" foot, heel', "two\nlines", "  spaced "]
    assert cells_of(csv_bytes(["Näme", "b", "c", "d"], [row])) == [["Näme", "b", "c", "d"], row]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_a_cell_that_would_be_a_formula_is_words(start: str) -> None:
    formula = f"{start}1+cmd|' /C calc'!A0"
    assert cells_of(csv_bytes([formula], [[formula]])) == [["'" + formula], ["'" + formula]]


@given(st.lists(st.text(), min_size=1))
def test_no_text_cell_starts_like_a_formula(row: list[str]) -> None:
    for cell in cells_of(csv_bytes(["x"], [["end", *row]]))[1]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_days_and_nothing_are_written_plainly() -> None:
    row: list[Cell] = [-5, 0.25, date(2025, 11, 6), None]
    assert cells_of(csv_bytes(["a", "b", "c", "d"], [row]))[1] == ["-5", "0.25", "2025-11-06", ""]


def test_half_a_character_does_not_stop_the_export() -> None:
    assert cells_of(csv_bytes(["name"], [["foot \ud83d"]]))[1] == ["foot ?"]


def test_the_manifest_describes_each_file() -> None:
    row = ManifestRow(
        "a_01.jpg", ORIGINAL, "L-Anterior", "heel, left", date(2025, 11, 6), 5_000_000, "ab" * 32
    )
    undated = ManifestRow("a_02.jpg", "IMG 1.HEIC", "Other", "", None, 7, "cd" * 32)
    header, first, second = cells_of(manifest([row, undated]))
    assert header == [
        "File name", "Original name", "Category", "Caption", "Date taken", "Size (bytes)", "SHA-256"
    ]  # fmt: skip
    assert first == [
        "a_01.jpg",
        f"'{ORIGINAL}",
        "L-Anterior",
        "heel, left",
        "2025-11-06",
        "5000000",
        "ab" * 32,
    ]
    assert second == ["a_02.jpg", "IMG 1.HEIC", "Other", "", "", "7", "cd" * 32]
