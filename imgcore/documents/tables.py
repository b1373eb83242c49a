"""Tables as CSV files that Excel opens rightly and that cannot run a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from imgcore.texts import _

Cell = str | int | float | date | None

_ROWS_AT_ONCE = 500
# What makes Excel or LibreOffice take a cell for a formula, at once or after it trims the cell;
# the last four are the full-width signs, which a Japanese Excel reads as the plain ones.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True)
class ManifestRow:
    """One image of an archive, as ``manifest.csv`` describes it; ``size`` is in bytes."""

    file_name: str
    original_name: str
    category: str
    caption: str
    taken_on: date | None
    size: int
    sha256: str


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a table as UTF-8 with a byte order mark and CRLF line ends.

    Without the mark Excel reads the file in the computer's old code page and spoils every name
    that is not English; pandas, LibreOffice and Google Sheets skip it.
    """
    return b"".join(csv_stream(header, rows))


def csv_stream(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield such a table in pieces, for one that is too long to be held as a whole."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    for number, row in enumerate(chain([header], rows), 1):
        writer.writerow([_harmless(cell) for cell in row])
        if number % _ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    content = text.getvalue().encode("utf-8", errors="replace")
    text.seek(0)
    text.truncate()
    return content


def manifest(rows: Iterable[ManifestRow]) -> bytes:
    """Return the table that goes into an archive beside its images."""
    header = [
        _("File name"),
        _("Original name"),
        _("Category"),
        _("Caption"),
        _("Date taken"),
        _("Size (bytes)"),
        _("SHA-256"),
    ]
    cells = (
        (row.file_name, row.original_name, row.category, row.caption, row.taken_on, row.size, row.sha256)
        for row in rows
    )
    return csv_bytes(header, cells)


def _harmless(cell: Cell) -> str:
    """Return a cell as text; an apostrophe before a formula makes it words. Numbers stay as they are."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.isoformat(timespec="microseconds")  # programs read a column by the form of its first cell
    return cell.isoformat() if isinstance(cell, date) else str(cell)
