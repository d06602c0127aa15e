"""Lines to paragraphs, for files that keep only lines: PDFs and plain text taken from them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from nianbao.readers.documents.document import Paragraph

_FULL, _BRIM = 0.85, 0.97
_FEWEST = 3
_ENDS = "。！？”’）)!?"
# What begins a paragraph wherever it stands.
_OPENING = re.compile(
    r"\s*(?:[(（][一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|\d{1,2}[.、](?!\d))"
)


def wrap_width(lines: Sequence[Paragraph]) -> int | None:
    """Return the width at which lines were wrapped, None where each line is a paragraph."""
    widths = sorted((width(line.text) for line in lines if width(line.text) >= 20), reverse=True)
    # One line that is longer than the rest, because its full stop hangs, does not make the measure.
    limit = widths[min(2, len(widths) - 1)] if widths else 0
    full = [w for w in widths if w >= _FULL * limit]
    if limit > 200 or len(full) < max(_FEWEST, len(widths) * 0.15):
        return None
    return limit


def joined_lines(lines: Sequence[Paragraph], limit: int | None) -> list[Paragraph]:
    """Return the paragraphs that lines make; `limit` is the width at which they were wrapped."""
    paragraphs: list[Paragraph] = []
    last: Paragraph | None = None
    for line in lines:
        if last is not None and _continues(last, line, limit):
            before = paragraphs[-1]
            paragraphs[-1] = replace(before, text=join(before.text, line.text), aside=False)
        else:
            paragraphs.append(line)
        last = line
    return paragraphs


def _continues(line: Paragraph, following: Paragraph, limit: int | None) -> bool:
    if following.opens is not None:
        return not following.opens
    if limit is None or line.heading or following.heading or _OPENING.match(following.text):
        return False
    wide = width(line.text)
    return wide >= (_BRIM if line.text.rstrip().endswith(tuple(_ENDS)) else _FULL) * limit


def join(one: str, other: str) -> str:
    """Return two lines as one: a space between them only where words of letters would run together."""
    left, right = one.rstrip(), other.lstrip()
    between = " " if left[-1:].isascii() and right[:1].isascii() and _is_word(left[-1:], right[:1]) else ""
    return f"{left}{between}{right}"


def _is_word(left: str, right: str) -> bool:
    return (left.isalpha() or left in ",.;:") and right.isalnum()


def width(text: str) -> int:
    """Return the width of a text in half-width characters."""
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text.rstrip())
