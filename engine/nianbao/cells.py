"""What a cell of an input can hold besides text and numbers. Nothing above this module."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellError:
    """A spreadsheet error such as ``#DIV/0!``."""

    text: str


@dataclass(frozen=True, slots=True)
class Percentage:
    """A number that the spreadsheet shows as a percentage: 1.0 is shown as 100%."""

    value: float


@dataclass(frozen=True, slots=True)
class Uncomputed:
    """A formula without a stored result: the file was written by a program that does not calculate."""

    formula: str
