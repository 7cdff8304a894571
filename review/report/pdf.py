"""The report as PDF, drawn by fpdf2 with the fonts that every reader has (docs/decisions/0071)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from review.report.document import Bars, Document, Facts, Heading, Table, Text
from review.report.words import Words, visible

COLOURS: Final = {
    "kept": (27, 138, 77), "closed": (37, 99, 176), "held": (181, 72, 156), "blind": (117, 123, 120),
    "missing": (201, 42, 37),
}  # fmt: skip
_INK, _SOFT, _HAIR = (29, 33, 38), (86, 93, 102), (220, 223, 227)
_ROW: Final = 4.2  # mm
_LABEL: Final = 45.0  # mm of a bar's label
_CELL: Final = 800  # letters of a cell: twenty ids of recordings
_BROKEN: Final = 24  # letters after which a word without a break gets one: fpdf2 refuses what fits in no line


def legible(text: str) -> str:
    """In letters that the fonts have; others as their numbers."""
    return "".join(one if _has(one) else f"U+{ord(one):04X}" for one in visible(text))


def _has(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


class _Pages(FPDF):
    def __init__(self, words: Words) -> None:
        super().__init__(orientation="landscape", format="A4")
        self._words = words
        self.set_auto_page_break(auto=True, margin=16)
        self.set_margins(14, 14)
        self.core_fonts_encoding = "cp1252"

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("Helvetica", size=8)
        self.set_text_color(*_SOFT)
        self.cell(0, 6, self._words("Page {page} of {pages}", page=self.page_no(), pages="{nb}"), align="R")


def page(document: Document, made: int) -> bytes:
    """`made`: ns, the file's date."""
    words = Words(document.language)
    pdf = _Pages(words)
    pdf.set_title(document.title)
    pdf.set_lang(document.language)
    pdf.set_creator("Eyelid")
    pdf.set_producer("Eyelid")
    pdf.set_creation_date(datetime.fromtimestamp(made // 10**9, UTC))
    pdf.add_page()
    _say(pdf, document.title, size=18, style="B", after=2)
    for block in document.blocks:
        match block:
            case Heading(text, level):
                pdf.ln(3)
                _say(pdf, text, size=13 if level == 2 else 11, style="B", after=1)
            case Text(text, soft):
                _say(pdf, text, size=9, colour=_SOFT if soft else _INK, after=1)
            case Facts(rows):
                for name, value in rows:
                    _say(pdf, f"{name}: {value}", size=10)
            case Table():
                _table(pdf, block)
            case Bars():
                _bars(pdf, block)
    _say(pdf, words("Characters that the PDF has no letter for stand as U+ and their number; the HTML and the JSON "
                    "have them."), size=8, colour=_SOFT)  # fmt: skip
    return bytes(pdf.output())


def _say(
    pdf: FPDF, text: str, *, size: float, style: str = "", colour: tuple[int, int, int] = _INK, after: float = 0
) -> None:
    pdf.set_font("Helvetica", style, size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.5, legible(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")
    pdf.ln(after)


def _table(pdf: FPDF, block: Table) -> None:
    _say(pdf, block.caption, size=9, colour=_SOFT)
    pdf.set_font("Helvetica", size=7.5)
    pdf.set_text_color(*_INK)
    pdf.set_draw_color(*_HAIR)
    pdf.set_fill_color(255, 255, 255)  # a table is filled with what was drawn last
    right = tuple("RIGHT" if place in block.numbers else "LEFT" for place in range(len(block.headings)))
    with pdf.table(
        col_widths=block.wide or None, text_align=right, line_height=_ROW, padding=(0.8, 1.5),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES, headings_style=FontFace(emphasis="BOLD", color=_SOFT),
        first_row_as_headings=True, wrapmode="CHAR",
    ) as table:  # fmt: skip
        for cells in (block.headings, *block.rows):
            row = table.row()
            for cell in cells:
                shown = legible(cell)  # which makes up to eight of one, and a row is no longer than a page
                row.cell(shown if len(shown) <= _CELL else f"{shown[: _CELL - 1]}…")
    pdf.ln(2)


def _bars(pdf: FPDF, block: Bars) -> None:
    wide = pdf.epw - _LABEL
    _say(pdf, block.caption, size=9, colour=_SOFT)
    pdf.set_font("Helvetica", size=8)
    for name, called in block.legend:
        pdf.set_fill_color(*COLOURS[name])
        pdf.rect(pdf.x, pdf.y + 1, 3, 3, style="F")
        pdf.set_x(pdf.x + 4)
        pdf.set_text_color(*_INK)
        pdf.cell(pdf.get_string_width(called) + 6, 5, called)
    pdf.ln(6)
    for bar in block.bars:
        if pdf.will_page_break(5):
            pdf.add_page()
        label = legible(bar.label)
        pdf.cell(_LABEL, 4.5, label if len(label) <= _BROKEN else f"{label[: _BROKEN - 1]}…")
        at = pdf.x
        for name, share, _ in bar.parts:
            pdf.set_fill_color(*COLOURS[name])
            pdf.rect(at, pdf.y + 0.7, share * wide, 3.2, style="F")
            at += share * wide
        pdf.ln(4.5)
    pdf.ln(2)
