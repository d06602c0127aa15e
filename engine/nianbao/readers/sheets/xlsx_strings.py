"""The shared strings of an .xlsx workbook: which are blank, and how much text they make in the cells."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nianbao.readers.archive import Archive, parse_events, too_large
from nianbao.readers.sheets.xlsx_cells import SheetXml

_MOST_TEXT = 512 << 20
_ENDS = re.compile(rb"</(?:[^<>\s/]+:)?si>")
_INDICES = re.compile(rb' t="s"[^>]*>\s*<v>([0-9]+)<').findall


def blank_strings(archive: Archive, part: str | None) -> frozenset[int]:
    """Return the numbers of the strings that are nothing but spaces."""
    if part is None:
        return frozenset()
    blank: set[int] = set()
    texts: list[str] = []
    index = 0

    def start(name: str, _: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "si":
            texts.clear()

    def end(name: str) -> None:
        nonlocal index
        if name.rpartition(":")[2] == "si":
            if not "".join(texts).strip():
                blank.add(index)
            index += 1

    with archive.open(part) as stream:
        for _ in parse_events(stream, archive.path, start=start, end=end, text=texts.append):
            pass
    return frozenset(blank)


def check_texts(archive: Archive, part: str | None, cells: int, sheets: Iterable[tuple[str, bool]]) -> None:
    """Raise InputError where `cells` cells repeat long strings until they fill the memory.

    calamine copies a shared string into every cell that shows it. `sheets` are the parts of the
    sheets, and whether their XML is of the usual form.
    """
    if part is None or not cells:
        return
    lengths = [len(text) for text in _ENDS.split(archive.read(part))]
    if max(lengths) * cells <= _MOST_TEXT:
        return
    total = 0
    for sheet, clean in sheets:
        with archive.open(sheet) as stream:
            for piece in SheetXml(stream, archive.path, clean=clean):
                indices = map(int, _INDICES(piece))
                total += sum(lengths[index] for index in indices if index < len(lengths))
                if total > _MOST_TEXT:
                    raise too_large(archive.path)
