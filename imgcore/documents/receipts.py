"""Receipts as PDF: who looked at the record of one patient, on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from imgcore.texts import _

if TYPE_CHECKING:
    from fpdf import FPDF

# A4, in millimetres.
_MARGIN, _BOTTOM = 15, 275
_WIDTHS = (40, 55, 85)
_LINE, _BASE = 5.0, 3.6  # height of a line, and how deep in it the letters stand
_GREY = 110  # shade, from black at 0


@dataclass(frozen=True)
class ReceiptRow:
    """One line of a receipt: who did what, and when."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True)
class Receipt:
    """What is to be printed of one patient; ``left_out`` tells that older rows did not fit."""

    name: str
    mrn: str | None
    birth_on: date | None
    made_at: datetime
    rows: Sequence[ReceiptRow]
    left_out: bool = False


def receipt_pdf(receipt: Receipt) -> bytes:
    """Return the receipt as a PDF of as many A4 pages as it takes.

    Letters that the font lacks are written in Latin ones; a CSV file has the names as they are.
    """
    paper = _Paper()
    paper.turn()
    paper.head(receipt)
    for row in receipt.rows:
        paper.row(f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", row.who, row.what)
    if not receipt.rows:
        paper.row("", "", _("Nobody has looked at this record yet."))
    if receipt.left_out:
        paper.row("", "", _("Older lines are in the CSV file."))
    paper.foot()
    return bytes(paper.pdf.output())


class _Paper:
    """A document in the making, in a font for Latin, Greek and Cyrillic letters."""

    def __init__(self) -> None:
        from fpdf import FPDF

        self.pdf: FPDF = FPDF(format="A4")
        self.pdf.set_margin(_MARGIN)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(False)
        # One weight of a font that can take any: to work out a bold one takes seconds.
        self.pdf.add_font("noto", fname=str(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf"))
        self.pdf.set_font("noto", size=9)
        # The same names and words come again and again.
        self._known: dict[tuple[str, float], list[str]] = {}

    @cached_property
    def _letters(self) -> set[int]:
        return set(getattr(self.pdf.fonts["noto"], "cmap", ()))

    def drawn(self, text: str) -> str:
        """Return a text with what the font lacks in Latin letters: 王 becomes "Wang"."""
        from anyascii import anyascii

        plain = " ".join(text.split())
        if self._letters.issuperset(map(ord, plain)):
            return plain
        return "".join(each if ord(each) in self._letters else anyascii(each) or "?" for each in plain)

    def turn(self) -> None:
        """Begin a page, with the number of the one before at its foot."""
        if self.pdf.page:
            self.foot()
        self.pdf.add_page()

    def foot(self) -> None:
        """Write the number of the page at its foot."""
        self.pdf.set_xy(_MARGIN, _BOTTOM + 5)
        self.pdf.set_text_color(_GREY)
        text = _("Page {number} of {count}").format(number=self.pdf.page, count="{nb}")
        self.pdf.cell(w=sum(_WIDTHS), text=self.drawn(text), align="R")
        self.pdf.set_text_color(0)

    def head(self, receipt: Receipt) -> None:
        """Write whom the receipt is about, and what its columns are."""
        self.pdf.set_font_size(16)
        self._paragraph(_("Who looked at this record"), 9)
        self.pdf.set_font_size(11)
        born = _("born {day}").format(day=receipt.birth_on.isoformat()) if receipt.birth_on else ""
        number = _("MRN {number}").format(number=receipt.mrn) if receipt.mrn else ""
        self._paragraph(" · ".join(filter(None, (receipt.name, born, number))), 6)
        self.pdf.set_font_size(9)
        self.pdf.set_text_color(_GREY)
        made = f"{receipt.made_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        self._paragraph(_("Made on {when}; all times are UTC, the latest first.").format(when=made), _LINE)
        self.pdf.set_y(self.pdf.get_y() + _LINE)
        self.row(_("When"), _("Who"), _("What"))
        self.pdf.set_text_color(0)

    def row(self, *cells: str) -> None:
        """Write one row, each cell on as many lines as it takes, on the next page if it does not fit."""
        lines = [self._wrapped(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
        height = max(map(len, lines)) * _LINE + 1
        if self.pdf.get_y() + height > _BOTTOM:
            self.turn()
        left, top = float(_MARGIN), self.pdf.get_y()
        for cell, width in zip(lines, _WIDTHS, strict=True):
            for number, line in enumerate(cell):
                self.pdf.text(left, top + number * _LINE + _BASE, line)
            left += width
        self.pdf.set_draw_color(220)
        self.pdf.line(_MARGIN, top + height - 0.5, left, top + height - 0.5)
        self.pdf.set_xy(_MARGIN, top + height)

    def _wrapped(self, text: str, width: float) -> list[str]:
        known = self._known.get((text, width))
        if known is None:
            known = self._known[text, width] = self._wrap(text, width)
        return known

    def _wrap(self, text: str, width: float) -> list[str]:
        plain = self.drawn(text)
        if self.pdf.get_string_width(plain) < width - 3:
            return [plain]
        found = self.pdf.multi_cell(w=width - 1, text=plain, dry_run=True, output="LINES", align="L")
        return [str(line) for line in found] if isinstance(found, list) else [plain]

    def _paragraph(self, text: str, height: float) -> None:
        self.pdf.multi_cell(
            w=sum(_WIDTHS), h=height, text=self.drawn(text), align="L", new_x="LMARGIN", new_y="NEXT"
        )
