"""Reads delimited text: .csv and .tsv, and text that looks so.

Every value is text, as it stands: whether ``12`` is a number is for the layers above to say, and
``45%``, ``#DIV/0!`` and ``=A1`` are text too. Nothing is merged or hidden.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from nianbao.readers.plaintext import decode, guess_delimiter, marked_delimiter
from nianbao.readers.sheets.grid import Sheet, is_reasonable, plain, rectangle
from nianbao.readers.trouble import trouble

_SAMPLE = 1 << 16
_PREFIXED = re.compile(r"^'(?=[=+\-@\t\r'])")


def read_csv(path: Path) -> list[Sheet]:
    """Return the one sheet of a delimited text, named as the file.

    Raises InputError for bytes that are no text, a quote that is never closed, and a line of far
    more fields than the others.
    """
    text = decode(path.read_bytes(), path)
    delimiter = marked_delimiter(text)
    if delimiter is not None:
        text = re.sub(r"^.*(?:\r\n|\r|\n)?", "", text, count=1)
    else:
        sample = text[:_SAMPLE]
        delimiter = guess_delimiter(sample, whole=len(sample) == len(text))[0] or ","
    rows = _rows(text, delimiter, path)
    _check_widths(rows, path)
    return [Sheet(path.stem, rectangle(rows))]


def _rows(text: str, delimiter: str, path: Path) -> list[list[object]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[object]] = []
    try:
        for record in reader:
            # An apostrophe keeps spreadsheets from taking a text for a formula; it is no part of it.
            rows.append([plain(_PREFIXED.sub("", value)) for value in record])
    except csv.Error as error:
        problem = "有一格长得不正常" if "limit" in str(error) else "引号不成对"
        sentence = f"第{len(rows) + 1}条记录{problem}，请检查该处的引号，或用Excel打开后以CSV UTF-8格式另存"
        raise trouble(path, sentence) from error
    return rows


def _check_widths(rows: list[list[object]], path: Path) -> None:
    widest = max(range(len(rows)), key=lambda at: len(rows[at]), default=0)
    width = len(rows[widest]) if rows else 0
    if not is_reasonable(len(rows), width, sum(map(len, rows))):
        raise trouble(path, f"第{widest + 1}条记录有{width}格，远多于其他各行，请检查该行后再试")
