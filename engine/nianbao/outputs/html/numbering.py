"""Numbers that Word gives paragraphs by itself: 一、 （二） 3. ①"""

from __future__ import annotations

import re
from collections.abc import Callable

from nianbao.layout import W
from nianbao.outputs.html.wordml import number, parse, value

_DIGITS = "零一二三四五六七八九"
_CHINESE = {
    *("chineseCounting", "chineseCountingThousand", "japaneseCounting", "ideographDigital"),
    *("taiwaneseCounting", "taiwaneseCountingThousand", "koreanDigital", "japaneseDigitalTenThousand"),
}


def chinese(count: int) -> str:
    """Return a number from 1 to 99 as Chinese writes it, others in digits."""
    if not 0 < count < 100:
        return str(count)
    tens, ones = divmod(count, 10)
    head = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def _letters(count: int) -> str:
    repeat, letter = divmod(count - 1, 26)
    return chr(ord("a") + letter) * (repeat + 1)


def _roman(count: int) -> str:
    text = ""
    for size, letters in ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        text += letters * (count // size)
        count %= size
    return text


_FORMATS: dict[str, Callable[[int], str]] = {
    "decimalEnclosedCircle": lambda n: chr(0x2460 + n - 1) if 0 < n <= 20 else str(n),
    "lowerLetter": _letters,
    "upperLetter": lambda n: _letters(n).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda n: _roman(n).upper(),
    "decimalFullWidth": lambda n: "".join(chr(ord(digit) + 0xFEE0) for digit in str(n)),
    "none": lambda n: "",
} | dict.fromkeys(_CHINESE, chinese)


class Numbering:
    """Counts the paragraphs of each list of a document."""

    def __init__(self, part: bytes | None) -> None:
        self._levels: dict[tuple[str, int], tuple[int, str, str]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[tuple[str, int], int] = {}
        if not part:
            return
        root = parse(part)
        for abstract in root.iterfind(f"{W}abstractNum"):
            key = value(abstract, "abstractNumId") or ""
            for level in abstract.iterfind(f"{W}lvl"):
                start = number(level.find(f"{W}start"))
                kind = value(level.find(f"{W}numFmt")) or "decimal"
                text = value(level.find(f"{W}lvlText")) or ""
                place = number(level, "ilvl") or 0
                self._levels[key, place] = (1 if start is None else start, kind, text)
        for num in root.iterfind(f"{W}num"):
            self._abstract[value(num, "numId") or ""] = value(num.find(f"{W}abstractNumId")) or ""

    def label(self, list_id: str, level: int) -> str:
        """Return what stands before the next paragraph of a list; empty where it has no number."""
        key = self._abstract.get(list_id, "")
        if (key, level) not in self._levels:
            return ""
        start, kind, text = self._levels[key, level]
        if kind == "bullet":
            return "• "
        self._counts[key, level] = self._counts.get((key, level), start - 1) + 1
        for deeper in [each for each in self._counts if each[0] == key and each[1] > level]:
            del self._counts[deeper]
        return re.sub(r"%([1-9])", lambda match: self._shown(key, int(match[1]) - 1), text)

    def _shown(self, key: str, level: int) -> str:
        start, kind, _ = self._levels.get((key, level), (1, "decimal", ""))
        return _FORMATS.get(kind, str)(self._counts.get((key, level), start))
