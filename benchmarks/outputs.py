"""What a finished report must hold, worked out from template and data without any engine."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dialects import VALUE, Loop, is_end, names_in, start_of
from docx import Document
from docx.table import Table

TABLES = 3


@dataclass(frozen=True)
class Expected:
    """The figures of the statutory tables by (table, row, column), and the paragraphs outside of tables."""

    figures: Mapping[tuple[int, int, int], str]
    paragraphs: tuple[str, ...]


def expected(template: bytes, context: Mapping[str, Any]) -> Expected:
    """Return what the template must become with the data."""
    document = Document(io.BytesIO(template))
    figures = {
        (number, row, column): _filled(text, context)
        for number, table in enumerate(document.tables[:TABLES])
        for row, column, text in _cells(table)
        if names_in(text)
    }
    texts = _expanded(iter([paragraph.text for paragraph in document.paragraphs]), context)
    return Expected(figures, tuple(text for text in texts if text))


def problems(docx: bytes, wanted: Expected) -> list[str]:
    """Return what is wrong in a finished report: figures not in their cells, paragraphs lost or added."""
    document = Document(io.BytesIO(docx))
    found = {
        (number, row, column): text
        for number, table in enumerate(document.tables[:TABLES])
        for row, column, text in _cells(table)
    }
    wrong = [
        f"table {table + 1}, row {row + 1}, column {column + 1}: "
        f"{found.get((table, row, column))!r} instead of {text!r}"
        for (table, row, column), text in wanted.figures.items()
        if found.get((table, row, column)) != text
    ]
    texts = [paragraph.text for paragraph in document.paragraphs if paragraph.text]
    missing = Counter(wanted.paragraphs) - Counter(texts)
    surplus = Counter(texts) - Counter(wanted.paragraphs)
    wrong += [f"paragraph missing: {text[:30]}" for text in missing]
    wrong += [f"paragraph too many: {text[:30]}" for text in surplus]
    if not missing and not surplus and tuple(texts) != wanted.paragraphs:
        wrong.append("paragraphs in another order")
    return wrong


def empty_paragraphs(docx: bytes) -> int:
    """Return how many paragraphs outside of tables hold nothing."""
    return sum(not paragraph.text for paragraph in Document(io.BytesIO(docx)).paragraphs)


def _cells(table: Table) -> Iterator[tuple[int, int, str]]:
    """Yield row, column and text of every cell, a merged one once."""
    seen = set()
    for row, cells in enumerate(line.cells for line in table.rows):
        for column, cell in enumerate(cells):
            if cell._tc not in seen:
                seen.add(cell._tc)
                yield row, column, cell.text


def _expanded(texts: Iterator[str], scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paragraphs that template paragraphs become, up to the end of the loop that they stand in."""
    for text in texts:
        if loop := start_of(text):
            body = list(_body(texts))
            for item in _items(loop, scope):
                yield from _expanded(iter(body), {**scope, loop.variable: item})
        else:
            yield _filled(text, scope)


def _body(texts: Iterator[str]) -> Iterator[str]:
    """Yield the paragraphs of a loop, and leave `texts` behind its end."""
    depth = 1
    for text in texts:
        depth += bool(start_of(text)) - is_end(text)
        if not depth:
            return
        yield text


def _items(loop: Loop, scope: Mapping[str, Any]) -> list[Any]:
    value = _lookup(loop.source, scope)
    if loop.of_text:
        return str(value).split("\n") if value else []
    return list(value)


def _filled(text: str, scope: Mapping[str, Any]) -> str:
    return VALUE.sub(lambda found: str(_lookup(found[1], scope)), text)


def _lookup(name: str, scope: Mapping[str, Any]) -> Any:
    value: Any = scope
    for key in name.split("."):
        value = value[key]
    return value
