"""Web pages as documents: what stands around the article is the page's, what is hidden is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from lxml import etree, html

from nianbao.findings import Where
from nianbao.readers.documents.document import Document, Paragraph, RawCell, RawTable, cleaned, flattened
from nianbao.readers.plaintext import decode
from nianbao.readers.trouble import reading, trouble

_MOST_BYTES = 20 << 20
# Names in a string are read more easily than a column of them.
_SKIPPED = frozenset(
    re.findall(
        r"\w+",
        "script style head noscript template iframe object embed select option textarea button svg nav "
        "footer",
    )
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = _HEADINGS | frozenset(
    re.findall(
        r"\w+",
        "p div section article main aside header center ul ol li dl dt dd blockquote pre form fieldset "
        "figure figcaption address hr body html caption",
    )
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_RIGHT = re.compile(r"text-align\s*:\s*(?:right|end)", re.IGNORECASE)
_DATA = re.compile(rb"data:[\w/+.-]*;base64,[A-Za-z0-9+/=\s]*")
_ARCHIVE = re.compile(rb"^content-type:\s*multipart/related", re.IGNORECASE | re.MULTILINE)
# Spans beyond this are mistakes of the page, or meant to fill the memory.
_MOST_SPAN, _MOST_CELLS = 200, 50_000
_DEEPEST = 200
_LONG_TEXT, _NEARLY_ALL = 25, 0.9


def read_html(path: Path, shown: str | None = None) -> Document:
    """Return the document in a web page; raises InputError where it is too large or no page."""
    with reading(path):
        file = shown or str(path)
        if path.stat().st_size > _MOST_BYTES:
            raise trouble(
                path, f"网页有{path.stat().st_size >> 20}MB，大得不正常，没有读取；请只保存报告正文"
            )
        text = _page_text(path)
        root = _parsed(text, path)
        _cut_below_article(root)
        reader = _Reader(path, file)
        raw = list(reader.blocks(root, 0))
    return Document(tuple(flattened(raw, file)), Where(file), page=True)


def _page_text(path: Path) -> str:
    """Return the text of a page, or of the page in an archive that a browser saved (.mhtml)."""
    data = path.read_bytes()
    if not _ARCHIVE.search(data[:2048]):
        return decode(_DATA.sub(b"", data), path)
    from email import message_from_bytes

    for part in message_from_bytes(data).walk():
        content = part.get_payload(decode=True)
        if part.get_content_type() == "text/html" and isinstance(content, bytes):
            return decode(_DATA.sub(b"", content), path)
    raise trouble(path, "保存的网页里没有正文，请在浏览器中打开后重新保存")


def _parsed(text: str, path: Path) -> etree._Element:
    """Return the root of a page; a declared encoding no longer counts, the text is decoded already."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        raise trouble(path, "网页里没有内容，请在浏览器中打开后重新保存") from None
    return root


def _cut_below_article(root: etree._Element) -> None:
    """Remove what stands below the article: the smallest element with nearly all long texts and cells."""
    weights: dict[etree._Element, int] = {}
    for element in root.iter():
        own = len((element.text or "").strip()) if isinstance(element.tag, str) else 0
        if own < _LONG_TEXT and not any(a.tag in ("td", "th") for a in (element, *_few(element))):
            continue
        for holder in (element, *element.iterancestors()):
            weights[holder] = weights.get(holder, 0) + own
    article, total = root, weights.get(root, 0)
    while True:
        inner = next((child for child in article if weights.get(child, 0) >= _NEARLY_ALL * total > 0), None)
        if inner is None:
            break
        article = inner
    for holder in (article, *article.iterancestors()):
        for later in list(holder.itersiblings()):
            if later.tag in ("div", "footer", "ul", "table", "section", "aside") and len(later) > 0:
                later.getparent().remove(later)  # type: ignore[union-attr]


def _few(element: etree._Element) -> Iterator[etree._Element]:
    return islice(element.iterancestors(), 4)


