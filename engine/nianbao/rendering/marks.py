"""Marks: how a printed value says which field it is, through any conversion of the document.

A value is printed between an opening mark, one code point for each field, and the closing mark. Marks
are code points of planes 15 and 16; those that the report or the template itself hold are spelled out
(`hidden`), so no text can be taken for a mark, and `shown` brings them back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self, SupportsIndex

OPEN, HOLE, LOOP = 0xF0000, 0x100000, 0x10E000
LAST_OPEN, LAST_HOLE, LAST_LOOP = 0xFFFF0, 0x10DFFF, 0x10EFFF
CLOSE, END, FIELD, _ESCAPE = "\U0010fffd", "\U0010fffb", "\U0010fffa", "\U0010fffc"
# The mark of a value that belongs to no field: what a template computes.
NOBODY = chr(OPEN)

_PRIVATE = re.compile("[\U000f0000-\U0010ffff]")
_HIDDEN = re.compile(f"{_ESCAPE}([0-9a-f]{{6}})")
OPENING = re.compile(f"[{chr(OPEN)}-{chr(LAST_OPEN)}]")


def hidden(text: str) -> str:
    """Return `text` with every code point of planes 15 and 16 spelled out."""
    return _PRIVATE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):06x}", text)


def shown(text: str) -> str:
    """Return `text` with the code points that `hidden` spelled out."""
    return _HIDDEN.sub(lambda match: chr(int(match[1], 16)), text) if _ESCAPE in text else text


class MarkedText(str):
    """A text that knows its field; so do its paragraphs."""

    mark: str

    def __new__(cls, value: str, mark: str) -> Self:
        text = super().__new__(cls, value)
        text.mark = mark
        return text

    def __str__(self) -> str:
        return self

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """Return the parts of the text, each of the same field."""
        return [MarkedText(part, self.mark) for part in super().split(sep, maxsplit)]


class MarkedCount(int):
    """A count that knows its field."""

    mark: str

    def __new__(cls, value: int, mark: str) -> Self:
        count = super().__new__(cls, value)
        count.mark = mark
        return count


class MarkedAmount(Decimal):
    """An amount that knows its field."""

    mark: str

    def __new__(cls, value: Decimal, mark: str) -> Self:
        amount = super().__new__(cls, value)
        amount.mark = mark
        return amount


class Marker:
    """Gives every field of one report its mark; `fields` are the paths in the order of their marks."""

    def __init__(self) -> None:
        self.fields: list[str] = [""]

    def mark(self, value: Any, path: str = "") -> Any:
        """Return nested data whose leaves know their fields; objects of docxtpl stay as they are."""
        if isinstance(value, Mapping):
            return {key: self.mark(item, f"{path}.{key}" if path else key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.mark(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if type(value) is str:
            return MarkedText(value, self._next(path))
        if type(value) is int:
            return MarkedCount(value, self._next(path))
        return MarkedAmount(value, self._next(path)) if type(value) is Decimal else value

    def _next(self, path: str) -> str:
        # A report of more fields than there are marks shows the rest without their names.
        if len(self.fields) > LAST_OPEN - OPEN:
            return NOBODY
        self.fields.append(path)
        return chr(OPEN + len(self.fields) - 1)


def between_marks(value: object, text: str) -> str:
    """Return what a value prints, between the marks of its field."""
    return f"{getattr(value, 'mark', NOBODY)}{hidden(text)}{CLOSE}"
