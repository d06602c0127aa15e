"""Numbers as sentences write them: 40件, 四十件, 44.7万件, 百分之九十, 1.5倍, 40余件, 30至40件."""

from __future__ import annotations

import itertools
import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from nianbao.values import chinese_number

_SPELLED = "〇零一二三四五六七八九十百千两"
_BIG = {"万": 10**4, "亿": 10**8}
# Two numerals side by side leave open which: 两三件, 七八件.
_EITHER = frozenset({"一两", "三五", *map("".join, itertools.pairwise("一二三四五六七八九")), "两三"})
_ONE = Decimal(1)
_PARTS = ("about", "hundredths", "digits", "range", "more", "big", "more2", "after")
# What money is counted in, in yuan.
MONEY = {"元": 1, "万元": 10**4, "亿元": 10**8}
PERCENT, TIMES, POINTS = "%", "倍", "个百分点"

# A number without its unit; `about` and `more` make it approximate, and so does a range.
NUMBER = (
    r"(?P<about>近|约|大约|将近|接近|超过?|逾|突破|最多|至少|不足|不到|不超过|数|几|上)?"
    r"(?P<hundredths>百分之)?"
    rf"(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|[{_SPELLED}]+(?:万[{_SPELLED}]+)?)"
    rf"(?P<range>[-~—–至到](?:\d+(?:\.\d+)?|[{_SPELLED}]+))?"
    r"(?P<more>[余多几来]+)?(?P<big>[万亿](?!元))?(?P<more2>[余多几]+)?"
)
AFTER = r"(?P<after>以上|以下|以内|左右|上下|开外)?"


class Quantity(NamedTuple):
    """A number with its unit; `step` is what one in its last written digit is worth."""

    value: Decimal
    step: Decimal
    unit: str
    approximate: bool = False

    def is_rounded(self, exact: Decimal | int) -> bool:
        """Return whether the number is `exact`, rounded or cut to the digits that are written."""
        if self.value == exact:
            return True
        written = Decimal(exact) / self.step
        ways = (ROUND_HALF_UP, ROUND_DOWN)
        return any(written.to_integral_value(way) * self.step == self.value for way in ways)

    def scaled(self, factor: Decimal, unit: str) -> Quantity:
        """Return the quantity in another unit."""
        return Quantity(self.value * factor, self.step * factor, unit, self.approximate)

    def __str__(self) -> str:
        return f"{self.value:f}{self.unit}"


def read_quantity(match: re.Match[str], unit: str) -> Quantity | None:
    """Return the quantity that a match of NUMBER means, or None for numerals that spell no number."""
    about, hundredths, digits, between, more, big, more2, after = match.group(*_PARTS)
    if digits.isdecimal():
        value, step = Decimal(digits), _ONE
    elif digits[0].isdecimal():
        value = Decimal(digits.replace(",", ""))
        step = Decimal((0, (1,), -len(digits.partition(".")[2])))
    else:
        spelled = chinese_number(digits)
        if spelled is None:
            return None
        value, step = Decimal(spelled), _ONE
    if big:
        value, step = value * _BIG[big], step * _BIG[big]
    approximate = bool(about or between or more or more2 or after) or digits in _EITHER
    return Quantity(value, step, PERCENT if hundredths else unit, approximate)
