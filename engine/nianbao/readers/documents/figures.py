"""Cells of finished documents: the figure, the note beside it, and the unit that was written with it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from nianbao.fields import Field

_NUMBER = r"[+-]?\d[\d,]*(?:\.\d+)?"
_ANNOTATED = re.compile(rf"(?P<value>{_NUMBER})?\s*(?P<unit>[^\W\d]{{0,3}})\s*[(](?P<note>.+)[)]", re.DOTALL)
_WITH_UNIT = re.compile(rf"(?P<value>{_NUMBER})\s*(?P<unit>[^\W\d]{{1,3}})")
_FIGURE = re.compile(_NUMBER)
_MARKED = re.compile(r"[\u2460-\u24ff\u00b2\u00b3\u00b9\u2070-\u209f]")
# Measures of money against 元: what was written decides, not what the head of the column says.
_MONEY = {"元": Decimal(1), "千元": Decimal(1000), "万元": Decimal(10_000), "亿元": Decimal(10**8)}
# Measure words for cases, documents and decisions; a count is the same in any of them.
_MEASURES = frozenset(("件", "个", "项", "次", "条", "份", "宗", "起", "例", "件次", "人次"))


@dataclass(frozen=True, slots=True)
class Figure:
    """What a cell holds for a field: the raw value, the note beside it, and what was done to read it."""

    value: object
    note: str = ""
    remark: str = ""


def read_figure(text: str | None, field: Field) -> Figure:
    """Return what a cell says for a numeric field.

    A value that is no number is handed on as it stands: it becomes a finding when it is bound.
    """
    if text is None or not text.strip():
        return Figure(None)
    joined = _joined(text)
    if joined is None or _MARKED.search(text):
        return Figure(text)
    if joined.isdecimal() and joined.isascii():
        return Figure(int(joined))
    plain = unicodedata.normalize("NFKC", joined).strip()
    note = ""
    if match := _ANNOTATED.fullmatch(plain):
        note = _printed_note(joined)
        plain = f"{match['value'] or ''}{match['unit']}"
    value, remark = _without_unit(plain, field)
    return Figure(value or None, note, remark)


def is_figure(text: str | None) -> bool:
    """Return whether a cell holds a number, alone or with a unit or a note."""
    if text is None:
        return False
    if text.isdecimal():
        return True
    plain = unicodedata.normalize("NFKC", text).strip()
    if _FIGURE.fullmatch(plain):
        return True
    match = _ANNOTATED.fullmatch(plain) or _WITH_UNIT.fullmatch(plain)
    known = match is not None and match["unit"] in ("", *_MONEY, *_MEASURES)
    return known and match is not None and bool(match["value"])


def _joined(text: str) -> str | None:
    """Return the lines of a cell as one, or None where two numbers stand below each other."""
    if "\n" not in text:
        return text.strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbers = sum(bool(_FIGURE.match(unicodedata.normalize("NFKC", line))) for line in lines)
    return None if numbers > 1 else "".join(lines)


def _printed_note(text: str) -> str:
    """Return the note of an annotated cell as it is printed, full width as it was."""
    start = min(i for i in (text.find("（"), text.find("(")) if i >= 0)
    return text[start + 1 :].rstrip()[:-1].strip()


def _without_unit(plain: str, field: Field) -> tuple[object, str]:
    match = _WITH_UNIT.fullmatch(plain)
    if match is None or match["unit"] == field.unit:
        return plain, ""
    unit, value = match["unit"], match["value"]
    if field.unit in _MONEY and unit in _MONEY:
        amount = Decimal(value.replace(",", "")) * _MONEY[unit] / _MONEY[field.unit]
        amount = Decimal(f"{amount.normalize():f}")
        return amount, f"印作“{plain}”，按{amount}{field.unit}读入"
    if field.unit in _MEASURES and unit in _MEASURES:
        return value, ""
    return plain, ""
