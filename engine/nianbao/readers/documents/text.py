"""Plain text and Markdown as documents: lines, with cells where tabs or Markdown's bars set them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nianbao.findings import Where
from nianbao.readers.documents.document import Document, Paragraph, RawCell, RawTable, cleaned, flattened
from nianbao.readers.plaintext import decode
from nianbao.readers.trouble import reading, trouble

_MOST_BYTES, _MOST_LINES = 8 << 20, 20_000
_BAR = re.compile(r"\s*\|.*\|\s*")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(?P<text>.*?)\s*#*\s*")
_EMPHASIS = re.compile(r"(\*\*|__)(?P<text>\S(?:.*?\S)?)\1")
_SITE_HEAD = re.compile(r"\s*(?:---|\+\+\+)\s*")


def read_text(path: Path, shown: str | None = None) -> Document:
    """Return the document in a plain text; raises InputError where it is too large or no text."""
    with reading(path):
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise trouble(path, f"文本有{size >> 20}MB，不像一份报告，没有读取；请只保留报告正文")
        text = decode(path.read_bytes(), path)
    file = shown or str(path)
    lines = [cleaned(line) for line in re.split(r"\r\n|\r|\n|\f|\v", text)]
    if len(lines) > _MOST_LINES:
        raise trouble(path, f"文本有{len(lines)}行，不像一份报告，没有读取；请只保留报告正文")
    return Document(tuple(flattened(_blocks(lines, file), file)), Where(file), wrapped=True)


def _blocks(lines: Sequence[str], file: str) -> Iterator[Paragraph | RawTable]:
    table: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if _BAR.fullmatch(line):
            table.append((number, line))
            continue
        if table:
            yield from _table(table, file)
            table = []
        if line.strip():
            yield _line(line, Where(file, line=number))
    if table:
        yield from _table(table, file)


def _line(line: str, where: Where) -> Paragraph:
    heading = _HEADING.fullmatch(line)
    text = _EMPHASIS.sub(lambda match: match["text"], heading["text"] if heading else line)
    # A line as indented as a paragraph's first begins one; nothing tells of those that are not.
    opens = True if heading or line.startswith(("\u3000\u3000", "    ")) else None
    return Paragraph(text, where, heading=heading is not None, opens=opens)


def _table(lines: Sequence[tuple[int, str]], file: str) -> Iterator[Paragraph | RawTable]:
    """Yield the Markdown table that lines with bars make."""
    rows = [
        (number, [cell.strip() for cell in line.strip().strip("|").split("|")])
        for number, line in lines
        if not _RULE.fullmatch(line)
    ]
    if not rows:
        return
    cells = [
        RawCell(r, c, 1, 1, [Paragraph(_EMPHASIS.sub(lambda m: m["text"], text), Where(file, line=number))])
        for r, (number, row) in enumerate(rows)
        for c, text in enumerate(row)
    ]
    yield RawTable(cells, len(rows), max(len(row) for _, row in rows))
