"""Whether an office's formula adds up exactly the cells that it should."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from nianbao.outputs.annotation.sheetxml import Spot, spot_of

# Functions that do not change what is added up: those of our own forms, and what offices wrap around a sum.
_HARMLESS = frozenset({"SUM(", "IF(", "AND(", "OR(", "COUNTBLANK(", "ISBLANK(", "N("})
_COMPARING = frozenset({">", "<", "=", ">=", "<=", "<>"})
_MOST_CELLS = 5_000


def adds_up(formula: str, parts: Collection[Spot], sheet: str) -> bool:
    """Return whether a formula on `sheet` adds up the cells `parts`, each once, and nothing else."""
    reading = _Reading(sheet)
    return all(map(reading.takes, _tokens(formula))) and sorted(reading.added) == sorted(parts)


def _tokens(formula: str) -> list[Any]:
    from openpyxl.formula import Tokenizer

    return [token for token in Tokenizer(f"={formula}").items if token.type != "WHITE-SPACE"]


class _Reading:
    """Goes through the tokens of a formula; `added` are the cells that it adds up."""

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.added: list[Spot] = []
        self._functions: list[str] = []
        self._compared = False

    def takes(self, token: Any) -> bool:
        """Return whether the formula may still be a plain sum after this token."""
        compared, self._compared = self._compared, False
        if token.type == "FUNC":
            return self._function(token)
        if token.type == "OPERATOR-INFIX":
            self._compared = token.value in _COMPARING
            return token.value == "+" or (self._compared and bool(self._functions))
        if token.type == "OPERAND" and token.subtype == "RANGE":
            return self._range(token.value)
        if token.type == "OPERAND" and token.subtype == "NUMBER":
            return compared
        return token.type not in ("OPERATOR-PREFIX", "OPERATOR-POSTFIX", "ARRAY", "ARRAYROW")

    def _function(self, token: Any) -> bool:
        if token.subtype == "OPEN":
            self._functions.append(token.value.upper())
            return self._functions[-1] in _HARMLESS
        self._functions.pop()
        return True

    def _range(self, reference: str) -> bool:
        # What a condition looks at is not added up.
        if self._functions and self._functions[-1] != "SUM(":
            return True
        found = list(_cells(reference, self.sheet))
        self.added += found
        return bool(found)


def _cells(reference: str, sheet: str) -> Iterator[Spot]:
    """Yield the cells of a reference such as ``B3:G3``; none for what is not on the sheet, or no range."""
    place, _, address = reference.rpartition("!")
    if place and place.strip("'").replace("''", "'") != sheet:
        return
    first, _, last = address.partition(":")
    start, end = spot_of(first), spot_of(last or first)
    if start is None or end is None or (end[0] - start[0] + 1) * (end[1] - start[1] + 1) > _MOST_CELLS:
        return
    for row in range(start[0], end[0] + 1):
        yield from ((row, column) for column in range(start[1], end[1] + 1))