@dataclass
class _Reader:
    """Goes down a page and keeps the inline text that waits for its block to end."""

    path: Path
    file: str
    paragraphs: int = 0
    cells: int = 0
    waiting: list[str] = field(default_factory=list)

    def blocks(self, root: etree._Element, depth: int) -> Iterator[Paragraph | RawTable]:
        """Yield the paragraphs and tables below an element; inline text between blocks is one as well."""
        yield from self._walk(root, depth, heading=False, aside=False)
        yield from self._flush(False, False)

    def _walk(
        self, element: etree._Element, depth: int, *, heading: bool, aside: bool
    ) -> Iterator[Paragraph | RawTable]:
        if depth > _DEEPEST:
            raise trouble(self.path, "网页的结构嵌套过深，没有读取；请用浏览器打开，把正文复制到Word后再试")
        self.waiting.append(element.text or "")
        for child in element:
            yield from self._child(child, depth + 1, heading, aside)
            self.waiting.append(child.tail or "")

    def _child(
        self, child: etree._Element, depth: int, heading: bool, aside: bool
    ) -> Iterator[Paragraph | RawTable]:
        tag = child.tag if isinstance(child.tag, str) else ""
        style = child.get("style") or ""
        if not tag or tag in _SKIPPED or child.get("hidden") is not None or _HIDDEN.search(style):
            return
        if tag == "br":
            self.waiting.append("\0")
        elif tag == "table":
            yield from self._flush(heading, aside)
            yield self._table(child, depth)
        elif tag in _BLOCKS:
            yield from self._flush(heading, aside)
            inner, right = heading or tag in _HEADINGS, aside or _is_right(child, style)
            yield from self._walk(child, depth, heading=inner, aside=right)
            yield from self._flush(inner, right)
        else:
            yield from self._walk(child, depth, heading=heading, aside=aside)

    def _flush(self, heading: bool, aside: bool) -> Iterator[Paragraph]:
        """Yield the text that waits, a paragraph for each line that a break ends."""
        text, self.waiting = "".join(self.waiting), []
        for line in text.split("\0"):
            plain = cleaned(_SPACE.sub(" ", line)).strip(" \xa0\u3000")
            if plain:
                self.paragraphs += 1
                yield Paragraph(plain, Where(self.file, line=self.paragraphs), heading, aside)

    def _table(self, table: etree._Element, depth: int) -> RawTable:
        """Return a table with its row and column spans resolved."""
        cells: list[RawCell] = []
        taken: set[tuple[int, int]] = set()
        row = -1
        waiting, self.waiting = self.waiting, []
        for row, tr in enumerate(_rows(table)):
            column = 0
            for td in tr:
                if td.tag not in ("td", "th"):
                    continue
                while (row, column) in taken:
                    column += 1
                rows, columns = _span(td, "rowspan"), _span(td, "colspan")
                taken |= {(r, c) for r in range(row, row + rows) for c in range(column, column + columns)}
                if len(taken) > _MOST_CELLS:
                    raise trouble(self.path, "网页里的表格大得不正常，没有读取；请只保存报告正文")
                cells.append(RawCell(row, column, rows, columns, list(self.blocks(td, depth + 1))))
                column += columns
        self.waiting = waiting
        height = row + 1
        cells = [_clipped(cell, height) for cell in cells]
        return RawTable(cells, height, max((c.column + c.columns for c in cells), default=0))


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    """Yield the rows of a table, not those of tables inside it."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("tbody", "thead", "tfoot"):
            yield from (row for row in child if row.tag == "tr")


def _span(cell: etree._Element, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    return min(max(int(text), 1), _MOST_SPAN) if text.isdecimal() and len(text) < 10 else 1


def _clipped(cell: RawCell, height: int) -> RawCell:
    """Return a cell without the rows that it claims below the table."""
    rows = min(cell.rows, height - cell.row)
    return RawCell(cell.row, cell.column, rows, cell.columns, cell.blocks)


def _is_right(element: etree._Element, style: str) -> bool:
    return (element.get("align") or "").lower() == "right" or bool(_RIGHT.search(style))
