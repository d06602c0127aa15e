"""Reports drawn as PDFs by hand: text in a predefined Chinese encoding, tables with lines."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from documents import Change
from nianbao.fields import lookup
from nianbao.layout import Grid, Heading
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from nianbao.rendering.context import template_context

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 600, 800, 60, 540, 740
SIZE, LEADING, SMALL = 12, 18, 7
PER_LINE = (RIGHT - LEFT) // SIZE


@dataclass
class Drawing:
    """Pages with a pen that goes down and turns the page."""

    lines: bool = True
    pages: list[list[str]] = field(default_factory=lambda: [[]])
    y: float = TOP

    def text(self, text: str, x: float, y: float, size: float) -> None:
        code = text.encode("utf-16-be").hex()
        self.pages[-1].append(f"BT /F1 {size} Tf {x:.1f} {y:.1f} Td <{code}> Tj ET")

    def turn(self) -> None:
        self.text(f"— {len(self.pages)} —", 280, 30, 10)
        self.pages.append([])
        self.y = TOP

    def paragraph(self, text: str, indent: int = 2) -> None:
        """Draw a paragraph with its first line set in, wrapped at the right edge."""
        first, rest = text[: PER_LINE - indent], text[PER_LINE - indent :]
        lines = [(indent, first), *((0, rest[i : i + PER_LINE]) for i in range(0, len(rest), PER_LINE))]
        for inset, line in lines:
            if self.y < 70:
                self.turn()
            self.text(line, LEFT + inset * SIZE, self.y, SIZE)
            self.y -= LEADING

    def grid(self, grid: Grid, texts: Mapping[int, str], cut: int | None) -> None:
        """Draw a table, in two parts where it is cut before a row."""
        parts = [(0, grid.rows)] if cut is None else [(0, cut), (cut, grid.rows)]
        for first, end in parts:
            if first or self.y < 40 + (end - first) * 3 * SMALL:
                self.turn()
            self._part(grid, texts, first, end)

    def _part(self, grid: Grid, texts: Mapping[int, str], first: int, end: int) -> None:
        total = sum(grid.widths)
        xs = [LEFT + (RIGHT - LEFT) * sum(grid.widths[:i]) / total for i in range(len(grid.widths) + 1)]
        ys = [self.y]
        for row in range(first, end):
            need = 1
            for index, cell in enumerate(grid.cells):
                if cell.row == row and cell.rows == 1:
                    room = xs[cell.column + cell.columns] - xs[cell.column]
                    need = max(need, len(wrapped(texts[index], room)))
            ys.append(ys[-1] - need * (SMALL + 1) - 4)
        for index, cell in enumerate(grid.cells):
            top, bottom = max(cell.row, first), min(cell.row + cell.rows, end)
            if top >= bottom:
                continue
            left, right = xs[cell.column], xs[cell.column + cell.columns]
            high, low = ys[top - first], ys[bottom - first]
            if self.lines:
                self.pages[-1].append(f"{left:.1f} {low:.1f} {right - left:.1f} {high - low:.1f} re S")
            lines = wrapped(texts[index], right - left)
            # A cell that a page cuts has half of its text on each side.
            if cell.row < first:
                lines = lines[(len(lines) + 1) // 2 :]
            elif cell.row + cell.rows > end:
                lines = lines[: (len(lines) + 1) // 2]
            for number, line in enumerate(lines):
                self.text(line, left + 2, high - SMALL - 2 - number * (SMALL + 1), SMALL)
        self.y = ys[-1] - LEADING

    def bytes(self) -> bytes:
        """Return the file."""
        font = (
            "<</Type/Font/Subtype/Type0/BaseFont/SimSun/Encoding/UniGB-UTF16-H/DescendantFonts[<</Type/Font"
            "/Subtype/CIDFontType0/BaseFont/SimSun"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 5>>"
            "/DW 1000/FontDescriptor<</Type/FontDescriptor/FontName/SimSun/Flags 4/Ascent 880/Descent -120"
            "/CapHeight 700/StemV 80/ItalicAngle 0/FontBBox[0 -120 1000 880]>>>>]>>"
        )
        count = len(self.pages)
        kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
        objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {count}>>", font]
        for index, page in enumerate(self.pages):
            frame = f"/Parent 2 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Resources<</Font<</F1 3 0 R>>>>"
            objects.append(f"<</Type/Page{frame}/Contents {5 + 2 * index} 0 R>>")
            objects.append(pdf_stream("\n".join(page)))
        return pdf_file(*objects)


def wrapped(text: str, room: float) -> list[str]:
    """Return the lines of a cell's text."""
    most = max(1, int((room - 10) // SMALL))
    return [text[i : i + most] for i in range(0, len(text), most)] or [""]


def drawn_report(
    data: Mapping[str, Any],
    pack: Pack,
    *,
    lines: bool = True,
    cuts: Mapping[int, int] | None = None,
    change: Change | None = None,
    scanned: int | None = None,
) -> bytes:
    """Return a report as a PDF.

    `cuts` give the row before which a table goes on on the next page; page `scanned` becomes a picture.
    """
    context = template_context(report_from_data(data, pack), pack)
    drawing = Drawing(lines)
    title = str(context["title"])
    drawing.text(title, LEFT + max(0, PER_LINE - len(title)) * SIZE / 2, drawing.y, SIZE)
    drawing.y -= 2 * LEADING
    for block in pack.layout.blocks:
        if isinstance(block, Heading):
            drawing.paragraph(block.text)
        elif isinstance(block, Grid):
            texts = {}
            for index, cell in enumerate(block.cells):
                text = str(lookup(context, cell.fields[0])) if cell.fields else cell.text
                texts[index] = change(cell, text) if change else text
            drawing.grid(block, texts, (cuts or {}).get(block.index))
        elif len(block.fields) == 1 and "[]" not in block.fields[0] and block.fields[0] != "title":
            value = str(lookup(context, block.fields[0]) or "")
            for line in value.split("\n") if value else ():
                drawing.paragraph(block.text + line)
    drawing.text(f"— {len(drawing.pages)} —", 280, 30, 10)
    if scanned:
        drawing.pages[scanned - 1] = ["q 500 0 0 700 50 50 cm", "BI /W 1 /H 1 /BPC 8 /CS /G ID A EI", "Q"]
    return drawing.bytes()


def pdf_file(*objects: str) -> bytes:
    """Return a PDF of the objects, numbered from 1, with a right cross-reference table."""
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    offsets: list[int] = []
    for number, content in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1"))
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode())
    out.write(f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode())
    return out.getvalue()


def pdf_stream(content: str, extra: str = "") -> str:
    """Return a stream object."""
    return f"<</Length {len(content)}{extra}>>\nstream\n{content}\nendstream"


__all__: Sequence[str] = ("Drawing", "drawn_report", "pdf_file", "pdf_stream")
