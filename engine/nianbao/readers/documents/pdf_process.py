"""The process that parses PDFs, and nothing else of nianbao: run as a script, within limits of its own.

One JSON line in (``{"path": …}``), one JSON line out: pages of lines and tables, or ``{"error": …}``. A
damaged or hostile file costs at most this process.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

MOST_PAGES = 300
MOST_CHARACTERS = 600_000
MOST_SECONDS = 6.0
MOST_MEMORY = 400 << 20
_SNAP = 2.0
_PAGE_NUMBER = re.compile(
    r"[-—–－~·.\s]*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[,，/]?\s*共?\s*\d{1,4}\s*页?)?[-—–－~·.\s]*"
)

Char = dict[str, Any]
Item = dict[str, Any]
Box = tuple[float, float, float, float]


class TooLarge(Exception):
    """More pages or characters than a report has."""


class OutOfTime(BaseException):
    """More processor time than a report takes; no parser may take it for an error of its own."""


def extract(path: str) -> dict[str, Any]:
    """Return the pages of a PDF: lines outside tables, and tables as cells with boxes."""
    import pdfplumber

    pages: list[dict[str, Any]] = []
    total = 0
    with pdfplumber.open(path) as pdf:
        for number, page in enumerate(pdf.pages, 1):
            if number > MOST_PAGES:
                raise TooLarge
            pages.append(_page(page, number))
            total += len(page.chars)
            if total > MOST_CHARACTERS:
                raise TooLarge
            page.close()
    _drop_running_lines(pages)
    return {"pages": pages}


def _page(page: Any, number: int) -> dict[str, Any]:
    chars = [c for c in page.chars if c["text"] and _is_level(c)]
    tables = [t for t in page.find_tables() if _is_grid(t.cells)] if page.edges else []
    inside: list[list[Char]] = [[] for _ in tables]
    outside: list[Char] = []
    for char in chars:
        index = next((i for i, t in enumerate(tables) if _holds(t.bbox, char)), None)
        (outside if index is None else inside[index]).append(char)
    return {
        "number": number,
        "width": float(page.width),
        "lines": [_line(line) for line in lines_of(outside)],
        "tables": [_table(t, own) for t, own in zip(tables, inside, strict=True)],
        "images": len(page.images),
    }


def _is_level(char: Char) -> bool:
    """Return whether a character stands straight or on its side; watermarks are slanted."""
    across, up = char.get("matrix", (1, 0))[:2]
    return bool(min(abs(across), abs(up)) < 0.1 * max(abs(across), abs(up)))


def _is_grid(cells: Sequence[Box]) -> bool:
    """Return whether cells stand side by side; shaded lines of text stand only below each other."""
    return len(cells) > 2 and len({round(cell[0] / _SNAP) for cell in cells}) > 1


def _holds(box: Box, char: Char) -> bool:
    x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def lines_of(chars: Iterable[Char]) -> Iterator[list[Char]]:
    """Yield characters line by line, top first, each from left to right."""
    line: list[Char] = []
    middle = 0.0
    for char in sorted(chars, key=lambda c: ((c["top"] + c["bottom"]) / 2, c["x0"])):
        centre = (char["top"] + char["bottom"]) / 2
        if line and centre - middle > 0.45 * max(char["size"], line[0]["size"]):
            yield sorted(line, key=lambda c: float(c["x0"]))
            line = []
        if not line:
            middle = centre
        line.append(char)
    if line:
        yield sorted(line, key=lambda c: float(c["x0"]))


def _line(chars: Sequence[Char]) -> dict[str, Any]:
    inked = [c for c in chars if not c["text"].isspace()] or list(chars)
    return {
        "text": text_of(chars),
        "box": [
            round(min(c["x0"] for c in inked), 1),
            round(min(c["top"] for c in inked), 1),
            round(max(c["x1"] for c in inked), 1),
            round(max(c["bottom"] for c in inked), 1),
        ],
        "size": round(Counter(round(c["size"], 1) for c in inked).most_common(1)[0][0], 1),
    }


def text_of(chars: Sequence[Char]) -> str:
    """Return the text of a line: spaces as they are in the file, and between words that none separates."""
    parts: list[str] = []
    last: Char | None = None
    for char in chars:
        if last is not None:
            same = char["text"] == last["text"] and abs(char["x0"] - last["x0"]) < 0.15 * char["size"]
            if same:
                continue  # drawn twice to look bold
            gap = char["x0"] - last["x1"]
            letters = f"{last['text']}{char['text']}".isascii()
            words = last["text"].isalnum() and char["text"].isalnum()
            # So wide a gap is one between columns, where a table has no lines.
            if gap > (0.25 if letters and words else 0.7) * char["size"]:
                parts.append(" ")
        parts.append(char["text"])
        last = char
    return "".join(parts).strip()


def _table(table: Any, chars: Sequence[Char]) -> dict[str, Any]:
    xs = _edges([x for cell in table.cells for x in (cell[0], cell[2])])
    ys = _edges([y for cell in table.cells for y in (cell[1], cell[3])])
    cells = []
    rest = list(chars)
    for cell in sorted(table.cells, key=lambda c: (c[1], c[0])):
        own = [c for c in rest if _holds(cell, c)]
        rest = [c for c in rest if not _holds(cell, c)]
        left, top = _index(xs, cell[0]), _index(ys, cell[1])
        right, bottom = _index(xs, cell[2]), _index(ys, cell[3])
        found = {
            "row": top,
            "column": left,
            "rows": max(1, bottom - top),
            "columns": max(1, right - left),
            "box": [round(float(value), 1) for value in cell],
            "text": cell_text(list(lines_of(own)), cell[2] - cell[0]),
        }
        cells.append(found)
    return {"top": float(table.bbox[1]), "height": len(ys) - 1, "width": len(xs) - 1, "cells": cells}


def cell_text(lines: Sequence[Sequence[Char]], width: float) -> str:
    """Return the text of a cell with its wrapped lines joined.

    Digits below digits are one number only where the line above fills the cell; else they stay two lines.
    """
    text = ""
    last: Sequence[Char] = ()
    for line in lines:
        piece = text_of(line)
        if not piece:
            continue
        if text[-1:].isdigit() and piece[:1].isdigit() and not _fills(last, width):
            text += "\n"
        text += piece
        last = line
    return text


def _fills(line: Sequence[Char], width: float) -> bool:
    inked = [c for c in line if not c["text"].isspace()]
    used = inked[-1]["x1"] - inked[0]["x0"]
    digit = used / len(inked)
    # The padding of a Word cell is 5.4 pt at each side.
    return bool(width - used < 2 * digit + 11)


def _edges(values: Iterable[float]) -> list[float]:
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _SNAP:
            edges.append(value)
    return edges


def _index(edges: Sequence[float], value: float) -> int:
    return min(range(len(edges)), key=lambda i: abs(edges[i] - value))


def _drop_running_lines(pages: Sequence[dict[str, Any]]) -> None:
    """Remove page numbers, and lines that stand at the head or foot of most pages."""
    ends = Counter(
        line["text"] for page in pages for line in {id(e): e for e in _ends(page)}.values() if line["text"]
    )
    for page in pages:
        for line in _ends(page):
            repeated = len(pages) > 2 and ends[line["text"]] * 2 > len(pages)
            if repeated or _PAGE_NUMBER.fullmatch(line["text"]):
                page["lines"] = [other for other in page["lines"] if other is not line]


def _ends(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first and the last line of a page, where no table stands beyond them."""
    lines = page["lines"]
    return [lines[0], lines[-1]] if lines else []


def limit_memory() -> None:
    """Keep this process from using more memory than a report takes, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CORE):
        most = MOST_MEMORY if kind == resource.RLIMIT_DATA else 0
        resource.setrlimit(kind, (most, most))


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def answer(path: str) -> dict[str, Any]:
    """Return the pages of a PDF or why there are none."""
    timed = hasattr(signal, "setitimer")
    if timed:
        signal.signal(signal.SIGVTALRM, _out_of_time)
        signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS, 0.5)
    try:
        return extract(path)
    except TooLarge:
        return {"error": "large"}
    except OutOfTime:
        return {"error": "time"}
    except (MemoryError, RecursionError):
        return {"error": "memory"}
    except Exception as error:
        names = {type(e).__name__ for e in (error, error.__cause__, *error.args) if e is not None}
        return {"error": "password" if names & {"PDFPasswordIncorrect", "PDFEncryptionError"} else "broken"}
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> None:
    """Answer requests until there are no more."""
    import logging
    import warnings

    import pdfplumber  # noqa: F401 - before the memory is limited, and before the first file is waited for

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    limit_memory()
    for request in sys.stdin.buffer:
        reply = answer(json.loads(request)["path"])
        sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
